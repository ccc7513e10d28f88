/**
 * Finds the head of a trail on its store: the highest number that has a version validly signed for that number.
 * The trail is the only state (invariant I5): no cursor, no index, nothing that could disagree with it. Whatever
 * lies at or above the head may be junk of somebody else, which is passed over and reported, never believed.
 */
import { RowsealError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ObjectVersion, TrailReader } from '../store/store.ts';
import { MAX_SEAL_NUMBER, parseSegmentPath, sealNumber, sealPath } from '../trail/names.ts';
import { type VerifierKey, verifyNote } from '../trail/note.ts';
import { findingOf } from '../trail/refuse.ts';
import { MAX_SEAL_BYTES, parseSealFile, type SealFile } from '../trail/seal.ts';
import { type Head, headAfter } from './head.ts';

/** Parses `bytes` where they are a seal of this trail, validly signed for `number`; null for anything else. */
export type SealCheck = (bytes: Buffer, number: number) => SealFile | null;

export interface Recovered {
  readonly head: Head;
  /** What a crash or a lost race left: segments above the head by path, seals at the head by SHA-256 in hex. */
  readonly abandoned: readonly string[];
}

export function sealCheck(trail: string, key: VerifierKey): SealCheck {
  return (bytes, number) => {
    try {
      const file = parseSealFile(bytes);
      const ours =
        file.seal.trail === trail && file.seal.number === number && file.checkpoint.origin === trail;
      return ours && verifyNote(file.note, [key]).length > 0 ? file : null;
    } catch (error) {
      if (findingOf(error) !== null) return null;
      throw error;
    }
  };
}

/** The head and what to list as abandoned; null where the store holds no seal of this trail. */
export async function recover(
  store: TrailReader,
  isSeal: SealCheck,
  classes: readonly string[],
  log: Log,
): Promise<Recovered | null> {
  const highest = await highestSealKey(store);
  if (highest === null) return null;
  const found = (await headAt(store, highest, isSeal)) ?? (await headByListing(store, isSeal, log));
  if (found === null) {
    throw new RowsealError(
      'trail_invalid',
      'The store holds seals, but none that this key signed for this trail.',
      {
        hint: 'See that signer.path and the trail’s name are the ones that wrote it; rowseal verify names what is wrong.',
      },
    );
  }
  const head = headAfter(found.file);
  const segments = await strays(store, head, classes);
  return { head, abandoned: [...found.lost, ...segments] };
}

interface Found {
  readonly file: SealFile;
  readonly lost: readonly string[];
}

/**
 * The highest seal number in the listing. Seals stand one after another, so asking for some by their names finds the
 * likely highest; whether it is, one listing beyond it decides. Where that finds more, since some are missing, the
 * search goes on from there by listings alone, a few however long the trail is.
 */
async function highestSealKey(store: TrailReader): Promise<number | null> {
  const first = (await isListed(store, 0)) ? 0 : await nextSeal(store, -1);
  if (first === null) return null;
  const likely = await search(first, async (number) => ((await isListed(store, number)) ? number : null));
  const beyond = await nextSeal(store, likely);
  return beyond === null ? likely : await search(beyond, (number) => nextSeal(store, number - 1));
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

/** Whether there is any version of this seal's key, or a delete marker. */
async function isListed(store: TrailReader, number: number): Promise<boolean> {
  if (number > MAX_SEAL_NUMBER) return false;
  const path = sealPath(number);
  for await (const { key } of store.list(path)) if (key === path) return true;
  return false;
}

/** The next seal number in the listing above `number`. */
async function nextSeal(store: TrailReader, number: number): Promise<number | null> {
  if (number >= MAX_SEAL_NUMBER) return null;
  const after = number < 0 ? undefined : sealPath(number);
  for await (const { key } of store.list('seals/', after)) {
    const found = sealNumber(key);
    if (found !== null && found > number) return found;
  }
  return null;
}

/** The head, if the seal at this number is valid. Its oldest valid version counts; later ones lost a race. */
async function headAt(store: TrailReader, number: number, isSeal: SealCheck): Promise<Found | null> {
  const key = sealPath(number);
  const versions: ObjectVersion[] = [];
  for await (const version of store.list(key)) if (version.key === key) versions.push(version);
  let file: SealFile | null = null;
  const lost = new Set<string>();
  for (const version of versions) {
    if (version.deleteMarker || version.bytes > MAX_SEAL_BYTES) continue;
    const seal = isSeal(await store.read(key, version.version, MAX_SEAL_BYTES), number);
    if (seal === null) continue;
    if (file === null) file = seal;
    else if (seal.digest !== file.digest) lost.add(Buffer.from(seal.digest, 'base64').toString('hex'));
  }
  return file === null ? null : { file, lost: [...lost] };
}

/** The slow way, where junk stands above the head: every number in the listing, from the top. */
async function headByListing(store: TrailReader, isSeal: SealCheck, log: Log): Promise<Found | null> {
  const numbers = new Set<number>();
  for await (const { key } of store.list('seals/')) {
    const number = sealNumber(key);
    if (number !== null) numbers.add(number);
  }
  for (const number of [...numbers].sort((a, b) => b - a)) {
    const found = await headAt(store, number, isSeal);
    if (found !== null) return found;
    log.warn({ number }, 'what lies at this seal number is no seal of this trail; passed over');
  }
  return null;
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
    for await (const { key, deleteMarker } of store.list(prefix, after)) {
      const path = parseSegmentPath(key);
      if (!deleteMarker && path !== null && path.number > above) found.add(key);
      if (found.size >= MOST_ABANDONED) return [...found];
    }
  }
  return [...found];
}

/** Far below what a seal file of 1 MiB holds; the rest is listed by a later start. */
const MOST_ABANDONED = 2000;

/** Whether a valid seal of this trail stands above `head`: another writer was at work since it was read. */
export async function movedOn(store: TrailReader, head: Head, isSeal: SealCheck): Promise<boolean> {
  const next = head.number + 1;
  return (await headAt(store, next, isSeal)) !== null;
}
