/**
 * Scans a change's patch and tells the common shapes, which apply and reverse whatever their values are, from the
 * rest, which patch.ts applies for real. It must never take an unusual patch for a plain one.
 */
import { skipValue, type Visit, walkObject } from '../../trail/strict-json.ts';
import { holdsEscape, isText, matches, sameBytes } from './bytes.ts';

export type PatchAction = 'insert' | 'update' | 'delete';

/** Patch operations: kind, path start, path stop, value's first byte; a path's bytes are raw. */
const MAX_FAST_OPERATIONS = 96;
const operations = new Int32Array(4 * MAX_FAST_OPERATIONS);
let operationCount = 0;
/** Something that the common shapes do not have. */
let odd = false;
let opKind = 0;
let pathAt = 0;
let pathEnd = 0;
let valueAt = 0;

const NONE = 0;
const TEST = 1;
const ADD = 2;
const REPLACE = 3;
const REMOVE = 4;

/** Must be called before the patch of each record is walked. */
export function beginPatch(): void {
  operationCount = 0;
  odd = false;
}

/** Visits one element of the patch. */
export const visitOperation: Visit = (b, at, end, depth, base) => {
  if (b[at] !== 0x7b || operationCount === MAX_FAST_OPERATIONS) {
    odd = true;
    return skipValue(b, at, end, depth, base);
  }
  opKind = NONE;
  pathAt = pathEnd = valueAt = 0;
  const behind = walkObject(b, at, end, depth + 1, base, visitOperationMember);
  const o = operationCount++ * 4;
  operations[o] = opKind;
  operations[o + 1] = pathAt;
  operations[o + 2] = pathEnd;
  operations[o + 3] = valueAt;
  if (opKind === NONE || pathAt === 0 || (valueAt === 0) !== (opKind === REMOVE)) odd = true;
  return behind;
};

const visitOperationMember: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const behind = skipValue(b, at, end, depth, base);
  const length = keyStop - keyStart;
  if (length === 2 && matches(b, keyStart, 'op')) {
    if (!isText(b, at, behind)) return behind;
    const size = behind - at - 2;
    if (size === 3 && matches(b, at + 1, 'add')) opKind = ADD;
    else if (size === 4 && matches(b, at + 1, 'test')) opKind = TEST;
    else if (size === 7 && matches(b, at + 1, 'replace')) opKind = REPLACE;
    else if (size === 6 && matches(b, at + 1, 'remove')) opKind = REMOVE;
  } else if (length === 4 && matches(b, keyStart, 'path')) {
    if (!isText(b, at, behind)) return behind;
    pathAt = at + 1;
    pathEnd = behind - 1;
  } else if (length === 5 && matches(b, keyStart, 'value')) {
    valueAt = at;
  } else if (holdsEscape(b, keyStart, keyStop)) odd = true;
  return behind;
};

/**
 * Whether the patch is one of the common shapes that apply and reverse whatever the values are. `whole`: an update of
 * full image says the whole row.
 */
export function patchIsPlain(b: Buffer, action: PatchAction, full: boolean, whole: boolean): boolean {
  if (odd) return false;
  if (action === 'insert') return operationCount === 1 && isWholeRow(b, 0, ADD);
  if (action === 'update' && full && whole) {
    return operationCount === 2 && isWholeRow(b, 0, TEST) && isWholeRow(b, 4, REPLACE);
  }
  if (action === 'delete') return full && operationCount === 2 && isWholeRow(b, 0, TEST) && isRowRemoval();
  for (let i = 0; i < operationCount; i++) {
    const o = i * 4;
    const start = operations[o + 1]!;
    const stop = operations[o + 2]!;
    if (!isPlainPath(b, start, stop)) return false;
    if (operations[o] === TEST) {
      const next = o + 4;
      if (i + 1 === operationCount || operations[next] !== REPLACE) return false;
      if (!sameBytes(b, start, stop, operations[next + 1]!, operations[next + 2]!)) return false;
      i++;
    } else if (full || operations[o] !== REPLACE) return false;
    for (let k = 0; k < o; k += 4) if (overlaps(b, start, stop, k)) return false;
  }
  return true;
}

/** An operation at "" with an object as its value. */
function isWholeRow(b: Buffer, o: number, kind: number): boolean {
  return operations[o] === kind && operations[o + 2] === operations[o + 1] && b[operations[o + 3]!] === 0x7b;
}

function isRowRemoval(): boolean {
  return operations[4] === REMOVE && operations[6] === operations[5];
}

/** Begins with `/` and holds neither `~` nor a backslash. */
function isPlainPath(b: Buffer, start: number, stop: number): boolean {
  if (stop === start || b[start] !== 0x2f) return false;
  for (let i = start; i < stop; i++) if (b[i] === 0x7e || b[i] === 0x5c) return false;
  return true;
}

/** Whether one of two paths is the other or lies inside it. */
function overlaps(b: Buffer, start: number, stop: number, other: number): boolean {
  const otherStart = operations[other + 1]!;
  const otherStop = operations[other + 2]!;
  const shorter = Math.min(stop - start, otherStop - otherStart);
  for (let i = 0; i < shorter; i++) if (b[start + i] !== b[otherStart + i]) return false;
  if (stop - start === otherStop - otherStart) return true;
  const after = stop - start > shorter ? b[start + shorter] : b[otherStart + shorter];
  return after === 0x2f;
}
