/**
 * The store fails, fails though it took effect, hangs and is late; the server restarts, fast and immediately; the
 * replication connection is cut. All at once, under load: the trail equals the shadow log in the end.
 */
import { test } from 'vitest';
import { startCase } from '../support/capture-case.ts';
import { LASTING, SMALL_SEALS } from '../support/crash.ts';
import { seedOfRun } from '../support/random.ts';
import { nothing, surviveStoreFaults } from '../support/store-faults.ts';
import { startWorkload } from '../support/workload.ts';

test('a store that fails, persists and hangs, and a server that goes away', async () => {
  const seed = seedOfRun();
  await using at = await startCase({ major: 17, seal: SMALL_SEALS });
  const cut = async () => {
    const admin = await at.admin();
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender'",
    );
    await admin.end();
  };
  const restart = (how: 'fast' | 'immediate') => async () => {
    await at.server.embedded?.restart(how);
    await at.forgetPrepared();
  };
  await surviveStoreFaults(at, {
    seed,
    load: () => startWorkload({ ...LASTING, url: at.server.url, major: at.major, seed }),
    disturbances: [nothing, cut, restart('fast'), cut, restart('immediate'), nothing],
  });
});
