/** The truth test with more load, on every major. */
import { expect, test } from 'vitest';
import { seedOfRun } from '../support/random.ts';
import { truth } from '../support/truth.ts';

for (const major of [14, 15, 16, 17, 18]) {
  test(`Postgres ${major}: the trail is what the database did, at length`, async () => {
    const seed = seedOfRun();
    const result = await truth({ major, seed, transactions: 4000, ddl: 300 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(5000);
  });
}
