/**
 * The store fails, fails though it took effect, hangs and is late; the server restarts, fast and immediately; the
 * replication connection is cut. All at once, under load: the trail equals the shadow log in the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startCase } from '../support/capture-case.ts';
import { finish, LASTING, SMALL_SEALS } from '../support/crash.ts';
import { createFlakyStore, type FlakyStore } from '../support/flaky-store.ts';
import { startTrail } from '../support/in-process.ts';
import { createRandom, seedOfRun } from '../support/random.ts';
import { startWorkload } from '../support/workload.ts';

test('a store that fails, persists and hangs, and a server that goes away', async () => {
  const seed = seedOfRun();
  const random = createRandom(seed).fork('disturbances');
  await using at = await startCase({ major: 17, seal: SMALL_SEALS });
  let flaky: FlakyStore | null = null;
  const trail = await startTrail(at.config.path, (store) => {
    const rates = { fail: 0.04, persist: 0.04, hang: 0.01, delay: 0.1 };
    flaky = createFlakyStore(store, { seed, rates, hangMs: 800, delayMs: 60 });
    flaky.calm(true);
    return flaky;
  });
  const faults = flaky as unknown as FlakyStore;
  while (trail.health.state !== 'streaming') await sleep(20);
  faults.calm(false);
  const workload = startWorkload({ ...LASTING, url: at.server.url, major: at.major, seed });
  for (const disturbance of ['none', 'cut', 'fast', 'cut', 'immediate', 'none'] as const) {
    await sleep(800 + random.below(1200));
    if (disturbance === 'cut') {
      const admin = await at.admin();
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender'",
      );
      await admin.end();
    } else if (disturbance !== 'none') {
      await at.server.embedded?.restart(disturbance);
      await at.forgetPrepared();
    }
  }
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
}, 180_000);
