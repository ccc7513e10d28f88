/**
 * The truth test: a random workload against a shadow log that triggers write inside the same database. The trail
 * must equal it: every committed change once, in order, values exact, actor right; and verify must be clean.
 */
import { expect, test } from 'vitest';
import { seedOfRun } from '../support/random.ts';
import { truth } from '../support/truth.ts';

for (const major of [14, 18]) {
  test(`Postgres ${major}: the trail is what the database did`, async () => {
    const seed = seedOfRun();
    const result = await truth({ major, seed, transactions: 350, ddl: 25 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(300);
  });
}
