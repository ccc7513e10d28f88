/**
 * Searches the number of a trail's head: the highest with an authentic seal. Its cost must not grow with what others
 * put under seals' names, and it must find what a listing of everything would find in a trail without such junk.
 *
 * Seals stand one after another, so the head is found by doubling and halving over numbers, each asked by its name
 * whether an authentic seal is there: junk between and above changes nothing. Seals may be missing, though, and
 * behind the hole may stand higher ones: so one bounded look goes beyond, and where it finds a seal, the search goes
 * on from there by such looks. What is returned has therefore no authentic seal among the first 64 keys of a seal's
 * size among the first 2,000 keys behind it: without junk above it, none at all. With more junk than that, a seal
 * that stands behind both a hole and the junk is not seen. A bucket's locks allow no holes.
 */
import { type Listed, listKeys, lookUp } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { MAX_SEAL_NUMBER, sealNumber, sealPath } from '../../trail/names.ts';
import { isPlausible } from './oldest.ts';

/** Whether an authentic seal is under this key. */
export type Probe = (listed: Listed) => Promise<boolean>;

/** How far one look goes: keys that are listed, and those of them whose objects are read. */
const LOOK = { keys: 2000, reads: 64 };
/** Of a trail whose first seals have expired, each so many keys one is tried first. */
const STRIDE = 256;

/** The head's number; null where there is no authentic seal. */
export async function highestSeal(store: TrailReader, probe: Probe): Promise<number | null> {
  const at = async (number: number): Promise<number | null> =>
    number <= MAX_SEAL_NUMBER && (await probe(await lookUp(store, sealPath(number)))) ? number : null;
  const from = (number: number) => nextSeal(store, number, probe);
  const first = (await at(0)) ?? (await anySeal(store, probe));
  if (first === null) return null;
  const likely = await search(first, at);
  const beyond = await from(likely + 1);
  return beyond === null ? likely : await search(beyond, from);
}

/** The highest number, by doubling and halving; `at` gives one at or above the number it is asked for, or null. */
async function search(first: number, at: (number: number) => Promise<number | null>): Promise<number> {
  let low = first;
  let step = 1;
  for (let found = await at(low + step); found !== null; found = await at(low + step)) {
    low = found;
    step *= 2;
  }
  // From here on: `low` is there, and nothing is at or above `high`.
  let high = low + step;
  while (low + 1 < high) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await at(middle);
    if (found === null) high = middle;
    else low = found;
  }
  return low;
}

/** The first authentic seal from `number` on, as far as one look goes. */
async function nextSeal(store: TrailReader, number: number, probe: Probe): Promise<number | null> {
  let left = LOOK.reads;
  for await (const listed of plausible(store, number, LOOK.keys)) {
    if (await probe(listed)) return sealNumber(listed.key);
    left -= 1;
    if (left === 0) return null;
  }
  return null;
}

/**
 * Any authentic seal of a trail whose first ones are gone. They stand side by side, so trying some of the keys finds
 * them among any amount of junk, where they are not few: only then each key is tried.
 */
async function anySeal(store: TrailReader, probe: Probe): Promise<number | null> {
  for (const stride of [STRIDE, 1]) {
    let index = 0;
    for await (const listed of plausible(store, 0, Number.POSITIVE_INFINITY)) {
      if (index % stride === 0 && (await probe(listed))) return sealNumber(listed.key);
      index += 1;
    }
  }
  return null;
}

/** The seals' keys from `number` on that hold anything of a seal's size, among so many. */
async function* plausible(store: TrailReader, number: number, most: number): AsyncGenerator<Listed> {
  if (number > MAX_SEAL_NUMBER) return;
  let left = most;
  for await (const listed of listKeys(store, 'seals/', number === 0 ? undefined : sealPath(number - 1))) {
    if (left <= 0) return;
    left -= 1;
    const isSeal = sealNumber(listed.key) !== null;
    if (isSeal && (listed.more || listed.versions.some(isPlausible))) yield listed;
  }
}
