/** Which seal recovery takes for the head, and what that costs, whatever is missing and whatever others put there. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryStore, type MemoryStore } from '../../../test/support/memory-store.ts';
import { buildTrail, honestDrafts, memoryReader, NAME, SIGNER } from '../../../test/support/trail-builder.ts';
import { silentLog } from '../../base/log.ts';
import { sealPath } from '../../trail/names.ts';
import { MIN_SEAL_BYTES } from '../../trail/seal.ts';
import { sealCheck } from './oldest.ts';
import { recover } from './recover.ts';
import { highestSeal, type Probe } from './search.ts';

const SEAL = Buffer.alloc(MIN_SEAL_BYTES, 's');
const JUNK = Buffer.alloc(MIN_SEAL_BYTES, 'j');

/** The head's number, the listings begun and the keys whose objects were asked for. */
async function lookAt(store: MemoryStore) {
  let listings = 0;
  let folders = 0;
  let probes = 0;
  const counting = {
    ...store,
    list: (prefix: string, after?: string) => {
      listings += 1;
      if (prefix === 'seals/') folders += 1;
      return store.list(prefix, after);
    },
  };
  const probe: Probe = async ({ key, versions }) => {
    if (versions.length === 0) return false;
    probes += 1;
    for (const { version, deleteMarker } of versions) {
      if (!deleteMarker && (await store.read(key, version, 1 << 20)).equals(SEAL)) return true;
    }
    return false;
  };
  return { highest: await highestSeal(counting, probe), listings, folders, probes };
}

function storeOf(seals: readonly number[], junk: readonly number[] = [], bytes = JUNK): MemoryStore {
  const store = createMemoryStore({ versioned: true });
  for (const number of junk) store.put(sealPath(number), bytes);
  for (const number of seals) store.put(sealPath(number), SEAL);
  return store;
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

it('finds the head of a whole trail by one listing of all, of one whose first seals expired by two', async () => {
  for (const count of [1, 2, 3, 4, 7, 8, 9, 100]) {
    expect(await lookAt(storeOf(range(0, count)))).toMatchObject({ highest: count - 1, folders: 1 });
    expect(await lookAt(storeOf(range(5, 5 + count)))).toMatchObject({ highest: 4 + count, folders: 2 });
  }
  expect((await lookAt(storeOf([]))).highest).toBeNull();
});

it('finds the head whichever seals are missing or hidden', async () => {
  const numbers = fc.uniqueArray(fc.oneof(fc.nat(40), fc.nat(100_000), fc.constant(999_999_999_999)), {
    minLength: 1,
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(numbers, fc.array(fc.nat(59)), async (seals, hide) => {
      const store = storeOf(seals);
      for (const at of hide) if (seals[at] !== undefined) store.put(sealPath(seals[at]), null);
      expect((await lookAt(store)).highest).toBe(Math.max(...seals));
    }),
  );
});

// Doubling asks for 1, 2, 4, 8… and halving for what lies between: a seal that is missing just there ended the search,
// and the daemon would have sealed its number anew, below seals that are there.
it('finds the head beyond holes where the search happens to ask', async () => {
  const holes = [
    [1],
    [2],
    [4],
    [64],
    [96],
    [64, 96],
    [99],
    [1, 2, 4, 8, 16, 32, 64],
    range(1, 99),
    range(32, 65),
  ];
  for (const hole of holes) {
    const seals = range(0, 101).filter((number) => !hole.includes(number));
    expect((await lookAt(storeOf(seals))).highest, `${hole}`).toBe(100);
    // Junk in the hole, and above the head as far as one look goes.
    expect((await lookAt(storeOf(seals, hole.slice(0, 60)))).highest, `${hole}`).toBe(100);
    expect((await lookAt(storeOf(seals, range(101, 400)))).highest, `${hole}`).toBe(100);
    expect((await lookAt(storeOf(seals, range(101, 1100), Buffer.alloc(0)))).highest).toBe(100);
  }
});

// What the bound means: a hole, which a bucket's locks do not allow, and behind it more junk than one look takes.
it('does not see a seal behind a hole and 64 pieces of junk of a seal’s size', async () => {
  expect((await lookAt(storeOf([...range(0, 10), 100], range(10, 73)))).highest).toBe(100);
  expect((await lookAt(storeOf([...range(0, 10), 100], range(10, 74)))).highest).toBe(9);
});

// Each number of junk above the head cost a listing, a GET and a line in the log, at every reconnect.
it('costs the same however much junk lies above the head and between the seals', async () => {
  const seals = range(0, 1000);
  const alone = await lookAt(storeOf(seals));
  for (const bytes of [Buffer.alloc(0), JUNK]) {
    const much = await lookAt(storeOf(seals, range(1000, 5000), bytes));
    expect(much.highest).toBe(999);
    expect(much.listings).toBeLessThanOrEqual(alone.listings + 2);
    expect(much.probes).toBeLessThanOrEqual(alone.listings + 64);
  }
  const older = await lookAt(storeOf(seals, range(0, 1000), JUNK));
  expect(older).toMatchObject({ highest: 999, listings: alone.listings });
});

it('finds a trail whose first seals have expired among junk in their place', async () => {
  const seals = range(3000, 4000);
  const found = await lookAt(storeOf(seals, [...range(0, 3000), ...range(4000, 6000)]));
  expect(found.highest).toBe(3999);
  expect(found.probes).toBeLessThan(150);
  // The seals that are left are few: found all the same, by asking for each.
  expect((await lookAt(storeOf([700, 701], range(0, 700)))).highest).toBe(701);
});

// `status` asked for a trail that its daemon just began: seal 0 was not there when it was asked for, and was when everything
// was listed, so the trail passed for one that another key had signed. The demo ended with that, now and then.
it('a trail that begins while we look has no head yet, or that one', async () => {
  const whole = await buildTrail(honestDrafts());
  for (let moment = 0; moment < 12; moment++) {
    const objects = new Map<string, Buffer>();
    const reader = memoryReader(objects);
    let calls = 0;
    const beginning = {
      ...reader,
      list: (prefix: string, after?: string) => {
        if (calls++ === moment) objects.set(sealPath(0), whole.get(sealPath(0))!);
        return reader.list(prefix, after);
      },
    };
    const found = await recover(beginning, sealCheck(NAME, SIGNER.key), ['default'], silentLog);
    expect(found?.head.number ?? null, `${moment}`).toBe(found === null ? null : 0);
    if (moment === 0) expect(found?.head.number).toBe(0);
  }
});
