/**
 * Finds the head of a trail on its store: the highest number that has a version validly signed for that number.
 * The trail is the only state (invariant I5): no cursor, no index, nothing that could disagree with it. Whatever
 * lies at or above the head may be junk of somebody else, which is passed over and reported, never believed.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Listed, listKeys, lookUp } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { parseSegmentPath, sealNumber, sealPath } from '../../trail/names.ts';
import { type Head, headAfter } from './head.ts';
import { LOST_LOOK, oldestSeal, type SealCheck } from './oldest.ts';
import { highestSeal } from './search.ts';

export interface Recovered {
  readonly head: Head;
  /** What a crash or a lost race left: segments above the head by path, seals at the head by SHA-256 in hex. */
  readonly abandoned: readonly string[];
}

/** The head and what to list as abandoned; null where the store holds no seal of this trail. */
export async function recover(
  store: TrailReader,
  isSeal: SealCheck,
  classes: readonly string[],
  log: Log,
): Promise<Recovered | null> {
  const met = { keys: 0, objects: 0 };
  // A key that was asked for by its name may come again in a listing.
  const known = new Map<string, boolean>();
  const probe = async (listed: Listed): Promise<boolean> => {
    const before = known.get(listed.key);
    if (before !== undefined) return before;
    const { found, junk } = await oldestSeal(store, listed, isSeal);
    // Where nothing lies now, a daemon that begins may put a seal a moment later.
    if (listed.versions.length > 0 && known.size < MOST_KNOWN) known.set(listed.key, found !== null);
    if (junk > 0) met.keys += 1;
    met.objects += junk;
    return found !== null;
  };
  let number = await highestSeal(store, probe);
  if (number === null) {
    if (!(await anySealKey(store))) return null;
    // It may have been put since: it is asked for once more before anything is said of it.
    number = await highestSeal(store, probe);
  }
  if (met.objects > 0) log.warn({ head: number, ...met }, JUNK);
  if (number === null) {
    throw new RowsealError(
      'trail_invalid',
      'The store holds seals, but none that this key signed for this trail.',
      {
        hint: 'See that signer.path and the trail’s name are the ones that wrote it; rowseal verify names what is wrong.',
      },
    );
  }
  const { found, lost } = await oldestSeal(store, await lookUp(store, sealPath(number)), isSeal, LOST_LOOK);
  if (found === null)
    throw new RowsealError('store_unavailable', `${sealPath(number)} is not listed any more`);
  const head = headAfter(found.file);
  const segments = await strays(store, head, classes);
  return { head, abandoned: [...lost, ...segments] };
}

const MOST_KNOWN = 10_000;

/** One line for all of it: what was met on the way, not all that there is. */
const JUNK =
  'objects under seals’ names that are no seals of this trail were passed over; rowseal verify names them';

/** Whether there is anything of a seal's name, be it a delete marker. */
async function anySealKey(store: TrailReader): Promise<boolean> {
  for await (const { key } of store.list('seals/')) if (sealNumber(key) !== null) return true;
  return false;
}

/**
 * Segments above the head, or all of a trail without one (a crash before seal 0): a path sorts by date and number, so
 * one listing a class finds them.
 */
export async function strays(
  store: TrailReader,
  head: Head | null,
  classes: readonly string[],
): Promise<string[]> {
  const above = head?.number ?? -1;
  const date = head?.sealedAt?.slice(0, 10).replaceAll('-', '/');
  const found = new Set<string>();
  for (const name of new Set(classes)) {
    const prefix = `segments/${name}/`;
    // '~' sorts behind every hex digit: after all segments of the head's own number.
    const after = date === undefined ? undefined : `${prefix}${date}/${String(above).padStart(12, '0')}-~`;
    let left = MOST_LISTED;
    for await (const { key, versions } of listKeys(store, prefix, after)) {
      const path = parseSegmentPath(key);
      const isThere = versions.some(({ deleteMarker }) => !deleteMarker);
      if (isThere && path !== null && path.number > above) found.add(key);
      if (found.size >= MOST_ABANDONED) return [...found];
      left -= 1;
      if (left === 0) break;
    }
  }
  return [...found];
}

/** Far below what a seal file of 1 MiB holds; the rest is listed by a later start. */
const MOST_ABANDONED = 2000;
/** Of each class: anybody can put any number there, and what is not listed as abandoned is a notice, no more. */
const MOST_LISTED = 5000;

/** Whether a valid seal of this trail stands above `head`: another writer was at work since it was read. */
export async function movedOn(store: TrailReader, head: Head, isSeal: SealCheck): Promise<boolean> {
  const { found } = await oldestSeal(store, await lookUp(store, sealPath(head.number + 1)), isSeal);
  return found !== null;
}
