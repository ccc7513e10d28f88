/**
 * Scans one record's bytes in a single pass: strict JSON, and on the way whether it is a sound change with a plain
 * patch. It builds nothing. Whatever is unusual is left to record.ts, which must agree on everything else.
 */
import {
  JsonRefusal,
  skipSpace,
  skipValue,
  type Visit,
  walkArray,
  walkObject,
} from '../../trail/strict-json.ts';
import { beginActor, isTyped, walkActor, walkAttribution } from './actor-scan.ts';
import { holdsEscape, is, isBase64, isText, isTime, matches, ourInteger } from './bytes.ts';
import { beginPatch, type PatchAction, patchIsPlain, visitOperation } from './patch-scan.ts';

/** Members that a change must have, by bits of `seen`: id, time, actor, attribution, action, target, transaction, outcome, patch. */
const REQUIRED = 0b1_1111_1111;
const OUTCOME = 1 << 7;
const PATCH = 1 << 8;
const ENCODED = 1 << 9;
/** What only updates may have. */
const BEFORE = 1 << 11;
/** Seen: escaped names, or anything else that the fast path leaves to the slow one. */
const SLOW = 1 << 10;

let seen = 0;
/** Whether the record is held to the rules of level 2. */
let later = false;
/** Where the texts of the record itself begin and end, without their quotes; both 0 where they were not seen. */
const texts = new Int32Array(8);
const [KIND, ID, ACTION, IMAGE] = [0, 2, 4, 6] as const;
let numberValue = 0;
let indexValue = 0;
/**
 * What the last scan read of the transaction, from the text: number and index, NaN where they are no integers of
 * ours, or escaped; where its raw position, its raw id and the time are, when the scan returned true. Where `shape` is
 * the same for two records and not null, these three are, too. Overwritten by the next call.
 */
export const scanned = {
  shape: null as object | null,
  number: 0,
  index: 0,
  positionAt: 0,
  positionEnd: 0,
  idAt: 0,
  idEnd: 0,
  timeAt: 0,
  timeEnd: 0,
};

/**
 * Scans `b[at, end)`. True: it is a sound change record of this level with the id `<prefix><number>:<index>`, and
 * `scanned` holds its transaction. False: take the slow path. Throws JsonRefusal where it is no strict JSON.
 * `b` must be valid UTF-8, and `b[end]` an LF. `prefix` is ASCII: `orders:`.
 */
export function scanChange(b: Buffer, at: number, end: number, prefix: Buffer, level: number): boolean {
  seen = targeted = 0;
  later = level > 1;
  texts.fill(0);
  scanned.positionAt = scanned.positionEnd = scanned.idAt = scanned.idEnd = 0;
  scanned.shape = null;
  numberValue = indexValue = Number.NaN;
  scanned.number = scanned.index = Number.NaN;
  beginPatch();
  beginActor(later);
  const isObject = b[at] === 0x7b;
  const behind = isObject ? walkObject(b, at, end, 1, 0, visitRecord) : skipValue(b, at, end, 0, 0);
  if (skipSpace(b, behind, end) !== end) throw new JsonRefusal('something follows the value', behind);
  if (!isObject) return false;
  scanned.number = numberValue;
  scanned.index = indexValue;
  if ((seen & (SLOW | ENCODED | REQUIRED)) !== REQUIRED || !says(b, KIND, CHANGE)) return false;
  if (scanned.positionEnd === scanned.positionAt || scanned.idEnd === scanned.idAt) return false;
  return isIdOf(b, texts[ID]!, texts[ID + 1]!, prefix) && hasPlainPatch(b);
}

const CHANGE = Buffer.from('change');
const SUCCESS = Buffer.from('success');
const FULL = Buffer.from('full');
const KEY = Buffer.from('key');
const CHANGED = Buffer.from('changed');
const INSERT = Buffer.from('insert');
const UPDATE = Buffer.from('update');
const DELETE = Buffer.from('delete');

