/**
 * The truth test on MySQL and MariaDB: a random workload against a shadow log that triggers write inside the same
 * database. The trail must equal it: every committed change once, in order, values exact, actor right; and verify must be
 * clean.
 */
import { expect, test } from 'vitest';
import { truth } from '../support/mysql-truth.ts';
import { seedOfRun } from '../support/random.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  test(`${flavor}: the trail is what the database did`, async () => {
    const seed = seedOfRun();
    const result = await truth({ flavor, seed, transactions: 350, ddl: 25 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(300);
  }, 120_000);
}
