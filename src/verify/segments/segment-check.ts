/**
 * Checks one segment's object against its entry in the seal: hash, frame, records, leaves. Pure, so that it runs
 * in any thread. It reads attacker-controlled bytes: whatever they are, it ends, in memory bounded by the limits
 * of the format, and says what is wrong as data.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { push, recordLeaf } from '../../trail/merkle.ts';
import { lastPart, mayStandIn, TRAIL_CLASS } from '../../trail/names.ts';
import { findingOf } from '../../trail/refuse.ts';
import type { SegmentEntry } from '../../trail/seal.ts';
import { decompressSegment, MAX_RECORD_BYTES } from '../../trail/segment.ts';
import { JsonRefusal } from '../../trail/strict-json.ts';
import { type Fault, isFindingCode } from '../findings/findings.ts';
import type { Members } from '../records/kinds/members.ts';
import { createMarks, type Marks, type MarkWriter } from '../records/marks.ts';
import { createOrder, type Order } from '../records/order.ts';
import { readRecord } from '../records/record.ts';
import { scanChange } from '../records/record-scan.ts';
import { createShapes, type Shapes } from '../records/record-shape.ts';
import type { Runs } from '../records/runs.ts';

export interface SegmentJob {
  readonly trail: string;
  readonly entry: SegmentEntry;
  /** The level whose rules the records follow. */
  readonly level: number;
  /** Records are leaves and nothing more: what they may say is of a level that is not known. */
  readonly leavesOnly: boolean;
}

/** What the rules across segments need of one. */
export interface SegmentReport {
  readonly faults: readonly Fault[];
  /** Faults beyond those kept. */
  readonly moreFaults: number;
  /** Records in transactions. */
  readonly runs: Runs;
  readonly genesis: Readonly<Record<string, unknown>> | null;
  readonly gaps: readonly { readonly from: unknown; readonly to: unknown }[];
  /** Records of kind key of level 2, which are sound; the first few. */
  readonly keys: readonly KeyRecord[];
  readonly marks: Marks;
}

export interface KeyRecord {
  readonly leaf: number;
  /** The vkeys of the log from the next seal on. */
  readonly logKeys: readonly string[];
}

const KEPT_FAULTS = 20;
const KEPT_GAPS = 100_000;
/** A seal has one; whether there are more is all that anybody asks. */
const KEPT_KEYS = 2;
/** Buffers of this size share their memory with no other. */
const LARGE = 1024 * 1024;
const LF = 0x0a;

export function checkSegment(object: Buffer, job: SegmentJob): SegmentReport {
  const state = createState(job);
  const plain = openObject(object, job.entry, state);
  if (plain !== null) {
    readRecords(plain, job.entry, state);
    release(plain);
  }
  return {
    faults: state.faults,
    moreFaults: state.moreFaults,
    runs: state.order.runs.finish(),
    genesis: state.genesis,
    gaps: state.gaps,
    keys: state.keys,
    marks: state.marks.finish(),
  };
}

interface State {
  readonly job: SegmentJob;
  readonly label: string;
  readonly prefix: Buffer;
  readonly shapes: Shapes;
  readonly faults: Fault[];
  moreFaults: number;
  readonly order: Order;
  genesis: Readonly<Record<string, unknown>> | null;
  readonly gaps: { from: unknown; to: unknown }[];
  readonly keys: KeyRecord[];
  readonly marks: MarkWriter;
}

function createState(job: SegmentJob): State {
  const label = lastPart(job.trail);
  return {
    job,
    label,
    prefix: Buffer.from(`${label}:`),
    shapes: createShapes(job.level),
    faults: [],
    moreFaults: 0,
    order: createOrder(),
    genesis: null,
    gaps: [],
    keys: [],
    marks: createMarks(label, job.level),
  };
}

function fault(state: State, code: string, message: string, leaf?: number): void {
  if (state.faults.length >= KEPT_FAULTS) state.moreFaults += 1;
  else {
    const known = isFindingCode(code) ? code : 'record_member';
    state.faults.push({ code: known, message, ...(leaf === undefined ? {} : { leaf }) });
  }
}

/** The plain bytes, or null where size, hash or frame are not those of the seal. */
function openObject(object: Buffer, entry: SegmentEntry, state: State): Buffer | null {
  if (object.length !== entry.bytes) {
    fault(state, 'bytes_mismatch', `it has ${object.length} bytes, the seal says ${entry.bytes}`);
    return null;
  }
  const sha256 = hash('sha256', object, 'hex');
  if (sha256 !== entry.sha256) {
    fault(state, 'sha256_mismatch', `its SHA-256 is ${sha256}, the seal says ${entry.sha256}`);
    return null;
  }
  try {
    return decompressSegment(object, entry.plain_bytes);
  } catch (error) {
    const code = findingOf(error);
    if (code === null) throw error;
    fault(state, code, (error as Error).message);
    return null;
  }
}

