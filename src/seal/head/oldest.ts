/**
 * Looks under a seal's key for the version that counts: the oldest that is validly signed for its number (FORMAT.md,
 * section 10). What lies before it may be anybody's, any number of it, and is passed over; never is the newest taken
 * first, for whoever holds the key could put a second one on top.
 */
import { readAhead } from '../../base/read-ahead.ts';
import { type Listed, versionsOf } from '../../store/keys.ts';
import type { ObjectVersion, TrailReader } from '../../store/store.ts';
import { sealNumber } from '../../trail/names.ts';
import { type VerifierKey, verifyNote } from '../../trail/note.ts';
import { findingOf } from '../../trail/refuse.ts';
import { MAX_SEAL_BYTES, MIN_SEAL_BYTES, parseSealFile, type SealFile } from '../../trail/seal.ts';

/** Parses `bytes` where they are a seal of this trail, validly signed for `number`; null for anything else. */
export type SealCheck = (bytes: Buffer, number: number) => SealFile | null;

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

export interface Oldest {
  /** Null where no version is a seal. */
  readonly found: { readonly file: SealFile; readonly bytes: Buffer } | null;
  /** Objects before it (all, where there is none), which are no seals of this trail. */
  readonly junk: number;
  /** SHA-256 in hex of other seals among the next `behind` versions. */
  readonly lost: readonly string[];
}

/**
 * Objects that are looked at behind the one that counts: a seal that lost a race was put in the same seconds, so it
 * stands right behind the winner. One that stands behind more junk than this is found by verify.
 */
export const LOST_LOOK = 16;

/** Versions that are read at once, once the first was none. */
const AHEAD = 8;

/** `behind`: how many objects behind the one that counts are looked at. */
export async function oldestSeal(
  store: TrailReader,
  listed: Listed,
  isSeal: SealCheck,
  behind = 0,
): Promise<Oldest> {
  const number = sealNumber(listed.key)!;
  const lost = new Set<string>();
  let found: Oldest['found'] = null;
  let junk = 0;
  let left = behind;
  const read = async (version: ObjectVersion) =>
    isPlausible(version) ? await store.read(version.key, version.version, MAX_SEAL_BYTES) : null;
  for await (const bytes of readAhead(objectsOf(store, listed), AHEAD, read)) {
    const file = bytes === null ? null : isSeal(bytes, number);
    if (found !== null) {
      if (file !== null && file.digest !== found.file.digest) lost.add(hexOf(file.digest));
      left -= 1;
    } else if (bytes !== null && file !== null) found = { file, bytes };
    else junk += 1;
    if (found !== null && left === 0) break;
  }
  return { found, junk, lost: [...lost] };
}

/** Whether an object of this size can be a seal: others are not read. */
export function isPlausible({ deleteMarker, bytes }: ObjectVersion): boolean {
  return !deleteMarker && bytes >= MIN_SEAL_BYTES && bytes <= MAX_SEAL_BYTES;
}

async function* objectsOf(store: TrailReader, listed: Listed): AsyncGenerator<ObjectVersion> {
  for await (const version of versionsOf(store, listed)) if (!version.deleteMarker) yield version;
}

function hexOf(digest: string): string {
  return Buffer.from(digest, 'base64').toString('hex');
}