/** Members by length and first byte; names that need unescaping send the record to the slow path. */
const visitRecord: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const c = b[keyStart]!;
  switch (keyStop - keyStart) {
    case 2:
      if (c === 0x69 && b[keyStart + 1] === 0x64) {
        return takeRequired(ID, 0, b, at, end, depth, base);
      }
      break;
    case 4:
      if (matches(b, keyStart, 'kind')) return takeText(KIND, b, at, end, depth, base);
      if (matches(b, keyStart, 'time')) return takeTime(b, at, end, depth, base);
      if (later && matches(b, keyStart, 'salt')) return takeBase64(0, b, at, end, depth, base, 8);
      break;
    case 5:
      if (matches(b, keyStart, 'actor')) return takeTyped(2, b, at, end, depth, base);
      if (matches(b, keyStart, 'patch')) return takePatch(b, at, end, depth, base);
      if (matches(b, keyStart, 'image')) return takeText(IMAGE, b, at, end, depth, base);
      break;
    case 6:
      if (matches(b, keyStart, 'action')) return takeRequired(ACTION, 4, b, at, end, depth, base);
      if (matches(b, keyStart, 'target')) return takeTarget(b, at, end, depth, base);
      if (later && matches(b, keyStart, 'before')) return takeBase64(BEFORE, b, at, end, depth, base, 16);
      break;
    case 7:
      if (matches(b, keyStart, 'encoded')) seen |= ENCODED;
      if (matches(b, keyStart, 'outcome')) return takeOutcome(b, at, end, depth, base);
      break;
    case 11:
      if (matches(b, keyStart, 'attribution')) return takeTyped(3, b, at, end, depth, base);
      if (matches(b, keyStart, 'transaction')) return takeTransaction(b, at, end, depth, base);
      break;
    default:
      break;
  }
  noteEscape(b, keyStart, keyStop);
  return skipValue(b, at, end, depth, base);
};

function noteEscape(b: Buffer, start: number, stop: number): void {
  if (holdsEscape(b, start, stop)) seen |= SLOW;
}

function required(
  bit: number,
  b: Buffer,
  at: number,
  end: number,
  depth: number,
  base: number,
  first: number,
): number {
  if (b[at] === first) seen |= 1 << bit;
  else seen |= SLOW;
  return skipValue(b, at, end, depth, base);
}

/** Notes where a text is; where there is another value, nothing. */
function takeText(text: number, b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = skipValue(b, at, end, depth, base);
  if (isText(b, at, behind)) {
    texts[text] = at + 1;
    texts[text + 1] = behind - 1;
  }
  return behind;
}

/** As `takeText`, of a member that has to be one. */
function takeRequired(
  text: number,
  bit: number,
  b: Buffer,
  at: number,
  end: number,
  depth: number,
  base: number,
): number {
  if (b[at] !== 0x22) return required(bit, b, at, end, depth, base, 0x22);
  seen |= 1 << bit;
  return takeText(text, b, at, end, depth, base);
}

/** Whether this text of the record is this word. */
function says(b: Buffer, text: number, word: Buffer): boolean {
  return is(b, texts[text]!, texts[text + 1]!, word);
}

function takeTime(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = required(1, b, at, end, depth, base, 0x22);
  scanned.timeAt = at + 1;
  scanned.timeEnd = behind - 1;
  if (!isTime(b, at + 1, behind - 1)) seen |= SLOW;
  return behind;
}

function takeOutcome(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = skipValue(b, at, end, depth, base);
  seen |= isText(b, at, behind) && is(b, at + 1, behind - 1, SUCCESS) ? OUTCOME : SLOW;
  return behind;
}

/** A text that is canonical base64 of so many bytes. */
function takeBase64(
  bit: number,
  b: Buffer,
  at: number,
  end: number,
  depth: number,
  base: number,
  bytes: 8 | 16,
): number {
  const behind = skipValue(b, at, end, depth, base);
  seen |= isText(b, at, behind) && isBase64(b, at + 1, behind - 1, bytes) ? bit : SLOW;
  return behind;
}

/** `actor` and `attribution`: objects with a `type` or `tier` that is one of ours. */
function takeTyped(bit: number, b: Buffer, at: number, end: number, depth: number, base: number): number {
  if (b[at] !== 0x7b) return required(bit, b, at, end, depth, base, 0x7b);
  const walk = bit === 2 ? walkActor : walkAttribution;
  const behind = walk(b, at, end, depth, base);
  seen |= isTyped() ? 1 << bit : SLOW;
  return behind;
}

