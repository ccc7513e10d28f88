/**
 * Reads one record's bytes: strict JSON in a single pass, and on the way the few members that the rules of a
 * trail need. It builds nothing on the common path. It must agree with `recordOf(parseJson(bytes))` on every
 * record, which is the slow path and the reference.
 */
import {
  JsonRefusal,
  parseJson,
  skipValue,
  type Visit,
  walkArray,
  walkObject,
} from '../trail/strict-json.ts';
import { type PatchOperation, patchProblem } from './patch.ts';

/** What the rules need of a record. */
export interface RecordFacts {
  kind: string;
  /** Null where the record has none. */
  id: string | null;
  /** Null without `transaction`; NaN where a member is no integer of ours. */
  number: number;
  index: number;
  hasTransaction: boolean;
  position: string | null;
  action: string | null;
  image: string | null;
  /** What is wrong with the record by itself, or null. */
  problem: { readonly code: string; readonly message: string } | null;
}

/** Members of a change record that must stand in it, by bits of `seen`. */
const REQUIRED = ['id', 'time', 'actor', 'attribution', 'action', 'target', 'transaction'] as const;
const ALL_REQUIRED = (1 << REQUIRED.length) - 1;
const PATCH = 1 << 8;
const ENCODED = 1 << 9;
/** Seen: escaped names, or anything else that the fast path leaves to the slow one. */
const SLOW = 1 << 10;

let seen = 0;
let kindAt = 0;
let kindEnd = 0;
let idAt = 0;
let idEnd = 0;
let actionAt = 0;
let actionEnd = 0;
let imageAt = 0;
let imageEnd = 0;
let patchAt = 0;
let positionAt = 0;
let positionEnd = 0;
let numberValue = 0;
let indexValue = 0;
/** Patch operations: kind, path start, path stop, value's first byte; a path's bytes are raw. */
const MAX_FAST_OPERATIONS = 96;
const operations = new Int32Array(4 * MAX_FAST_OPERATIONS);
let operationCount = 0;
let opKind = 0;
let pathAt = 0;
let pathEnd = 0;
let valueAt = 0;

const NONE = 0;
const TEST = 1;
const ADD = 2;
const REPLACE = 3;
const REMOVE = 4;

/** The facts of the last change that `scanRecord` read; overwritten by the next call. */
export const scanned = { number: 0, index: 0, hasTransaction: false, positionAt: 0, positionEnd: 0 };

/**
 * Scans `b[at, end)`. True: it is a sound change record with the id `<prefix><number>:<index>`, and `scanned`
 * holds its transaction. False: take the slow path. Throws JsonRefusal where it is no strict JSON.
 * `b` must be valid UTF-8, and `b[end]` an LF. `prefix` is ASCII: `orders:`.
 */
export function scanChange(b: Buffer, at: number, end: number, prefix: Buffer): boolean {
  seen = 0;
  kindAt = kindEnd = idAt = idEnd = imageAt = imageEnd = actionAt = actionEnd = 0;
  positionAt = positionEnd = 0;
  numberValue = indexValue = Number.NaN;
  operationCount = 0;
  if (b[at] !== 0x7b) {
    if (skipValue(b, at, end, 0, 0) !== end) throw new JsonRefusal('something follows the value', at);
    return false;
  }
  const behind = walkObject(b, at, end, 1, 0, visitRecord);
  if (behind !== end) throw new JsonRefusal('something follows the value', behind);
  if ((seen & SLOW) !== 0 || (seen & ENCODED) !== 0) return false;
  if ((seen & ALL_REQUIRED) !== ALL_REQUIRED || !is(b, kindAt, kindEnd, CHANGE)) return false;
  if (!hasId(b, prefix) || !patchIsPlain(b)) return false;
  scanned.number = numberValue;
  scanned.index = indexValue;
  scanned.hasTransaction = true;
  scanned.positionAt = positionAt;
  scanned.positionEnd = positionEnd;
  return true;
}

