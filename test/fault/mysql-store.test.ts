/**
 * On MySQL and MariaDB: the store fails, fails though it took effect, hangs and is late; the server restarts and is
 * killed; the dump is killed. All at once, under load: the trail equals the shadow log in the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { finish, SMALL_SEALS } from '../support/crash.ts';
import { createFlakyStore, type FlakyStore } from '../support/flaky-store.ts';
import { startTrail } from '../support/in-process.ts';
import { dumpsOf, type TestMysql } from '../support/mysql.ts';
import { startCase } from '../support/mysql-case.ts';
import { disturbServer, LASTING } from '../support/mysql-crash.ts';
import { startWorkload } from '../support/mysql-workload.ts';
import { createRandom, seedOfRun } from '../support/random.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  test(`${flavor}: a store that fails, persists and hangs, and a server that goes away`, async () => {
    const seed = seedOfRun();
    const random = createRandom(seed).fork('disturbances');
    await using at = await startCase({ flavor, seal: SMALL_SEALS });
    let flaky: FlakyStore | null = null;
    const trail = await startTrail(at.config.path, (store) => {
      const rates = { fail: 0.04, persist: 0.04, hang: 0.01, delay: 0.1 };
      flaky = createFlakyStore(store, { seed, rates, hangMs: 800, delayMs: 60 });
      flaky.calm(true);
      return flaky;
    });
    const faults = flaky as unknown as FlakyStore;
    while (trail.health.state !== 'streaming') await sleep(20);
    await at.begin();
    faults.calm(false);
    const workload = startWorkload({ ...at, ...LASTING, urlFor: at.server.urlFor, seed });
    for (const disturbance of ['none', 'cut', 'server', 'cut', 'none'] as const) {
      await sleep(600 + random.below(900));
      if (disturbance === 'cut') await cutDump(at.server);
      else if (disturbance === 'server') await disturbServer(at, random);
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
}

/** Kills the session that gets the binary log, as an operator might. */
async function cutDump(server: Pick<TestMysql, 'sql'>): Promise<void> {
  for (const id of await dumpsOf(server)) await server.sql(`KILL ${id}`).catch(() => undefined);
}
