/**
 * A strict reader of JSON bytes: RFC 8259's grammar, and no duplicate members, no lone surrogates, no byte order
 * mark, at most 100 levels. It walks bytes and builds nothing, since the verifier runs it over every record.
 * It must never accept what two readers could understand differently (RFC 7493).
 *
 * The `skip…` and `walk…` functions take a position and return the one behind what they passed, and throw
 * JsonRefusal. They assume valid UTF-8: callers check a whole buffer at once, which is many times faster.
 */
import { isUtf8 } from 'node:buffer';

export const MAX_DEPTH = 100;
/** Members up to which duplicates are looked for pair by pair; larger objects use a set. */
const SMALL_OBJECT = 48;

export class JsonRefusal extends Error {
  /** Offset of the offending byte. */
  readonly at: number;
  constructor(reason: string, at: number) {
    super(reason);
    this.name = 'JsonRefusal';
    this.at = at;
  }
}

/**
 * Called for every member (its name is `b[keyStart, keyStop)`, raw) or element (both 0): passes the value at
 * `at` and returns the position behind it. `depth` is the container's; `base` goes on to what is called.
 */
export type Visit = (
  b: Buffer,
  at: number,
  end: number,
  depth: number,
  base: number,
  keyStart: number,
  keyStop: number,
) => number;

/** Checks that `bytes[start, end)` is one JSON value and nothing else. Throws JsonRefusal. */
export function validateJson(bytes: Buffer, start = 0, end: number = bytes.length): void {
  if (!isUtf8(bytes.subarray(start, end))) throw new JsonRefusal('not valid UTF-8', start);
  const behind = skipSpace(bytes, skipValue(bytes, start, end, 0, 0), end);
  if (behind !== end) throw new JsonRefusal('something follows the value', behind);
}

/**
 * The value of `bytes`, after `validateJson`. A number whose text is not `0|-?[1-9][0-9]*` becomes `false`, which is of no
 * type that a member of ours has: a check for an integer of ours can be made on the value, and `1e3`, `1.0` and `-0`
 * are none. A reviver would be handed each number's text, and takes a second for what a hostile megabyte holds.
 */
export function parseJson(bytes: Buffer): unknown {
  validateJson(bytes);
  const parts: string[] = [];
  let copied = 0;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c === QUOTE) i = skipString(bytes, i + 1, bytes.length) - 1;
    else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      const stop = skipNumber(bytes, i, bytes.length);
      if (!isInteger(bytes, i, stop)) {
        parts.push(bytes.toString('utf8', copied, i), 'false');
        copied = stop;
      }
      i = stop - 1;
    }
  }
  parts.push(bytes.toString('utf8', copied));
  return JSON.parse(parts.join(''));
}

/** Whether this valid number is digits alone, or with a sign and not zero. */
function isInteger(b: Buffer, start: number, stop: number): boolean {
  const negative = b[start] === 0x2d;
  if (negative && b[start + 1] === 0x30) return false;
  for (let i = negative ? start + 1 : start; i < stop; i++) if (b[i]! < 0x30 || b[i]! > 0x39) return false;
  return true;
}

/** Skips white space and one value inside a container of depth `depth` (0: none). */
export function skipValue(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const i = b[at]! > 0x20 ? at : skipSpace(b, at, end);
  if (i >= end) throw new JsonRefusal('a value is missing', i);
  const c = b[i]!;
  if (c === QUOTE) return skipString(b, i + 1, end);
  if (c === 0x7b) return walkObject(b, i, end, depth + 1, base, skipValue);
  if (c === 0x5b) return walkArray(b, i, end, depth + 1, base, skipValue);
  if (c === 0x2d || (c >= 0x30 && c <= 0x39)) return skipNumber(b, i, end);
  if (c === 0x74) return skipWord(b, i, end, 'true');
  if (c === 0x66) return skipWord(b, i, end, 'false');
  if (c === 0x6e) return skipWord(b, i, end, 'null');
  throw new JsonRefusal('not a JSON value', i);
}

/**
 * Walks an object whose brace is at `at`. A name's discriminator is made of its length and three of its bytes:
 * names are compared only where those agree.
 */
export function walkObject(
  b: Buffer,
  at: number,
  end: number,
  depth: number,
  base: number,
  visit: Visit,
): number {
  if (depth > MAX_DEPTH) throw new JsonRefusal(`more than ${MAX_DEPTH} levels`, at);
  let i = skipSpace(b, at + 1, end);
  if (b[i] === 0x7d && i < end) return i + 1;
  let top = base;
  let names: Set<string> | null = null;
  for (;;) {
    if (b[i] !== QUOTE || i >= end) throw new JsonRefusal('a member name is missing', i);
    const start = i + 1;
    i = start;
    while (STOPS[b[i]!] === 0) i++;
    const plain = b[i] === QUOTE && i < end;
    i = plain ? i + 1 : skipString(b, start, end);
    const stop = i - 1;
    if (names === null && (!plain || top - base >= 3 * SMALL_OBJECT)) names = namesOf(b, base, top);
    if (names !== null) addName(names, b, start, stop);
    else {
      addKey(b, base, top, start, stop);
      top += 3;
    }
    if (b[i] !== COLON) i = skipSpace(b, i, end);
    if (b[i] !== COLON || i >= end) throw new JsonRefusal('a colon is missing', i);
    i = visit(b, i + 1, end, depth, top, start, stop);
    if (b[i]! <= 0x20) i = skipSpace(b, i, end);
    if (i >= end) throw new JsonRefusal('an object does not end', at);
    if (b[i] === 0x7d) return i + 1;
    if (b[i] !== COMMA) throw new JsonRefusal('a comma is missing', i);
    i++;
    if (b[i] !== QUOTE) i = skipSpace(b, i, end);
  }
}

