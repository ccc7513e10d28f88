/**
 * What a cosignature of a seal looks like (FORMAT.md section 2). Pure. Its signature is not checked here: for that one
 * must know whom to trust.
 */
import { RowsealError } from '../../base/errors.ts';
import { parseNote } from '../../trail/note.ts';
import { findingOf } from '../../trail/refuse.ts';

export const MAX_COSIGNATURE_BYTES = 64 * 1024;
/** No checkpoint and signature are shorter: a hash of 44 characters and a line of 104 alone are nearly that. */
export const MIN_COSIGNATURE_BYTES = 150;
/** A time of 8 bytes, and an Ed25519 or an ML-DSA-44 signature: https://c2sp.org/tlog-cosignature. */
const LENGTHS: readonly number[] = [8 + 64, 8 + 2420];

/** Why these bytes are none by the key `keyId` of the checkpoint `text`; null where they look like one. */
export function cosignatureFault(bytes: Buffer, keyId: string, text: string): string | null {
  if (bytes.length > MAX_COSIGNATURE_BYTES) return 'it is over 64 KiB';
  try {
    const note = parseNote(bytes.toString());
    if (note.text !== text) return 'its text is not the checkpoint of that seal';
    const lines = note.signatures.filter(({ id }) => id === keyId);
    if (lines.length === 0) return 'it bears no signature by the key that its name says';
    if (lines.some(({ signature }) => LENGTHS.includes(signature.length))) return null;
    return 'its signature has the length of no cosignature';
  } catch (error) {
    if (!(error instanceof RowsealError) || findingOf(error) === null) throw error;
    return error.message;
  }
}