/** `target`: schema and table are strings, key an object or null; each is there. */
function takeTarget(b: Buffer, at: number, end: number, depth: number, base: number): number {
  if (b[at] !== 0x7b) return required(5, b, at, end, depth, base, 0x7b);
  const behind = walkObject(b, at, end, depth + 1, base, visitTarget);
  seen |= (targeted & ~KEYLESS) === 0b111 ? 1 << 5 : SLOW;
  return behind;
}

/** Schema, table, key; what has another type; whether the key is null. */
let targeted = 0;
const KEYLESS = 16;

const visitTarget: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const length = keyStop - keyStart;
  if (length === 6 && matches(b, keyStart, 'schema')) targeted |= b[at] === 0x22 ? 1 : 8;
  else if (length === 5 && matches(b, keyStart, 'table')) targeted |= b[at] === 0x22 ? 2 : 8;
  else if (length === 3 && matches(b, keyStart, 'key')) targeted |= keyOf(b, at, end);
  else noteEscape(b, keyStart, keyStop);
  return skipValue(b, at, end, depth, base);
};

/** An object, from level 2 on not an empty one, or null. */
function keyOf(b: Buffer, at: number, end: number): number {
  if (b[at] === 0x6e) return 4 | KEYLESS;
  return b[at] === 0x7b && !(later && b[skipSpace(b, at + 1, end)] === 0x7d) ? 4 : 8;
}

function takeTransaction(b: Buffer, at: number, end: number, depth: number, base: number): number {
  if (b[at] !== 0x7b) return required(6, b, at, end, depth, base, 0x7b);
  seen |= 1 << 6;
  return walkObject(b, at, end, depth + 1, base, visitTransaction);
}

const visitTransaction: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const behind = skipValue(b, at, end, depth, base);
  const length = keyStop - keyStart;
  if (length === 6 && matches(b, keyStart, 'number')) numberValue = ourInteger(b, at, behind);
  else if (length === 5 && matches(b, keyStart, 'index')) indexValue = ourInteger(b, at, behind);
  else if (length === 8 && matches(b, keyStart, 'position')) {
    if (isText(b, at, behind)) {
      scanned.positionAt = at + 1;
      scanned.positionEnd = behind - 1;
    }
  } else if (length === 2 && matches(b, keyStart, 'id')) {
    if (isText(b, at, behind)) {
      scanned.idAt = at + 1;
      scanned.idEnd = behind - 1;
    }
  } else noteEscape(b, keyStart, keyStop);
  return behind;
};

/** Whether `b[at, end)` is prefix, number, index, in decimal, of the transaction in `scanned`. */
export function isIdOf(b: Buffer, at: number, end: number, prefix: Buffer): boolean {
  const { number, index } = scanned;
  const n = prefix.length;
  if (!(number >= 1 && index >= 1) || end - at < n + 3) return false;
  for (let i = 0; i < n; i++) if (b[at + i] !== prefix[i]) return false;
  let colon = at + n;
  while (colon < end && b[colon] !== 0x3a) colon++;
  return (
    ourInteger(b, at + n, colon) === number && colon + 1 < end && ourInteger(b, colon + 1, end) === index
  );
}

function takePatch(b: Buffer, at: number, end: number, depth: number, base: number): number {
  seen |= PATCH;
  if (b[at] === 0x5b) return walkArray(b, at, end, depth + 1, base, visitOperation);
  seen |= SLOW;
  return skipValue(b, at, end, depth, base);
}

function hasPlainPatch(b: Buffer): boolean {
  const full = says(b, IMAGE, FULL);
  if (!full && !says(b, IMAGE, KEY) && !says(b, IMAGE, CHANGED)) return false;
  const action: PatchAction | null = says(b, ACTION, INSERT)
    ? 'insert'
    : says(b, ACTION, UPDATE)
      ? 'update'
      : says(b, ACTION, DELETE)
        ? 'delete'
        : null;
  if (action === null || ((seen & BEFORE) !== 0 && action !== 'update')) return false;
  return patchIsPlain(b, action, full, later && (targeted & KEYLESS) !== 0);
}
