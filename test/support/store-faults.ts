/**
 * One run under load while the store fails, fails though it took effect, hangs and is late, and while the test disturbs
 * the server; then all is calm, and the trail must equal the shadow log.
 */
import { expect } from 'vitest';
import { type CrashCase, finish } from './crash.ts';
import { createFlakyStore, type FlakyStore } from './flaky-store.ts';
import { startTrail } from './in-process.ts';
import { until } from './patience.ts';
import { createRandom, type Random } from './random.ts';
import type { Comparison } from './shadow-compare.ts';
import type { Workload } from './workload.ts';

type Verdict = Comparison & { readonly verify: string | null; readonly blind: readonly string[] };

export interface StoreFaults {
  readonly seed: number;
  /** Called when the trail streams. */
  readonly load: () => Workload | Promise<Workload>;
  /** What happens to the server under load, some calls of the store apart. */
  readonly disturbances: readonly ((random: Random) => Promise<void>)[];
}

/** A trail that failed some times in a row rests for up to half a minute, and fails again: idle time, as it should be. */
const LONGEST_PAUSE_MS = 180_000;

export async function surviveStoreFaults(
  at: CrashCase<Verdict>,
  { seed, load, disturbances }: StoreFaults,
): Promise<void> {
  const random = createRandom(seed).fork('disturbances');
  let flaky: FlakyStore | null = null;
  const trail = await startTrail(at.config.path, (store) => {
    const rates = { fail: 0.04, persist: 0.04, hang: 0.01, delay: 0.1 };
    flaky = createFlakyStore(store, { seed, rates, hangMs: 800, delayMs: 60 });
    flaky.calm(true);
    return flaky;
  });
  const faults = flaky as unknown as FlakyStore;
  await until(() => trail.health.state === 'streaming');
  const workload = await load();
  faults.calm(false);
  for (const disturb of disturbances) {
    const calls = faults.calls.length + 20 + random.below(40);
    await until(
      () => faults.calls.length >= calls,
      LONGEST_PAUSE_MS,
      100,
      () => trail.log.slice(-10).join('\n'),
    );
    await disturb(random);
  }
  await until(() => workload.begun() >= 300);
  workload.stop();
  await workload.done;
  faults.calm(true);
  await at.forgetPrepared();
  await at.caughtUp().catch((error: Error) => {
    throw new Error(`${error.message} (seed ${seed})\n${trail.log.slice(-10).join('\n')}`);
  });
  await trail.stop();
  const result = await finish(at, []);
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
  expect(result.changes).toBeGreaterThan(200);
  const met = Object.groupBy(faults.calls, ({ fault }) => fault);
  for (const fault of ['fail', 'persist', 'delay'] as const)
    expect(met[fault]?.length, fault).toBeGreaterThan(0);
}

/** A while in which only the store is bad. */
export const nothing = async () => undefined;
