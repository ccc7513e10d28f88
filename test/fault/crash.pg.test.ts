/**
 * The crash test: the workload of the truth test while the daemon is killed with SIGKILL at random moments. After
 * any crash the trail holds each committed change once, in order, exactly, and verifies.
 */
import { expect, test } from 'vitest';
import { crash, firstStart } from '../support/crash.ts';
import { seedOfRun } from '../support/random.ts';

test('20 kills at random moments leave no mark', async () => {
  const seed = seedOfRun();
  const result = await crash({ major: 18, seed, kills: 20 });
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
  expect(result.changes).toBeGreaterThan(500);
  expect(result.connected).toBeGreaterThan(5);
  expect(result.partials).toBeGreaterThan(0);
});

test('20 kills while a trail begins: it comes up', async () => {
  const seed = seedOfRun();
  const result = await firstStart({ major: 15, seed, kills: 20 });
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
});
