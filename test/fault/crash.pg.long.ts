/** The crash test at length: more than 100 kills, with a server that restarts in between, on every major. */
import { expect, test } from 'vitest';
import { crash, firstStart } from '../support/crash.ts';
import { seedOfRun } from '../support/random.ts';

for (const major of [14, 15, 16, 17, 18]) {
  test(`Postgres ${major}: 25 kills, restarts of the server, configurations that change`, async () => {
    const seed = seedOfRun();
    const result = await crash({
      major,
      seed,
      kills: 25,
      vary: true,
      disturb: async (at, random) => {
        if (random.chance(0.25)) await at.server.embedded?.restart(random.pick(['fast', 'immediate']));
      },
    });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(500);
  });

  test(`Postgres ${major}: 40 kills while trails begin`, async () => {
    const seed = seedOfRun();
    const result = await firstStart({ major, seed, kills: 40 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
  });
}
