/**
 * Looks for a checkpoint that a key of the trail signed in bytes that are no seal: one byte more or less must not turn
 * the newest seal into junk that anybody could have put there. Bounded, since anybody can: what is not found stays junk. The bytes
 * are hostile: they are passed once, newline by newline, and patterns see short lines only.
 */
import { decodeBase64, decodeHash } from '../../trail/base64.ts';
import type { VerifierKey } from '../../trail/note.ts';

/** Larger objects are not searched. */
export const MAX_SEARCHED_BYTES = 4 * 1024 * 1024;
/**
 * Checkpoints and signatures that are tried, each with each: a seal holds one of each. The product is what an object can
 * cost in signatures to verify, about as much as it costs to be put there.
 */
const MAX_CHECKPOINTS = 4;
const MAX_SIGNATURES = 4;
/** What looks like a signature by the key is decoded so many times. */
const MAX_DECODED = 1000;

const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;
const MAX_DIGITS = 16;
/** More of a line is not taken for an origin. */
const MAX_ORIGIN = 512;
/** A hash in base64. */
const ROOT_LENGTH = 44;
/** 4 bytes of key id and 64 of signature in base64. */
const PAYLOAD_LENGTH = 92;
const DASH = '\u00e2\u0080\u0094';

/** Fewer bytes hold no checkpoint and signature by a key of this name, and are no seal either. */
export function fewestBytes({ name }: { readonly name: string }): number {
  return Buffer.byteLength(name) + 'o\n0\n'.length + ROOT_LENGTH + `\n${DASH}  `.length + PAYLOAD_LENGTH;
}

/** The largest size in a checkpoint that one of the keys signed, all of one name; null where there is none. */
export function signedSizeIn(bytes: Buffer, keys: readonly VerifierKey[]): number | null {
  const [first] = keys;
  if (first === undefined) return null;
  const text = bytes.toString('latin1', 0, MAX_SEARCHED_BYTES);
  const signatures = signaturesIn(text, first.name, keys);
  if (signatures.length === 0) return null;
  let largest: number | null = null;
  for (const { message, size } of checkpointsIn(text, first.name)) {
    if (size <= (largest ?? -1)) continue;
    const isSigned = signatures.some(({ id, signature }) =>
      keys.some((key) => key.id === id && key.verify(message, signature)),
    );
    if (isSigned) largest = size;
  }
  return largest;
}

/** What could be a signature by one of the keys, wherever it stands. */
function signaturesIn(
  text: string,
  name: string,
  keys: readonly VerifierKey[],
): { id: string; signature: Buffer }[] {
  const found = new Map<string, { id: string; signature: Buffer }>();
  const start = `${DASH} ${Buffer.from(name).toString('latin1')} `;
  let at = text.indexOf(start);
  for (let tries = 0; at !== -1 && tries < MAX_DECODED; tries += 1) {
    const from = at + start.length;
    at = text.indexOf(start, from);
    const payload = decodeBase64(text.slice(from, from + PAYLOAD_LENGTH));
    if (payload === null) continue;
    const id = payload.toString('hex', 0, 4);
    if (keys.some((key) => key.id === id)) {
      found.set(payload.toString('hex'), { id, signature: payload.subarray(4) });
    }
    if (found.size === MAX_SIGNATURES) break;
  }
  return [...found.values()];
}

/** Three lines each: an origin, which may end a longer line, a size, and a root. */
function checkpointsIn(text: string, name: string): { message: Buffer; size: number }[] {
  const origin = Buffer.from(name).toString('latin1');
  const found = new Map<string, number>();
  let checkpoints = 0;
  /** Where the two lines before the current one begin. */
  let [before, above] = [-1, -1];
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    // Lengths tell nearly all that are none.
    if (before !== -1 && end - start === ROOT_LENGTH && start - 1 - above <= MAX_DIGITS) {
      const size = text.slice(above, start - 1);
      const root = text.slice(start, end);
      const first = text.slice(Math.max(before, above - 1 - MAX_ORIGIN), above - 1);
      if (first !== '' && SIZE.test(size) && decodeHash(root) !== null) {
        found.set(`${first}\n${size}\n${root}\n`, Number(size));
        if (first.endsWith(origin)) found.set(`${origin}\n${size}\n${root}\n`, Number(size));
        checkpoints += 1;
        if (checkpoints === MAX_CHECKPOINTS) break;
      }
    }
    [before, above, start] = [above, start, end + 1];
  }
  return [...found].map(([lines, size]) => ({ message: Buffer.from(lines, 'latin1'), size }));
}
