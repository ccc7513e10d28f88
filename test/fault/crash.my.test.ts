/**
 * The crash test on MySQL and MariaDB: the workload of the truth test while the daemon is killed with SIGKILL at random
 * moments, and the server with it now and then. After any crash the trail holds each committed change once, in order,
 * exactly, and verifies.
 */
import { expect, test } from 'vitest';
import { crash } from '../support/mysql-crash.ts';
import { seedOfRun } from '../support/random.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  test(`${flavor}: 20 kills at random moments leave no mark`, async () => {
    const seed = seedOfRun();
    const result = await crash({ flavor, seed, kills: 20, serverEvery: 8 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(500);
    expect(result.connected).toBeGreaterThan(5);
    expect(result.partials).toBeGreaterThan(0);
  });
}