/**
 * The same by way of JSON.parse, for every kind of record, after `scanChange` on the same bytes has found them
 * to be strict JSON. `value` is the whole record.
 */
export function readRecord(bytes: Buffer): RecordFacts & { readonly value: unknown } {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  return { ...factsOf(value, bytes), value };
}

function factsOf(value: unknown, bytes: Buffer): RecordFacts {
  const refused = (code: string, message: string): RecordFacts => ({
    kind: '',
    id: null,
    number: Number.NaN,
    index: Number.NaN,
    hasTransaction: false,
    position: null,
    action: null,
    image: null,
    problem: { code, message },
  });
  if (!isMembers(value)) return refused('record_member', 'a record is a JSON object');
  const kind = value['kind'];
  if (typeof kind !== 'string' || kind === '') return refused('record_member', 'a record has a kind');
  const transaction = value['transaction'];
  const facts: RecordFacts = {
    kind,
    id: textOf(value['id']),
    number: Number.NaN,
    index: Number.NaN,
    hasTransaction: transaction !== undefined,
    position: null,
    action: textOf(value['action']),
    image: textOf(value['image']),
    problem: null,
  };
  if (isMembers(transaction)) {
    // The scan read these from the text: `1.0` is no integer of ours. It leaves escaped names to us.
    const exact = Number.isNaN(numberValue + indexValue) ? exactTransaction(bytes) : null;
    facts.number = exact === null ? numberValue : integerOf(exact['number']);
    facts.index = exact === null ? indexValue : integerOf(exact['index']);
    facts.position = textOf(transaction['position']);
  }
  facts.problem = problemOf(value, facts);
  return facts;
}

function problemOf(value: Members, facts: RecordFacts): RecordFacts['problem'] {
  if (value['id'] !== undefined && facts.id === null) return member('id');
  if (facts.hasTransaction && !(facts.number >= 1 && facts.index >= 1 && facts.position !== null)) {
    return member('transaction');
  }
  if (value['encoded'] !== undefined) {
    const problem = encodedProblem(value, value['encoded']);
    if (problem !== null) return { code: 'record_encoded', message: problem };
  }
  if (facts.kind !== 'change') return null;
  const missing = REQUIRED.find((name) => value[name] === undefined);
  if (missing !== undefined) return member(missing);
  const tier = isMembers(value['attribution']) ? value['attribution']['tier'] : null;
  if (typeof tier !== 'string') return member('attribution.tier');
  if (!isMembers(value['actor']) || typeof value['actor']['type'] !== 'string') return member('actor.type');
  if (!isMembers(value['target'])) return member('target');
  if (typeof value['time'] !== 'string') return member('time');
  const problem = patchProblem(facts.action, facts.image, value['patch'] as readonly PatchOperation[]);
  return problem;
}

function exactTransaction(bytes: Buffer): Members {
  return (parseJson(bytes) as Members)['transaction'] as Members;
}

type Members = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function integerOf(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : Number.NaN;
}

function member(name: string): { code: string; message: string } {
  return { code: 'record_member', message: `its ${name} is missing or malformed` };
}

/** Every pointer of `encoded` must lead to something in the record. */
function encodedProblem(record: Members, encoded: unknown): string | null {
  if (!isMembers(encoded)) return 'encoded is no object';
  for (const [pointer, kind] of Object.entries(encoded)) {
    if (typeof kind !== 'string') return 'encoded holds something else than names';
    let at: unknown = record;
    if (!pointer.startsWith('/')) return `encoded points nowhere: ${pointer}`;
    for (const raw of pointer.slice(1).split('/')) {
      const token = raw.replaceAll('~1', '/').replaceAll('~0', '~');
      const inside = typeof at === 'object' && at !== null && Object.hasOwn(at, token);
      if (!inside) return `encoded points nowhere: ${pointer}`;
      at = (at as Members)[token];
    }
  }
  return null;
}

// The fast path from here on.

