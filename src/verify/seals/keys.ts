/**
 * The keys of a trail, one generation after another: a seal of level 2 may name the key that signs behind it (FORMAT.md
 * section 8). Pure. A key must only ever come from a seal that the key before it signed, and never from a record.
 */
import { parseVerifierKey, type VerifierKey, verifyNote } from '../../trail/note.ts';
import { findingOf } from '../../trail/refuse.ts';
import { isOfLaterLevel, type SealFile, sealLevel } from '../../trail/seal.ts';

export interface Keys {
  /** Decides whether the next seal is authentic. */
  readonly present: VerifierKey;
  /** All generations so far, the oldest first: each can have signed a checkpoint. */
  readonly all: readonly VerifierKey[];
}

export function firstKey(key: VerifierKey): Keys {
  return { present: key, all: [key] };
}

/** The keys behind a seal; the very same object where it names no other. */
export function keysBehind(keys: Keys, file: SealFile): Keys {
  const next = nextKeyOf(file);
  if (next === null || next.vkey === keys.present.vkey) return keys;
  const known = keys.all.some(({ vkey }) => vkey === next.vkey);
  return { present: next, all: known ? keys.all : [...keys.all, next] };
}

/** The key that a seal names for the seals behind it; null where it names none by the rules that we know. */
export function nextKeyOf({ seal }: SealFile): VerifierKey | null {
  if (seal.next_key === undefined || sealLevel(seal) < 2 || isOfLaterLevel(seal)) return null;
  return parseVerifierKey(seal.next_key);
}

/** Whether another key signs behind it, by rules that we do not know: nothing there can be checked. */
export function endsKnownKeys({ seal }: SealFile): boolean {
  return isOfLaterLevel(seal) && seal.next_key !== undefined;
}

/** Why the next key did not sign the seal that names it; null where it did, or where none is named. */
export function nextKeyFault(file: SealFile): string | null {
  const next = nextKeyOf(file);
  if (next === null) return null;
  try {
    return verifyNote(file.note, [next]).length > 0 ? null : `no signature by the next key, ${next.vkey}`;
  } catch (error) {
    if (findingOf(error) === null) throw error;
    return `its signature by the next key, ${next.vkey}, does not verify`;
  }
}

/** Why seal 0 does not name the key that it is checked with; null where it does. */
export function logKeyFault(file: SealFile, key: VerifierKey): string | null {
  // Checked with a key that it hands over to itself: then it names the one before, which signed it too.
  if (file.seal.log_key === key.vkey || handsOverTo(key, file)) return null;
  return 'seal 0 names another key than the one checked with';
}

/**
 * Whether a seal hands over to this key from an earlier one of the trail, whose signature it bears too, unchecked: who
 * holds the later key alone cannot tell what is before it.
 */
export function handsOverTo(key: VerifierKey, file: SealFile): boolean {
  if (nextKeyOf(file)?.vkey !== key.vkey) return false;
  return file.note.signatures.some(({ name, id }) => name === key.name && id !== key.id);
}