/** Walks an array whose bracket is at `at`. */
export function walkArray(
  b: Buffer,
  at: number,
  end: number,
  depth: number,
  base: number,
  visit: Visit,
): number {
  if (depth > MAX_DEPTH) throw new JsonRefusal(`more than ${MAX_DEPTH} levels`, at);
  let i = skipSpace(b, at + 1, end);
  if (b[i] === 0x5d && i < end) return i + 1;
  for (;;) {
    i = visit(b, i, end, depth, base, 0, 0);
    if (b[i]! <= 0x20) i = skipSpace(b, i, end);
    if (i >= end) throw new JsonRefusal('an array does not end', at);
    if (b[i] === 0x5d) return i + 1;
    if (b[i] !== COMMA) throw new JsonRefusal('a comma is missing', i);
    i++;
  }
}

/** Skips the rest of a string; `at` is behind its opening quote. */
export function skipString(b: Buffer, at: number, end: number): number {
  let i = at;
  for (;;) {
    while (STOPS[b[i]!] === 0) i++;
    if (i >= end) throw new JsonRefusal('a string does not end', at);
    const c = b[i]!;
    if (c === QUOTE) return i + 1;
    if (c !== BACKSLASH) throw new JsonRefusal('a control character in a string', i);
    i = skipEscape(b, i, end);
  }
}

export function skipSpace(b: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && (b[i] === 0x20 || b[i] === 0x0a || b[i] === 0x0d || b[i] === 0x09)) i++;
  return i;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
/** 1 for the bytes at which a string's plain run stops. */
const STOPS = new Uint8Array(256).fill(1, 0, 0x20);
STOPS[QUOTE] = 1;
STOPS[BACKSLASH] = 1;

/** Names of the objects that are open: discriminator, start and stop of each. It only grows. */
let keys = new Int32Array(3 * 1024);

function addKey(b: Buffer, base: number, top: number, start: number, stop: number): void {
  const length = stop - start;
  const mark = b[start]! | (b[stop - 1]! << 8) | (b[start + (length >> 1)]! << 16) | (length << 24);
  for (let k = base; k < top; k += 3) {
    if (keys[k] === mark && sameBytes(b, keys[k + 1]!, keys[k + 2]!, start, stop)) {
      throw new JsonRefusal('a duplicate member', start);
    }
  }
  if (top + 3 > keys.length) {
    const larger = new Int32Array(keys.length * 2);
    larger.set(keys);
    keys = larger;
  }
  keys[top] = mark;
  keys[top + 1] = start;
  keys[top + 2] = stop;
}

function sameBytes(b: Buffer, start: number, stop: number, otherStart: number, otherStop: number): boolean {
  if (stop - start !== otherStop - otherStart) return false;
  for (let i = start, j = otherStart; i < stop; i++, j++) if (b[i] !== b[j]) return false;
  return true;
}

/** The names kept so far as a set, for objects that are large or use escapes in names. */
function namesOf(b: Buffer, base: number, top: number): Set<string> {
  const names = new Set<string>();
  for (let k = base; k < top; k += 3) names.add(b.toString('utf8', keys[k + 1], keys[k + 2]));
  return names;
}

function addName(names: Set<string>, b: Buffer, start: number, stop: number): void {
  const raw = b.toString('utf8', start, stop);
  const name = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  if (names.has(name)) throw new JsonRefusal('a duplicate member', start);
  names.add(name);
}

/** Skips a number that begins at `at` with a digit or a minus. */
export function skipNumber(b: Buffer, at: number, end: number): number {
  let i = b[at] === 0x2d ? at + 1 : at;
  if (b[i] === 0x30 && i < end) i++;
  else i = skipDigits(b, i, end);
  if (b[i] === 0x2e && i < end) i = skipDigits(b, i + 1, end);
  if ((b[i] === 0x65 || b[i] === 0x45) && i < end) {
    i++;
    if (b[i] === 0x2b || b[i] === 0x2d) i++;
    i = skipDigits(b, i, end);
  }
  return i;
}

function skipDigits(b: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && b[i]! >= 0x30 && b[i]! <= 0x39) i++;
  if (i === at) throw new JsonRefusal('a digit is missing', at);
  return i;
}

function skipWord(b: Buffer, at: number, end: number, word: string): number {
  const behind = at + word.length;
  if (behind > end) throw new JsonRefusal('not a JSON value', at);
  for (let k = 1; k < word.length; k++) {
    if (b[at + k] !== word.charCodeAt(k)) throw new JsonRefusal('not a JSON value', at);
  }
  return behind;
}

/** Skips an escape; `at` is its backslash. A high surrogate must be followed by a low one. */
function skipEscape(b: Buffer, at: number, end: number): number {
  if (at + 1 >= end) throw new JsonRefusal('a string does not end', at);
  const c = b[at + 1]!;
  if (c !== 0x75) {
    if (!'"\\/bfnrt'.includes(String.fromCharCode(c))) throw new JsonRefusal('an unknown escape', at);
    return at + 2;
  }
  const unit = hex4(b, at + 2, end);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  if (unit > 0xdbff || b[at + 6] !== BACKSLASH || b[at + 7] !== 0x75) {
    throw new JsonRefusal('a lone surrogate', at);
  }
  const low = hex4(b, at + 8, end);
  if (low < 0xdc00 || low > 0xdfff) throw new JsonRefusal('a lone surrogate', at);
  return at + 12;
}

function hex4(b: Buffer, at: number, end: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const c = i < end ? b[i]! : 0;
    const digit =
      c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;
    if (digit < 0) throw new JsonRefusal('four hex digits are missing', at);
    unit = unit * 16 + digit;
  }
  return unit;
}