/**
 * Gives memory of its own back at once. Left to the collector, it is unmapped and the next segment's is mapped anew,
 * page by page: a tenth of a whole verification. Nothing may look at `plain` any more.
 */
function release({ buffer, byteLength }: Buffer): void {
  if (byteLength >= LARGE && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function readRecords(plain: Buffer, entry: SegmentEntry, state: State): void {
  if (plain[plain.length - 1] !== LF) {
    fault(state, 'record_unended', 'its last record has no LF behind it');
    return;
  }
  const { leavesOnly } = state.job;
  const utf8 = leavesOnly || isUtf8(plain);
  const stack: string[] = [];
  let leaf = entry.first;
  for (let at = 0; at < plain.length; ) {
    const fitted = leavesOnly ? -1 : state.shapes.fit(plain, at, state.prefix);
    const end = fitted === -1 ? plain.indexOf(LF, at) : fitted;
    push(stack, entry.first, leaf + 1, 1, recordLeaf(plain, at, end));
    if (!leavesOnly) readOne(plain, at, end, leaf, utf8, fitted !== -1, state);
    leaf += 1;
    at = end + 1;
  }
  const count = leaf - entry.first;
  if (count !== entry.count) fault(state, 'count_mismatch', `it holds ${count} records, not ${entry.count}`);
  const same =
    stack.length === entry.range.length &&
    stack.every((node, i) => Buffer.from(node, 'latin1').toString('base64') === entry.range[i]);
  if (!same) fault(state, 'range_mismatch', 'its records do not hash to the range in the seal');
}

/** `utf8`: the whole segment is. `fitted`: the record is of a known shape, and `scanned` is set. */
function readOne(
  plain: Buffer,
  at: number,
  end: number,
  leaf: number,
  utf8: boolean,
  fitted: boolean,
  state: State,
): void {
  if (end - at > MAX_RECORD_BYTES) {
    fault(state, 'record_too_large', `a record of ${end - at} bytes`, leaf);
    return;
  }
  if (!utf8 && !isUtf8(plain.subarray(at, end))) {
    fault(state, 'record_json', 'a record is not valid UTF-8', leaf);
    return;
  }
  try {
    if (!fitted && !isPlainChange(plain, at, end, state)) readSlowly(plain.subarray(at, end), leaf, state);
    else if (state.job.entry.class === TRAIL_CLASS)
      fault(state, 'record_class', 'a change in class trail', leaf);
    else report(state, state.order.placeScanned(plain), leaf);
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    fault(state, 'record_json', `a record is not strict JSON: ${error.message}`, leaf);
  }
}

/** Whether it is a sound change of the common kind; `scanned` is then set. Throws JsonRefusal. */
function isPlainChange(plain: Buffer, at: number, end: number, { job, shapes, prefix }: State): boolean {
  if (!scanChange(plain, at, end, prefix, job.level)) return false;
  shapes.learn(plain, at, end);
  return true;
}

function readSlowly(bytes: Buffer, leaf: number, state: State): void {
  const { kind, id, number, index, texts, problem, value } = readRecord(bytes, {
    level: state.job.level,
    trail: state.job.trail,
    leaf,
  });
  const { level, entry } = state.job;
  if (kind === 'seal') fault(state, 'record_kind', 'a record of kind seal', leaf);
  if (!mayStandIn(entry.class, kind, level)) {
    fault(state, 'record_class', `a record of kind ${kind} in class ${entry.class}`, leaf);
  }
  if (problem !== null) {
    fault(state, problem.code, problem.message, leaf);
    return;
  }
  if (kind === 'relation' && (value as { class?: unknown }).class !== entry.class) {
    fault(state, 'record_class', 'a relation record of another class', leaf);
  }
  if (kind === 'genesis') {
    if (leaf !== 0) fault(state, 'record_kind', 'a genesis record that is not the first record', leaf);
    else state.genesis = value as Readonly<Record<string, unknown>>;
  }
  if (kind === 'gap' && state.gaps.length < KEPT_GAPS) {
    const { from, to } = value as { from?: unknown; to?: unknown };
    state.gaps.push({ from, to });
  }
  if (kind === 'key' && level === 2 && state.keys.length < KEPT_KEYS) {
    const { log_keys: logKeys } = value as { readonly log_keys: readonly string[] };
    state.keys.push({ leaf, logKeys });
  }
  report(state, state.marks.note(kind, value as Members, leaf), leaf);
  if (texts === null) return;
  const expected = `${state.label}:${number}:${index}`;
  if (id !== null && id !== expected)
    fault(state, 'record_id', `its id is ${cut(id)}, not ${expected}`, leaf);
  report(state, state.order.place(number, index, texts), leaf);
}

function report(state: State, found: Fault | null, leaf: number): void {
  if (found !== null) fault(state, found.code, found.message, leaf);
}

/** What a hostile record holds, short enough to print. */
function cut(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
