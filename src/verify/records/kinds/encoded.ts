/**
 * The member `encoded` of a record: every pointer leads to something in the record, and that something looks as its
 * kind of encoding says (FORMAT.md section 12). Kinds that are not known here are passed over.
 */
import { decodeBase64 } from '../../../trail/base64.ts';
import { isMembers, type Members } from './members.ts';

/** What is wrong, or null. */
export function encodedProblem(record: Members, encoded: unknown, level: number): string | null {
  if (!isMembers(encoded)) return 'encoded is no object';
  for (const [pointer, kind] of Object.entries(encoded)) {
    if (typeof kind !== 'string') return 'encoded holds something else than names';
    const found = follow(record, pointer);
    if (found === null) return `encoded points nowhere: ${pointer}`;
    if (!looksRight(kind, found.value, level)) return `what ${pointer} leads to does not look like ${kind}`;
  }
  return null;
}

function follow(record: Members, pointer: string): { readonly value: unknown } | null {
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return null;
  let at: unknown = record;
  for (const raw of pointer.slice(1).split('/')) {
    const token = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return null;
    if (Array.isArray(at) && token === 'length') return null;
    at = (at as Members)[token];
  }
  return { value: at };
}

const TEXTS: Readonly<Record<string, RegExp>> = {
  hmac: /^[^:]+:[A-Za-z0-9+/]{43}=$/,
  sha256: /^[0-9a-f]{64}:(?:0|[1-9][0-9]*)$/,
  bytes: /^\\x(?:[0-9a-f]{2})*$/,
  json: /^/,
};

function looksRight(kind: string, value: unknown, level: number): boolean {
  if (kind === 'mask') return value === null;
  if (kind === 'sealed' && level > 1) return typeof value === 'string' && isSealed(value);
  const form = Object.hasOwn(TEXTS, kind) ? TEXTS[kind] : undefined;
  return form === undefined || (typeof value === 'string' && form.test(value));
}

/** Nonce, at least one byte, and tag. */
const MIN_CIPHERTEXT = 12 + 1 + 16;

/** `<key id>.<digest>.<ciphertext>`: a value that can be erased while its digest stays. */
function isSealed(text: string): boolean {
  const [id, digest, ciphertext, ...rest] = text.split('.');
  if (rest.length > 0 || !/^[A-Za-z0-9_-]{1,64}$/.test(id!)) return false;
  if (digest === undefined || decodeBase64(digest)?.length !== 32 || ciphertext === undefined) return false;
  return (decodeBase64(ciphertext)?.length ?? 0) >= MIN_CIPHERTEXT;
}
