/**
 * Names and paths of a trail's objects. A path is always computed and compared, never taken from a seal and
 * followed: a seal that names another path is refused.
 */

const PART = /^[a-z0-9.-]+$/;
const RESERVED = new Set(['seals', 'segments', 'timestamps', 'cosignatures', 'bundles']);
const CLASS = /^[a-z0-9-]{1,32}$/;
const SEAL = /^seals\/([0-9]{12})$/;
const SEGMENT = /^segments\/([a-z0-9-]{1,32})\/\d{4}\/\d{2}\/\d{2}\/([0-9]{12})-[0-9a-f]{16}\.jsonl\.zst$/;
const COSIGNATURE = /^cosignatures\/([0-9]{12})\/([0-9a-f]{8})$/;
const TOKEN = /^timestamps\/([0-9]{12})\/([0-9a-f]{16})$/;
const PACK = /^_packs\/(?:seals|segments\/([a-z0-9-]{1,32}))\/([0-9]{12})$/;

/** The highest seal number that 12 digits hold. */
export const MAX_SEAL_NUMBER = 999_999_999_999;

/** A trail's name has at most so many from level 2 on. It is ASCII. */
export const MAX_NAME_BYTES = 255;

/** Class of the records about the trail itself. */
export const TRAIL_CLASS = 'trail';

/** Kinds of record that stand in class `trail`, and nowhere else. */
const TRAIL_KINDS = ['genesis', 'key', 'gap', 'lifecycle', 'tamper', 'ddl'];
/** From level 2 on these, too. */
const LATER_TRAIL_KINDS = ['reconcile', 'acknowledged'];
/** Kinds that never stand in class `trail`. */
const OTHER_KINDS = ['change', 'relation'];
const LATER_OTHER_KINDS = ['baseline', 'difference', 'auth', 'access'];

/** Whether a record of this kind may stand in this class, at the level of its seal; of kinds that are not known any may. */
export function mayStandIn(className: string, kind: string, level: number): boolean {
  const has = (kinds: readonly string[], later: readonly string[]): boolean =>
    kinds.includes(kind) || (level > 1 && later.includes(kind));
  if (className === TRAIL_CLASS) return !has(OTHER_KINDS, LATER_OTHER_KINDS);
  return !has(TRAIL_KINDS, LATER_TRAIL_KINDS);
}

/** Whether this is a trail's name: a URL without its scheme, such as `audit.example.com/orders`. */
export function isTrailName(name: string): boolean {
  const parts = name.split('/');
  return parts.every((part) => PART.test(part) && !/^\.+$/.test(part) && !RESERVED.has(part));
}

/** The last part of a trail's name: what its record ids begin with. */
export function lastPart(trail: string): string {
  return trail.slice(trail.lastIndexOf('/') + 1);
}

export function isClassName(name: string): boolean {
  return CLASS.test(name);
}

/** `seals/000000000042`. */
export function sealPath(number: number): string {
  return `seals/${digits(number)}`;
}

/** The number of a seal's path, or null for any other key. */
export function sealNumber(key: string): number | null {
  const match = SEAL.exec(key);
  return match ? Number(match[1]) : null;
}

/** `segments/<class>/<YYYY>/<MM>/<DD>/<number>-<16 hex>.jsonl.zst`; `sealedAt` as the seal has it, `sha256` in hex. */
export function segmentPath(className: string, sealedAt: string, number: number, sha256: string): string {
  const date = sealedAt.slice(0, 10).replaceAll('-', '/');
  return `segments/${className}/${date}/${digits(number)}-${sha256.slice(0, 16)}.jsonl.zst`;
}

/** Class and seal number of a segment's path, or null for any other key. */
export function parseSegmentPath(key: string): { className: string; number: number } | null {
  const match = SEGMENT.exec(key);
  return match ? { className: match[1]!, number: Number(match[2]) } : null;
}

/** `cosignatures/<number>/<8 hex>`; `keyId` is the cosigner's, 8 hex digits. */
export function cosignaturePath(number: number, keyId: string): string {
  return `cosignatures/${digits(number)}/${keyId}`;
}

/** Seal number and key id of a cosignature's path, or null for any other key. */
export function parseCosignaturePath(key: string): { number: number; keyId: string } | null {
  const match = COSIGNATURE.exec(key);
  return match ? { number: Number(match[1]), keyId: match[2]! } : null;
}

/** `timestamps/<number>/<16 hex>`; `sha256` in hex, of the token. */
export function tokenPath(number: number, sha256: string): string {
  return `timestamps/${digits(number)}/${sha256.slice(0, 16)}`;
}

/** Seal number and the first 16 hex digits of the SHA-256 of a token's path, or null for any other key. */
export function parseTokenPath(key: string): { number: number; digest: string } | null {
  const match = TOKEN.exec(key);
  return match ? { number: Number(match[1]), digest: match[2]! } : null;
}

/** `_packs/seals/<first>`, or `_packs/segments/<class>/<first>` where `of` is a class. */
export function packPath(of: string | null, first: number): string {
  return of === null ? `_packs/seals/${digits(first)}` : `_packs/segments/${of}/${digits(first)}`;
}

/** Class (null: seals) and first seal number of a pack's path, or null for any other key. */
export function parsePackPath(key: string): { className: string | null; first: number } | null {
  const match = PACK.exec(key);
  return match ? { className: match[1] ?? null, first: Number(match[2]) } : null;
}

function digits(number: number): string {
  return String(number).padStart(12, '0');
}
