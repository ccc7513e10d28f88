/**
 * What a time-stamp token of a seal looks like (FORMAT.md section 2; RFC 3161). Pure. It is not verified here: for that
 * one must know which authority to trust.
 */
import { hash } from 'node:crypto';

export const MAX_TOKEN_BYTES = 64 * 1024;
/** A sequence around the imprint. */
export const MIN_TOKEN_BYTES = 34;
const SEQUENCE = 0x30;

/** Why these bytes are no token named `digest` over the checkpoint `text`; null where they look like one. */
export function tokenFault(bytes: Buffer, digest: string, text: string): string | null {
  if (bytes.length > MAX_TOKEN_BYTES) return 'it is over 64 KiB';
  const own = hash('sha256', bytes, 'hex').slice(0, 16);
  if (own !== digest) return `its SHA-256 begins with ${own}, its name says ${digest}`;
  if (!isSequence(bytes)) return 'it is not one DER sequence';
  // DER knows one form: the imprint's bytes stand in it as they are.
  return bytes.includes(hash('sha256', text, 'buffer')) ? null : 'it is not over the checkpoint of that seal';
}

/** Whether it is one DER SEQUENCE of a definite length, and nothing behind it. */
function isSequence(bytes: Buffer): boolean {
  if (bytes[0] !== SEQUENCE) return false;
  const short = bytes[1] ?? 0;
  if (short < 0x80) return bytes.length === 2 + short;
  const octets = short - 0x80;
  if (octets < 1 || octets > 3 || bytes.length < 2 + octets) return false;
  const length = bytes.readUIntBE(2, octets);
  // The shortest form only.
  return bytes.length === 2 + octets + length && length >= (octets === 1 ? 0x80 : 256 ** (octets - 1));
}
