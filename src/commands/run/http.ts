/** The daemon's only ear: /metrics for Prometheus, /healthz for whoever pages people. Read-only, no secrets. */
import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import { RowsealError } from '../../base/errors.ts';
import { json } from '../../base/text.ts';
import { complaints, type TrailHealth } from '../../capture/health.ts';

export interface DaemonHttpOptions {
  /** `host:port` or `[v6]:port`. */
  readonly listen: string;
  readonly registry: Registry;
  readonly trails: ReadonlyMap<string, TrailHealth>;
  readonly staleAfterMs: number;
  /** Called before every answer: brings the trails' health and the registry up to date. */
  readonly refresh: () => void;
}

/** Listens; resolves when it does. Throws `config_invalid` where the address can't be had. */
export async function serveDaemonHttp(options: DaemonHttpOptions): Promise<Server> {
  const { hostname, port } = new URL(`http://${options.listen}`);
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').split('?')[0];
    // Health is what it is now, not what it was when somebody last asked for metrics.
    options.refresh();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405).end();
    } else if (path === '/metrics') {
      response.writeHead(200, { 'content-type': options.registry.contentType });
      response.end(await options.registry.metrics());
    } else if (path === '/healthz') {
      const report = healthReport(options);
      response.writeHead(report.healthy ? 200 : 503, { 'content-type': 'application/json' });
      response.end(`${json(report)}\n`);
    } else {
      response.writeHead(404).end('See /metrics and /healthz.\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new RowsealError(
          'config_invalid',
          `metrics.listen: cannot listen on ${options.listen}: ${cause.code}.`,
          {
            cause,
            ...(cause.code === 'EADDRINUSE'
              ? {
                  hint: 'A rowseal may run there already (rowseal status says); else give metrics.listen another port.',
                }
              : {}),
          },
        ),
      ),
    );
    server.listen(Number(port), hostname.replace(/^\[|\]$/g, ''), resolve);
  });
  server.unref();
  return server;
}

/** What /healthz answers: healthy only when every trail is. */
export function healthReport(options: Pick<DaemonHttpOptions, 'trails' | 'staleAfterMs'>) {
  const now = Date.now();
  const trails = [...options.trails].map(([name, health]) => ({
    name,
    healthy: complaints(health, now, options.staleAfterMs).length === 0,
    complaints: complaints(health, now, options.staleAfterMs),
    state: health.state,
    head: health.head,
    through: health.through,
    sealed_at: health.sealedAt === null ? null : new Date(health.sealedAt).toISOString(),
  }));
  return { healthy: trails.every(({ healthy }) => healthy), trails };
}
