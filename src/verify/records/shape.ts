/**
 * A record's bytes cut at every string value and number: its shape. Another record whose bytes between the cuts are
 * the very same has the same members, grammar, actions and paths, so only its values are left to check. A shape must
 * be made of a record that `scanChange` accepted, and must never fit one that it would not.
 */
import { skipNumber, skipString } from '../../trail/strict-json.ts';
import { isBase64, isTime, ourInteger } from './bytes.ts';
import { scanned } from './record-scan.ts';

export interface Shape {
  /** The record that it was made of. */
  readonly bytes: DataView;
  /** Where each literal begins and ends in `bytes`; between two of them is a value. */
  readonly cuts: Int32Array;
  /** Whether the value behind each literal is a string (else a number). */
  readonly strings: Uint8Array;
  /** What each value is to the rules: one of the roles. */
  readonly roles: Uint8Array;
  /** Values with a role inside literals: the literal, the role, how far before the literal's end it begins, and ends. END. */
  readonly inside: Int32Array;
  /** Whether position, id and time of the transaction are literal. */
  readonly isOfOne: boolean;
}

/** Where the id of the record that fitted last begins and ends. */
export const fittedId: Int32Array = new Int32Array(2);

/** A record's id, number and index; its transaction's position and id; its time; what only its form is asked of. */
const ROLES: readonly string[] = ['', '.id', 'number', 'index', 'position', 'id', '.time'];
const [, ID, NUMBER, INDEX, POSITION, TRANSACTION_ID, TIME, SALT, BEFORE] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
] as const;
/** What a record may have beside them from level 2 on. */
const LATER_ROLES: readonly string[] = [...ROLES, '.salt', '.before'];

/** Behind the last of `inside`. */
const END = -1;
const LF = 0x0a;
const QUOTE = 0x22;

/** 1 for the bytes at which a string's plain run stops: control characters, quote, backslash. */
const STOPS = new Uint8Array(256).fill(1, 0, 0x20);
STOPS[QUOTE] = 1;
STOPS[0x5c] = 1;

/**
 * Where the record at `at` ends, at its LF, if it is of this shape: then `scanned` and `fittedId` are set. Else -1. May
 * throw JsonRefusal. `view` is on the bytes of `b`, whose last one is an LF.
 */
export function fitShape(shape: Shape, b: Buffer, view: DataView, at: number): number {
  const { cuts, strings, roles, inside } = shape;
  const last = strings.length;
  const limit = b.length;
  let i = at;
  let m = 0;
  for (let k = 0; ; k++) {
    const start = cuts[2 * k]!;
    const length = cuts[2 * k + 1]! - start;
    if (limit - i <= length || !isSame(shape.bytes, start, view, i, length)) return -1;
    i += length;
    // What these have to be, they were when the shape was made.
    for (; inside[m] === k; m += 4) note(inside[m + 1]!, b, i - inside[m + 2]!, i - inside[m + 3]!);
    if (k === last) {
      scanned.shape = shape.isOfOne ? shape : null;
      return b[i] === LF ? i : -1;
    }
    const value = i;
    if (strings[k] === 1) {
      while (STOPS[b[i]!] === 0) i++;
      // No string passes beyond an LF: it is a control character.
      if (b[i] !== QUOTE) i = skipString(b, value, limit) - 1;
    } else {
      const c = b[i]!;
      if (c !== 0x2d && (c < 0x30 || c > 0x39)) return -1;
      i = skipNumber(b, i, limit);
    }
    if (roles[k] === 0) continue;
    if (!isSound(roles[k]!, b, value, i)) return -1;
    note(roles[k]!, b, value, i);
  }
}

/**
 * Eight bytes at once as a double. Where that is NaN, it differs from itself, and the scan has a look; zeros of either
 * sign are no bytes of JSON.
 */
function isSame(bytes: DataView, start: number, view: DataView, at: number, length: number): boolean {
  let k = 0;
  for (; k + 8 <= length; k += 8) {
    if (bytes.getFloat64(start + k, true) !== view.getFloat64(at + k, true)) return false;
  }
  if (k === length) return true;
  if (length >= 8) {
    return bytes.getFloat64(start + length - 8, true) === view.getFloat64(at + length - 8, true);
  }
  for (; k < length; k++) if (bytes.getUint8(start + k) !== view.getUint8(at + k)) return false;
  return true;
}

/** Whether a value is what its role demands. */
function isSound(role: number, b: Buffer, start: number, end: number): boolean {
  if (role === TIME) return isTime(b, start, end);
  if (role === SALT) return isBase64(b, start, end, 8);
  return role === BEFORE ? isBase64(b, start, end, 16) : end > start;
}

