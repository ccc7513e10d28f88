/**
 * Looks for a checkpoint that the key signed in bytes that are no seal: one byte more or less must not turn the newest
 * seal into junk that anybody could have put there. Bounded, since anybody can: what is not found stays junk.
 */
import { decodeBase64 } from '../trail/base64.ts';
import type { VerifierKey } from '../trail/note.ts';

/** Larger objects are not searched. */
export const MAX_SEARCHED_BYTES = 4 * 1024 * 1024;
/** Checkpoints and signatures that are tried, each with each. */
const MAX_TEXTS = 16;
const MAX_SIGNATURES = 16;

/** Three lines of a checkpoint: origin, size, root. Bytes as latin1. */
const CHECKPOINT = /([^\n]{1,512})\n(0|[1-9][0-9]{0,15})\n[A-Za-z0-9+/]{43}=\n/g;
const DASH = '\u00e2\u0080\u0094';

/** The largest size in a checkpoint that the key signed; null where there is none. */
export function signedSizeIn(bytes: Buffer, verifier: VerifierKey): number | null {
  const text = bytes.toString('latin1', 0, MAX_SEARCHED_BYTES);
  const signatures = signaturesIn(text, verifier);
  if (signatures.length === 0) return null;
  let largest: number | null = null;
  for (const { message, size } of checkpointsIn(text, verifier.name)) {
    if (size <= (largest ?? -1)) continue;
    if (signatures.some((signature) => verifier.verify(message, signature))) largest = size;
  }
  return largest;
}

/** What could be a signature by the key, wherever it stands. */
function signaturesIn(text: string, { name, id }: VerifierKey): Buffer[] {
  const found = new Map<string, Buffer>();
  const start = `${DASH} ${Buffer.from(name).toString('latin1')} `;
  for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + start.length)) {
    const from = at + start.length;
    // 4 bytes of key id and 64 of signature are 92 characters.
    const payload = decodeBase64(text.slice(from, from + 92));
    if (payload === null || payload.toString('hex', 0, 4) !== id) continue;
    found.set(payload.toString('hex'), payload.subarray(4));
    if (found.size === MAX_SIGNATURES) break;
  }
  return [...found.values()];
}

function checkpointsIn(text: string, name: string): { message: Buffer; size: number }[] {
  const found = new Map<string, number>();
  const origin = Buffer.from(name).toString('latin1');
  for (const [lines, first, size] of text.matchAll(CHECKPOINT)) {
    found.set(lines, Number(size));
    // Something may stand before the origin on its line.
    if (first !== origin && first!.endsWith(origin)) {
      found.set(lines.slice(first!.length - origin.length), Number(size));
    }
    if (found.size >= MAX_TEXTS) break;
  }
  return [...found].map(([lines, size]) => ({ message: Buffer.from(lines, 'latin1'), size }));
}
