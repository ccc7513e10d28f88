/**
 * Vitest's global set-up for MySQL and MariaDB: one server of each release, shared by all test files of a run, and
 * started when the first of them asks. Test files run in processes of their own, so they ask over HTTP on loopback,
 * with a token; the servers belong to the run, and end with it.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { type ErrorCode, RowsealError } from '../../src/base/errors.ts';
import { type EmbeddedMysql, startMysql } from '../../src/embedded/mysql.ts';
import type { MysqlFlavor, MysqlVersion } from '../../src/embedded/mysql-packages.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where test files ask. */
    sharedMysql: string;
  }
}

export type SharedMysql = Pick<EmbeddedMysql, 'url' | 'caFile' | 'version'>;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = new Map<string, Promise<EmbeddedMysql>>();
  const started = (release: string) => {
    const [flavor, version] = release.split('-') as [MysqlFlavor, MysqlVersion];
    const server =
      servers.get(release) ??
      startMysql({ flavor, version, log: (line) => process.stderr.write(`${line}\n`) });
    servers.set(release, server);
    return server;
  };
  const token = randomUUID();
  const broker = createServer(async (request, response) => {
    const [, given, release = ''] = (request.url ?? '').split('/');
    if (given !== token) return void response.writeHead(404).end();
    try {
      const { url, caFile, version } = await started(release);
      response.end(JSON.stringify({ url, caFile, version } satisfies SharedMysql));
    } catch (error) {
      const { code, message, hint } = error as RowsealError;
      response.writeHead(500).end(JSON.stringify({ code, message, hint }));
    }
  }).listen(0, '127.0.0.1');
  await once(broker, 'listening');
  broker.unref();
  project.provide('sharedMysql', `http://127.0.0.1:${(broker.address() as AddressInfo).port}/${token}/`);
  return async () => {
    broker.close();
    const all = await Promise.allSettled(servers.values());
    for (const server of all) {
      if (server.status === 'fulfilled') await server.value[Symbol.asyncDispose]();
    }
  };
}

/** The shared server of a release, for a test file. */
export async function sharedMysql(flavor: MysqlFlavor, version: MysqlVersion): Promise<SharedMysql> {
  const response = await fetch(`${inject('sharedMysql')}${flavor}-${version}`);
  const answer = await response.json();
  if (response.ok) return answer as SharedMysql;
  const { code, message, hint } = answer as { code: ErrorCode; message: string; hint: string };
  throw new RowsealError(code ?? 'internal', message, { hint });
}
