/**
 * The member `log_keys` of genesis and key records (FORMAT.md sections 8 and 11): whose first key signs the seals, and
 * the others whatever cosignatures the log makes itself. Of types that are not known here nothing is said.
 */
import { RowsealError } from '../base/errors.ts';
import { decodeBase64 } from './base64.ts';
import { KEY_TYPES, parseVkey } from './vkey.ts';

const ED25519 = KEY_TYPES.ed25519;
const KNOWN: readonly number[] = Object.values(KEY_TYPES);

/** Whether it is a list of vkeys with the trail's name: no key twice, and none but the first an Ed25519 key. */
export function areLogKeys(value: unknown, trail: string): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || new Set(value).size !== value.length) return false;
  return (value as unknown[]).every((vkey, i) => {
    const type = typeof vkey === 'string' ? typeOf(vkey, trail) : null;
    return type !== null && (type === ED25519) === (i === 0);
  });
}

/** The type of a key of this name, a byte; null where it is none. */
function typeOf(vkey: string, trail: string): number | null {
  if (!vkey.startsWith(`${trail}+`)) return null;
  const match = /^[0-9a-f]{8}\+(.+)$/.exec(vkey.slice(trail.length + 1));
  const bytes = match === null ? null : decodeBase64(match[1]!);
  if (bytes === null || bytes.length < 2) return null;
  const type = bytes[0]!;
  return KNOWN.includes(type) && !isVkey(vkey) ? null : type;
}

/** Whether its key id and its length are those of its type. */
function isVkey(vkey: string): boolean {
  try {
    parseVkey(vkey);
    return true;
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    return false;
  }
}
