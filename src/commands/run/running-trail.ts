/**
 * One trail of the daemon: its parts put together from the configuration, and what its log, health and metrics say of
 * them while it runs. The error that ends it is a result, for whoever runs it beside other trails, which go on.
 */
import { systemClock } from '../../base/clock.ts';
import { RowsealError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import { newHealth, type TrailHealth } from '../../capture/health.ts';
import { type PipelineObserver, runTrail } from '../../capture/pipeline.ts';
import { effectiveConfig, policyOf } from '../../config/compile.ts';
import type { Config, TrailConfig } from '../../config/schema.ts';
import type { Capture } from '../../engines/common/engine.ts';
import { engineOf } from '../../engines/engine-of.ts';
import type { ChangeSource } from '../../source/source.ts';
import type { CommandIo } from '../command.ts';
import { spoolsOf, writerParts } from '../trail-parts.ts';
import { type Counted, countProgress, countSeal } from './metrics.ts';

export interface Given {
  readonly config: Config;
  /** Where the configuration was read: what is told to do names it. */
  readonly file: string;
  readonly acceptGap: string | null;
}

export interface RunningTrail {
  readonly name: string;
  readonly health: TrailHealth;
  refresh(): void;
  /** Resolves with the error that ended it, null when it was asked to stop. */
  run(signal: AbortSignal): Promise<unknown>;
}

export function createRunningTrail(
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
  const counted: Counted = { recorder: null, told: {} };
  let source: ChangeSource | null = null;
  const connect = () => {
    source = capture.connect();
    return source;
  };
  const look = createCaptureLook(capture, health, log);
  const refresh = () => {
    look();
    countProgress(metrics, name, counted, source, health, config.metrics.stale_after);
  };
  const observe = createObserver(name, metrics, log, counted, { look, refresh });
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
          observe,
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

/** Problems that one line of the log names. */
const MAX_TOLD = 20;

/** Puts what is wrong with the capture into health; the log is told where that changed. */
function createCaptureLook(capture: Pick<Capture, 'problems'>, health: TrailHealth, log: Log): () => void {
  let told = '';
  return () => {
    health.problems = capture.problems();
    const now = health.problems.join('\n');
    if (now === told) return;
    told = now;
    if (now === '') log.info('the capture is whole again');
    else log.warn({ problems: health.problems.slice(0, MAX_TOLD) }, 'the capture is not whole');
  };
}

/** Counts what the pipeline tells; each connection has a recorder of its own, whose counters begin anew. */
function createObserver(
  trail: string,
  metrics: Metrics,
  log: Log,
  counted: Counted,
  { look, refresh }: { readonly look: () => void; readonly refresh: () => void },
): PipelineObserver {
  let connected = false;
  return {
    sealed(seal, tookMs) {
      look();
      countSeal(metrics, trail, seal, tookMs);
      const { number, count: records, reason, source } = seal;
      log.debug({ number, records, reason, through: source.through, tookMs }, 'sealed');
    },
    retried: () => metrics.storeRetries.inc({ trail }),
    streaming(_source, streamed) {
      refresh();
      Object.assign(counted, { recorder: streamed, told: {} });
      metrics.reconnects.inc({ trail }, connected ? 1 : 0);
      connected = true;
    },
  };
}
