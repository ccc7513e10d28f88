/** One trail's pipeline inside the test's process, so that its store can be wrapped: what `rowseal run` does, without HTTP. */
import { PassThrough } from 'node:stream';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { newHealth, type TrailHealth } from '../../src/capture/health.ts';
import { runTrail } from '../../src/capture/pipeline.ts';
import { spoolsOf, writerParts } from '../../src/commands/trail-parts.ts';
import { effectiveConfig } from '../../src/config/compile.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { CaptureSetting } from '../../src/engines/common/engine.ts';
import { engineOf } from '../../src/engines/engine-of.ts';
import type { TrailStore } from '../../src/store/store.ts';

export interface RunningTrail {
  readonly health: TrailHealth;
  /** What it logged, one JSON text a line. */
  readonly log: readonly string[];
  /** Rejects with what ended it. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

/** Runs the first trail of a configuration. `wrap` gets the store that it names; `watchMs` as the engine's `capture` has it; `patienceMs` instead of the engine's. */
export async function startTrail(
  path: string,
  wrap: (store: TrailStore) => TrailStore,
  { patienceMs, ...watch }: Pick<CaptureSetting, 'watchMs'> & { readonly patienceMs?: number } = {},
): Promise<RunningTrail> {
  const config = loadConfig(path, process.env);
  const [trail] = config.trails;
  if (trail === undefined) throw new Error('a configuration without a trail');
  const stopping = new AbortController();
  const io = {
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: process.env,
    signal: stopping.signal,
  };
  const written: string[] = [];
  const out = new PassThrough();
  out.setEncoding('utf8').on('data', (text: string) => written.push(...text.trim().split('\n')));
  const log = createLog('info', out);
  const writer = await writerParts(config, trail, io);
  const store = wrap(writer.store);
  const { waiting: spool, overflow } = spoolsOf(config, trail);
  const health = newHealth(systemClock.now());
  const capture = engineOf(trail, io.env).capture({
    policy: writer.policy,
    file: 'rowseal.yaml',
    log,
    overflow,
    ...watch,
  });
  const done = runTrail(
    {
      ...writer,
      store,
      connect: () => capture.connect(),
      waiting: { memoryBytes: 64 * 1024, spool, spoolBytes: config.spool.max_bytes },
      effective: effectiveConfig(config, trail),
      log,
      health,
      acceptGap: null,
      patienceMs: patienceMs ?? capture.patienceMs,
      observe: { sealed: () => undefined, retried: () => undefined, streaming: () => undefined },
    },
    stopping.signal,
  ).finally(async () => {
    spool.close();
    await store.close();
  });
  done.catch(() => undefined);
  return {
    health,
    log: written,
    done,
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
