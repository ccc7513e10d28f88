/**
 * A short cut for runs of records that differ only in values, which is nearly all of any trail. From a record that
 * `scanChange` accepted a shape is made: its bytes, cut at every string value and number. Another record whose bytes
 * between those are the very same has the same members, grammar, actions and paths, so only its strings and numbers
 * are left to check. It must never accept what `scanChange` would not.
 */
import { skipNumber, skipString } from '../trail/strict-json.ts';
import { isTime, ourInteger } from './bytes.ts';
import { isIdOf, scanned } from './record-scan.ts';

/** Shapes kept: some tables and actions take turns in any transaction. */
const KEPT = 6;
/** After so many misses in a row only every so many-th record is made a shape: these records have none. */
const PATIENCE = 64;

export interface Shapes {
  /** As `scanChange`: true, and `scanned` is set; or false, and nothing is known. May throw JsonRefusal. */
  fits(b: Buffer, at: number, end: number, prefix: Buffer): boolean;
  /** Learns from a record that `scanChange` has just accepted. */
  learn(b: Buffer, at: number, end: number): void;
}

interface Shape {
  readonly bytes: DataView;
  /** Where each literal begins and ends in `bytes`; between two of them is a value. */
  readonly cuts: Int32Array;
  /** Whether the value behind each literal is a string (else a number). */
  readonly strings: Uint8Array;
  /** What each value is to the rules: one of the roles. */
  readonly roles: Uint8Array;
}

export function createShapes(): Shapes {
  const shapes: Shape[] = [];
  let oldest = 0;
  let misses = 0;
  let viewed: Buffer | null = null;
  let view: DataView = new DataView(new ArrayBuffer(0));
  return {
    fits(b, at, end, prefix) {
      if (viewed !== b) {
        viewed = b;
        view = new DataView(b.buffer, b.byteOffset, b.length);
      }
      for (let i = 0; i < shapes.length; i++) {
        if (!fitsShape(shapes[i]!, b, view, at, end)) continue;
        misses = 0;
        return isIdOf(b, spans[0]!, spans[1]!, prefix);
      }
      return false;
    },
    learn(b, at, end) {
      misses += 1;
      if (misses > PATIENCE && misses % PATIENCE !== 0) return;
      const shape = shapeOf(b.subarray(at, end));
      if (shape === null) return;
      if (shapes.length < KEPT) shapes.push(shape);
      else shapes[oldest++ % KEPT] = shape;
    },
  };
}

/** A record's id, number and index; its transaction's position and id; its time. */
const ROLES = ['', '.id', 'number', 'index', 'position', 'id', '.time'] as const;
const [, ID, NUMBER, INDEX, POSITION, TRANSACTION_ID, TIME] = [0, 1, 2, 3, 4, 5, 6] as const;

const QUOTE = 0x22;
/** Start and end of the id of the record that fitted last. */
const spans = new Int32Array(2);

/** 1 for the bytes at which a string's plain run stops: control characters, quote, backslash. */
const STOPS = new Uint8Array(256).fill(1, 0, 0x20);
STOPS[QUOTE] = 1;
STOPS[0x5c] = 1;

function fitsShape(shape: Shape, b: Buffer, view: DataView, at: number, end: number): boolean {
  const { bytes, cuts, strings, roles } = shape;
  const last = strings.length;
  let i = at;
  for (let k = 0; ; k++) {
    let j = cuts[2 * k]!;
    const stop = cuts[2 * k + 1]!;
    if (end - i < stop - j) return false;
    // Eight bytes at once as a double: where that is NaN, it differs from itself, and the scan has a look.
    for (; j + 8 <= stop; j += 8, i += 8) {
      if (bytes.getFloat64(j, true) !== view.getFloat64(i, true)) return false;
    }
    if (j + 4 <= stop) {
      if (bytes.getInt32(j, true) !== view.getInt32(i, true)) return false;
      j += 4;
      i += 4;
    }
    for (; j < stop; j++, i++) if (bytes.getUint8(j) !== b[i]) return false;
    if (k === last) return i === end;
    const start = i;
    if (strings[k] === 1) {
      while (STOPS[b[i]!] === 0) i++;
      if (b[i] !== QUOTE || i >= end) i = skipString(b, start, end) - 1;
      if (roles[k] !== 0 && !take(roles[k]!, b, start, i)) return false;
    } else {
      const c = b[i]!;
      if (c !== 0x2d && (c < 0x30 || c > 0x39)) return false;
      i = skipNumber(b, i, end);
      if (roles[k] === NUMBER) scanned.number = ourInteger(b, start, i);
      else if (roles[k] === INDEX) scanned.index = ourInteger(b, start, i);
    }
  }
}

/** Notes a string that the rules need; false where it is not what it has to be. */
function take(role: number, b: Buffer, start: number, end: number): boolean {
  if (role === ID) {
    spans[0] = start;
    spans[1] = end;
  } else if (role === POSITION) {
    scanned.positionAt = start;
    scanned.positionEnd = end;
    return end > start;
  } else if (role === TRANSACTION_ID) {
    scanned.idAt = start;
    scanned.idEnd = end;
    return end > start;
  } else if (role === TIME) {
    scanned.timeAt = start;
    scanned.timeEnd = end;
    return isTime(b, start, end);
  }
  return true;
}

/** Members whose string is part of the shape, by their depth: their values decide what the record is. */
const FIXED: readonly ReadonlySet<string>[] = [
  new Set(),
  new Set(['kind', 'action', 'image', 'outcome']),
  new Set(['type', 'tier']),
  new Set(['op', 'path']),
];

/** Null where the record is none that `fits` could hold to its id and transaction. `record` must be sound. */
function shapeOf(record: Buffer): Shape | null {
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
    roles.push(Math.max(0, (ROLES as readonly string[]).indexOf(role)));
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
      } else if (FIXED[depth]?.has(name) !== true) cut(i + 1, behind - 1, true);
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
  const copy = Uint8Array.from(record);
  return {
    bytes: new DataView(copy.buffer),
    cuts: Int32Array.from(cuts),
    strings: Uint8Array.from(strings),
    roles: Uint8Array.from(roles),
  };
}