/** Notes where a value is that the rules need. */
function note(role: number, b: Buffer, start: number, end: number): void {
  if (role === ID) {
    fittedId[0] = start;
    fittedId[1] = end;
  } else if (role === NUMBER) scanned.number = ourInteger(b, start, end);
  else if (role === INDEX) scanned.index = ourInteger(b, start, end);
  else if (role === POSITION) {
    scanned.positionAt = start;
    scanned.positionEnd = end;
  } else if (role === TRANSACTION_ID) {
    scanned.idAt = start;
    scanned.idEnd = end;
  } else if (role === TIME) {
    scanned.timeAt = start;
    scanned.timeEnd = end;
  }
}

/** Members whose string is part of the shape, by their depth: their values decide what the record is. */
const FIXED: readonly ReadonlySet<string>[] = [
  new Set(),
  new Set(['kind', 'action', 'image', 'outcome']),
  new Set(['type', 'tier']),
  new Set(['op', 'path']),
];

/** The type of an actor decides what it is, and so does that of the one on whose behalf it acts. */
function isFixed(depth: number, member: string, name: string): boolean {
  return FIXED[depth]?.has(name) === true || (depth === 3 && member === 'actor' && name === 'type');
}

/** Null where the record is none that could be held to its id and transaction. `record` must be sound at this level. */
export function shapeOf(record: Buffer, level: number): Shape | null {
  const known = level > 1 ? LATER_ROLES : ROLES;
  const cuts: number[] = [0];
  const strings: number[] = [];
  const roles: number[] = [];
  const end = record.length;
  let depth = 0;
  let name = '';
  /** Name of the member of the record that we are in. */
  let member = '';
  const cut = (start: number, stop: number, isString: boolean): void => {
    const role = depth === 1 ? `.${name}` : depth === 2 && member === 'transaction' ? name : '';
    roles.push(Math.max(0, known.indexOf(role)));
    cuts.push(start, stop);
    strings.push(isString ? 1 : 0);
  };
  for (let i = 0; i < end; ) {
    const c = record[i]!;
    if (c === QUOTE) {
      const behind = skipString(record, i + 1, end);
      let next = behind;
      while (next < end && record[next]! <= 0x20) next++;
      if (record[next] === 0x3a) {
        name = record.toString('utf8', i + 1, behind - 1);
        if (depth === 1) member = name;
      } else if (!isFixed(depth, member, name)) cut(i + 1, behind - 1, true);
      i = behind;
    } else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      const behind = skipNumber(record, i, end);
      cut(i, behind, false);
      i = behind;
    } else {
      if (c === 0x7b || c === 0x5b) depth++;
      else if (c === 0x7d || c === 0x5d) depth--;
      i++;
    }
  }
  cuts.push(end);
  if (ROLES.some((_, role) => role > 0 && !roles.includes(role))) return null;
  return {
    bytes: new DataView(Uint8Array.from(record).buffer),
    cuts: Int32Array.from(cuts),
    strings: Uint8Array.from(strings),
    roles: Uint8Array.from(roles),
    inside: Int32Array.of(END),
    isOfOne: false,
  };
}

/** A narrower shape: the values that `other` has too become literals. Both are whole shapes that fit each other's records. */
export function narrowed(shape: Shape, other: Shape): Shape {
  const cuts: number[] = [0];
  const strings: number[] = [];
  const roles: number[] = [];
  const inside: number[] = [];
  shape.strings.forEach((isString, k) => {
    const [start, stop] = valueAt(shape, k);
    const [at, end] = valueAt(other, k);
    const role = shape.roles[k]!;
    if (stop - start !== end - at || !isSame(shape.bytes, start, other.bytes, at, stop - start)) {
      cuts.push(start, stop);
      strings.push(isString);
      roles.push(role);
    } else if (role !== 0) inside.push(strings.length, role, start, stop);
  });
  cuts.push(shape.bytes.byteLength);
  for (let m = 0; m < inside.length; m += 4) {
    const end = cuts[2 * inside[m]! + 1]!;
    inside[m + 2] = end - inside[m + 2]!;
    inside[m + 3] = end - inside[m + 3]!;
  }
  return {
    bytes: shape.bytes,
    cuts: Int32Array.from(cuts),
    strings: Uint8Array.from(strings),
    roles: Uint8Array.from(roles),
    inside: Int32Array.from([...inside, END]),
    isOfOne: ![POSITION, TRANSACTION_ID, TIME].some((role) => roles.includes(role)),
  };
}

/** Where value `k` begins and ends. */
function valueAt({ cuts }: Shape, k: number): readonly [number, number] {
  return [cuts[2 * k + 1]!, cuts[2 * k + 2]!];
}
