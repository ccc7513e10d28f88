/** Which seal recovery takes for the highest, and how many listings of a whole folder it needs for it. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../test/support/memory-store.ts';
import { silentLog } from '../base/log.ts';
import { sealPath } from '../trail/names.ts';
import { parseSealFile, type SealFile } from '../trail/seal.ts';
import { recover } from './recover.ts';

const file: SealFile = parseSealFile(
  readFileSync(new URL('../../test/vectors/trail-1/seals/000000000003', import.meta.url)),
);

/** The first number that recovery holds for the head's, and the listings of all seals until then. */
async function lookAt(numbers: readonly number[], hidden: readonly number[] = []) {
  const store = createMemoryStore({ versioned: true });
  for (const number of numbers) store.put(sealPath(number), Buffer.from('seal'));
  for (const number of hidden) store.put(sealPath(number), null);
  let listings = 0;
  let highest: number | null = null;
  const counting = {
    ...store,
    list: (prefix: string, after?: string) => {
      if (prefix === 'seals/') listings += 1;
      return store.list(prefix, after);
    },
  };
  const isSeal = (_bytes: Buffer, number: number) => {
    highest ??= number;
    return file;
  };
  await recover(counting, isSeal, [], silentLog);
  return { highest, listings };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

it('finds the highest seal of a whole trail by one listing of all, of one whose first seals expired by two', async () => {
  for (const count of [1, 2, 3, 4, 7, 8, 9, 100]) {
    expect(await lookAt(range(0, count))).toEqual({ highest: count - 1, listings: 1 });
    expect(await lookAt(range(5, 5 + count))).toEqual({ highest: 4 + count, listings: 2 });
  }
});

it('finds the highest seal whichever are missing or hidden', async () => {
  const numbers = fc.uniqueArray(fc.oneof(fc.nat(40), fc.nat(100_000), fc.constant(999_999_999_999)), {
    minLength: 1,
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(numbers, fc.array(fc.nat(59)), async (seals, hide) => {
      const hidden = hide.flatMap((at) => seals[at] ?? []);
      expect((await lookAt(seals, hidden)).highest).toBe(Math.max(...seals));
    }),
  );
});
