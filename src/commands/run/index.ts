/** `rowseal run`: builds each configured trail's parts and runs them side by side; one that stops doesn't stop the others. */
import type { Server } from 'node:http';
import { systemClock } from '../../base/clock.ts';
import { RowsealError } from '../../base/errors.ts';
import { createLog, type Log } from '../../base/log.ts';
import { createMetrics, type Metrics } from '../../base/metrics.ts';
import { text } from '../../base/text.ts';
import { newHealth, type TrailHealth } from '../../capture/health.ts';
import { runTrail } from '../../capture/pipeline.ts';
import { effectiveConfig, policyOf } from '../../config/compile.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, TrailConfig } from '../../config/schema.ts';
import { engineOf } from '../../engines/engine-of.ts';
import type { ChangeSource } from '../../source/source.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';
import { spoolsOf, writerParts } from '../trail-parts.ts';
import { serveDaemonHttp } from './http.ts';
import { type Counted, countProgress, countSeal } from './metrics.ts';

const HELP = text`rowseal run: the daemon.

Usage: rowseal run -c rowseal.yaml [options]

  -c, --config FILE          the configuration (see config.example.yaml)
      --trail NAME           run this trail alone
      --accept-gap=POSITION  go on behind a hole, once: the position that the error named; it is sealed as a gap
      --log-level LEVEL      debug, info (default), warn, error

It logs one JSON object a line on stdout, and serves /metrics and /healthz at metrics.listen.
The first SIGTERM or SIGINT seals what is open, acknowledges it and leaves with 0; the second leaves at once.
What was not sealed then comes again from the database at the next start.

Exit status: 0 asked to stop; 2 a trail could not go on (its error says why and what to do); 3 it would have recorded
what a redaction withholds: nothing may start it again before the configuration is corrected.
Example: rowseal run -c /etc/rowseal/rowseal.yaml
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  trail: { type: 'string' },
  'accept-gap': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
} as const;

export const runCommand: Command = {
  name: 'run',
  summary: 'the daemon: capture, seal, acknowledge',
  help: HELP,
  async run(argv, io) {
    const { values } = parseCommandLine('run', argv, { options: OPTIONS });
    if (values.config === undefined) throw new RowsealError('usage', 'run needs -c FILE.');
    const config = loadConfig(values.config, io.env);
    const trails = chosenTrails(config, values.trail, values['accept-gap']);
    return runDaemon(
      { config, file: values.config, acceptGap: values['accept-gap'] ?? null },
      trails,
      values['log-level'],
      io,
    );
  },
};

function chosenTrails(
  config: Config,
  name: string | undefined,
  acceptGap: string | undefined,
): readonly TrailConfig[] {
  const trails = config.trails.filter((trail) => name === undefined || trail.name === name);
  if (trails.length === 0) throw new RowsealError('usage', `The configuration has no trail ${name}.`);
  if (acceptGap !== undefined && trails.length > 1) {
    throw new RowsealError('usage', 'A gap is accepted for one trail.', { hint: 'Name it with --trail.' });
  }
  return trails;
}

interface Given {
  readonly config: Config;
  /** Where the configuration was read: what is told to do names it. */
  readonly file: string;
  readonly acceptGap: string | null;
}

async function runDaemon(
  given: Given,
  trails: readonly TrailConfig[],
  level: string,
  io: CommandIo,
): Promise<number> {
  const { config } = given;
  const log = createLog(level, io.stdout);
  const metrics = createMetrics();
  const running = trails.map((trail) => createRunningTrail(given, trail, metrics, log, io));
  const http: Server = await serveDaemonHttp({
    listen: config.metrics.listen,
    registry: metrics.registry,
    trails: new Map(running.map(({ name, health }) => [name, health])),
    staleAfterMs: config.metrics.stale_after,
    refresh: () => {
      for (const trail of running) trail.refresh();
    },
  });
  const { listen } = config.metrics;
  log.info({ trails: running.map(({ name }) => name), healthz: `http://${listen}/healthz` }, 'rowseal runs');
  const outcomes = await Promise.all(running.map((trail) => trail.run(io.signal)));
  http.closeAllConnections();
  http.close();
  // Whoever restarts us goes by the exit status: the one that forbids it counts.
  const unmatched = outcomes.find(isUnmatched);
  const failed = unmatched ?? outcomes.find((error) => error !== null);
  if (failed !== undefined && failed !== null) throw failed;
  return 0;
}

function isUnmatched(error: unknown): boolean {
  return error instanceof RowsealError && error.code === 'redaction_unmatched';
}

/** Problems that one line of the log names. */
const MAX_TOLD = 20;

interface RunningTrail {
  readonly name: string;
  readonly health: TrailHealth;
  refresh(): void;
  /** Resolves with the error that ended it, null when it was asked to stop. */
  run(signal: AbortSignal): Promise<unknown>;
}

function createRunningTrail(
  { config, file, acceptGap }: Given,
  trail: TrailConfig,
  metrics: Metrics,
  rootLog: Log,
  io: CommandIo,
): RunningTrail {
  const { name } = trail;
  const log = rootLog.child({ trail: name });
  const health = newHealth(systemClock.now());
  const { waiting: spool, overflow } = spoolsOf(config, trail);
  const capture = engineOf(trail, io.env).capture({ policy: policyOf(config, trail), file, log, overflow });
  let source: ChangeSource | null = null;
  const counted: Counted = { recorder: null, told: {} };
  const connect = () => {
    source = capture.connect();
    return source;
  };
  let connected = false;
  let told = '';
  const look = () => {
    health.problems = capture.problems();
    const now = health.problems.join('\n');
    if (now === told) return;
    told = now;
    if (now === '') log.info('the capture is whole again');
    else log.warn({ problems: health.problems.slice(0, MAX_TOLD) }, 'the capture is not whole');
  };
  const refresh = () => {
    look();
    countProgress(metrics, name, counted, source, health, config.metrics.stale_after);
  };
  const run = async (signal: AbortSignal): Promise<unknown> => {
    const writer = await writerParts(config, trail, io);
    try {
      await runTrail(
        {
          ...writer,
          connect,
          waiting: { memoryBytes: config.spool.max_memory, spool, spoolBytes: config.spool.max_bytes },
          effective: effectiveConfig(config, trail),
          log,
          health,
          acceptGap,
          patienceMs: capture.patienceMs,
          observe: {
            sealed(seal, tookMs) {
              look();
              countSeal(metrics, name, seal, tookMs);
              log.debug(
                {
                  number: seal.number,
                  records: seal.count,
                  reason: seal.reason,
                  through: seal.source.through,
                  tookMs,
                },
                'sealed',
              );
            },
            retried: () => metrics.storeRetries.inc({ trail: name }),
            streaming(_source, streamed) {
              refresh();
              Object.assign(counted, { recorder: streamed, told: {} });
              metrics.reconnects.inc({ trail: name }, connected ? 1 : 0);
              connected = true;
            },
          },
        },
        signal,
      );
      log.info({ head: health.head, through: health.through }, 'stopped; everything read is sealed');
      return null;
    } catch (error) {
      const known = error instanceof RowsealError ? error : null;
      Object.assign(health, { state: 'failed', lastError: known?.message ?? String(error) });
      log.error({ err: error, code: known?.code ?? 'internal', hint: known?.hint }, 'the trail stopped');
      return error;
    } finally {
      spool.close();
      await writer.store.close();
    }
  };
  return { name, health, refresh, run };
}