const CHANGE = Buffer.from('change');
const FULL = Buffer.from('full');
const KEY = Buffer.from('key');
const CHANGED = Buffer.from('changed');
const INSERT = Buffer.from('insert');
const UPDATE = Buffer.from('update');
const DELETE = Buffer.from('delete');

function is(b: Buffer, at: number, end: number, word: Buffer): boolean {
  if (end - at !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (b[at + i] !== word[i]) return false;
  return true;
}

/** Value strings: from behind the opening quote to the closing one. Anything but a string is left to the slow path. */
function isText(b: Buffer, at: number, behind: number): boolean {
  return b[at] === 0x22 && behind - at >= 2;
}

/** Members by length and first byte; names that need unescaping send the record to the slow path. */
const visitRecord: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const c = b[keyStart]!;
  switch (keyStop - keyStart) {
    case 2:
      if (c === 0x69 && b[keyStart + 1] === 0x64) return takeId(b, at, end, depth, base);
      break;
    case 4:
      if (matches(b, keyStart, 'kind')) return takeKind(b, at, end, depth, base);
      if (matches(b, keyStart, 'time')) return required(1, b, at, end, depth, base, 0x22);
      break;
    case 5:
      if (matches(b, keyStart, 'actor')) return takeTyped(2, b, at, end, depth, base);
      if (matches(b, keyStart, 'patch')) return takePatch(b, at, end, depth, base);
      if (matches(b, keyStart, 'image')) return takeImage(b, at, end, depth, base);
      break;
    case 6:
      if (matches(b, keyStart, 'action')) return takeAction(b, at, end, depth, base);
      if (matches(b, keyStart, 'target')) return required(5, b, at, end, depth, base, 0x7b);
      break;
    case 7:
      if (matches(b, keyStart, 'encoded')) seen |= ENCODED;
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

function matches(b: Buffer, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (b[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

function noteEscape(b: Buffer, start: number, stop: number): void {
  for (let i = start; i < stop; i++) if (b[i] === 0x5c) seen |= SLOW;
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

function takeKind(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = skipValue(b, at, end, depth, base);
  if (isText(b, at, behind)) {
    kindAt = at + 1;
    kindEnd = behind - 1;
  }
  return behind;
}

function takeId(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = required(0, b, at, end, depth, base, 0x22);
  idAt = at + 1;
  idEnd = behind - 1;
  return behind;
}

function takeAction(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = required(4, b, at, end, depth, base, 0x22);
  actionAt = at + 1;
  actionEnd = behind - 1;
  return behind;
}

function takeImage(b: Buffer, at: number, end: number, depth: number, base: number): number {
  const behind = skipValue(b, at, end, depth, base);
  if (isText(b, at, behind)) {
    imageAt = at + 1;
    imageEnd = behind - 1;
  }
  return behind;
}

/** `actor` and `attribution`: objects with a `type` or `tier` that is a string. */
function takeTyped(bit: number, b: Buffer, at: number, end: number, depth: number, base: number): number {
  if (b[at] !== 0x7b) return required(bit, b, at, end, depth, base, 0x7b);
  typed = false;
  const behind = walkObject(b, at, end, depth + 1, base, bit === 2 ? visitActor : visitAttribution);
  seen |= typed ? 1 << bit : SLOW;
  return behind;
}

let typed = false;

const visitActor: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  if (keyStop - keyStart === 4 && matches(b, keyStart, 'type')) typed = b[at] === 0x22;
  return skipValue(b, at, end, depth, base);
};

const visitAttribution: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  if (keyStop - keyStart === 4 && matches(b, keyStart, 'tier')) typed = b[at] === 0x22;
  return skipValue(b, at, end, depth, base);
};

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
      positionAt = at + 1;
      positionEnd = behind - 1;
    }
  } else noteEscape(b, keyStart, keyStop);
  return behind;
};

/** `[1-9][0-9]{0,14}`, or NaN; longer ones take the slow path. */
function ourInteger(b: Buffer, at: number, behind: number): number {
  if (behind - at > 15 || b[at] === 0x30) return Number.NaN;
  let value = 0;
  for (let i = at; i < behind; i++) {
    const digit = b[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether the id is prefix, number, index, in decimal. */
function hasId(b: Buffer, prefix: Buffer): boolean {
  if (!(numberValue >= 1 && indexValue >= 1) || positionEnd === 0) return false;
  const n = prefix.length;
  if (idEnd - idAt < n + 3) return false;
  for (let i = 0; i < n; i++) if (b[idAt + i] !== prefix[i]) return false;
  let at = idAt + n;
  let colon = at;
  while (colon < idEnd && b[colon] !== 0x3a) colon++;
  if (ourInteger(b, at, colon) !== numberValue) return false;
  at = colon + 1;
  return at < idEnd && ourInteger(b, at, idEnd) === indexValue;
}

function takePatch(b: Buffer, at: number, end: number, depth: number, base: number): number {
  seen |= PATCH;
  patchAt = at;
  if (b[at] !== 0x5b) {
    seen |= SLOW;
    return skipValue(b, at, end, depth, base);
  }
  return walkArray(b, at, end, depth + 1, base, visitOperation);
}

const visitOperation: Visit = (b, at, end, depth, base) => {
  if (b[at] !== 0x7b || operationCount === MAX_FAST_OPERATIONS) {
    seen |= SLOW;
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
  if (opKind === NONE || pathAt === 0 || (valueAt === 0) !== (opKind === REMOVE)) seen |= SLOW;
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
  } else noteEscape(b, keyStart, keyStop);
  return behind;
};

/** Whether the patch is one of the common shapes that apply and reverse whatever the values are. */
function patchIsPlain(b: Buffer): boolean {
  if ((seen & PATCH) === 0 || patchAt === 0) return false;
  const full = is(b, imageAt, imageEnd, FULL);
  if (!full && !is(b, imageAt, imageEnd, KEY) && !is(b, imageAt, imageEnd, CHANGED)) return false;
  if (is(b, actionAt, actionEnd, INSERT)) {
    // One add of a whole row at "".
    return (
      operationCount === 1 &&
      operations[0] === ADD &&
      operations[2] === operations[1] &&
      b[operations[3]!] === 0x7b
    );
  }
  if (is(b, actionAt, actionEnd, DELETE)) {
    // A test of the whole row at "", then its removal.
    return (
      operationCount === 2 &&
      operations[0] === TEST &&
      operations[4] === REMOVE &&
      operations[2] === operations[1] &&
      operations[6] === operations[5] &&
      b[operations[3]!] === 0x7b
    );
  }
  if (!is(b, actionAt, actionEnd, UPDATE)) return false;
  for (let i = 0; i < operationCount; i++) {
    const o = i * 4;
    const start = operations[o + 1]!;
    const stop = operations[o + 2]!;
    if (!isPlainPath(b, start, stop)) return false;
    if (operations[o] === TEST) {
      const next = o + 4;
      if (i + 1 === operationCount || operations[next] !== REPLACE) return false;
      if (!samePath(b, start, stop, operations[next + 1]!, operations[next + 2]!)) return false;
      i++;
    } else if (full || operations[o] !== REPLACE) return false;
    for (let k = 0; k < o; k += 4) if (overlaps(b, start, stop, k)) return false;
  }
  return true;
}

/** Begins with `/` and holds neither `~` nor a backslash. */
function isPlainPath(b: Buffer, start: number, stop: number): boolean {
  if (stop === start || b[start] !== 0x2f) return false;
  for (let i = start; i < stop; i++) if (b[i] === 0x7e || b[i] === 0x5c) return false;
  return true;
}

function samePath(b: Buffer, start: number, stop: number, otherStart: number, otherStop: number): boolean {
  if (stop - start !== otherStop - otherStart) return false;
  for (let i = start, j = otherStart; i < stop; i++, j++) if (b[i] !== b[j]) return false;
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
