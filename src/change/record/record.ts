/**
 * The bytes of a `change` record, in the member order of FORMAT.md section 11. A record has two holes, for who
 * acted and for the session: they are filled at once, or left open while the row waits for its context.
 * It must never write a record that is not one line of strict JSON.
 */
import type { Attribution } from '../attribution/attribution.ts';
import type { RecordBuffer } from '../buffer.ts';
import { ABSENT, type RowImage, type TransactionStart, UNCHANGED } from '../change.ts';
import type { ColumnPlan, RowPlan } from '../policy/row-plan.ts';
import { type Image, imageOf, type RowAction, type ValueContext, writeCell, writePatch } from './patch.ts';

/** Bytes that every record of one transaction shares. */
export interface TransactionBytes {
  /** `"orders:318:` */
  readonly id: Buffer;
  /** `","time":"…"`, with time_source where it is forgeable. */
  readonly time: Buffer;
  /** `,"transaction":{"id":…,"position":…,"number":318,"index":` */
  readonly transaction: Buffer;
  /** `}`, with the replication origin before it where there is one. */
  readonly end: Buffer;
}

/** Where a record stands in its transaction, and who acted. One object serves one record after another. */
export interface Place {
  transaction: TransactionBytes;
  index: number;
  /** Null: not known yet. The holes stay open. */
  attribution: Attribution | null;
  /** Set by the writers: where the holes are, as offsets into the buffer. */
  actorHole: number;
  contextHole: number;
}

export function newPlace(): Place {
  return { transaction: NO_TRANSACTION, index: 0, attribution: null, actorHole: 0, contextHole: 0 };
}

const NO_TRANSACTION: TransactionBytes = {
  id: Buffer.alloc(0),
  time: Buffer.alloc(0),
  transaction: Buffer.alloc(0),
  end: Buffer.alloc(0),
};

/** One row as the ChangeHandler got it. Reused like the images in it. */
export interface RowChange {
  action: RowAction;
  before: RowImage | null;
  beforeIsKey: boolean;
  after: RowImage | null;
}

const CHANGE = Buffer.from('{"kind":"change","id":');
const NO_KEY = Buffer.from('null}');
const OUTCOME = Buffer.from(',"outcome":"success"');
const IMAGES: { readonly [image in Image]: Buffer } = {
  full: Buffer.from(',"image":"full","patch":'),
  key: Buffer.from(',"image":"key","patch":'),
  changed: Buffer.from(',"image":"changed","patch":'),
};
const CLOSE_BRACE = 0x7d;
const OPEN_BRACE = 0x7b;

export function transactionBytes(label: string, start: TransactionStart, number: number): TransactionBytes {
  const source = start.timeSource === undefined ? '' : `,"time_source":"${start.timeSource}"`;
  const id = JSON.stringify(start.id);
  const position = JSON.stringify(start.position);
  const origin = start.origin === undefined ? '' : `,"origin":${JSON.stringify(start.origin.toWellFormed())}`;
  return {
    id: Buffer.from(`"${label}:${number}:`),
    time: Buffer.from(`","time":"${start.time}"${source}`),
    transaction: Buffer.from(`,"transaction":{"id":${id},"position":${position},"number":${number},"index":`),
    end: Buffer.from(`${origin}}`),
  };
}

/** Appends the record of one row. */
export function writeChange(
  out: RecordBuffer,
  place: Place,
  plan: RowPlan,
  change: RowChange,
  context: ValueContext,
): void {
  const { action, before, after } = change;
  context.encoded.length = 0;
  writeStart(out, CHANGE, place);
  out.put(plan.heads[action]);
  if (plan.key === null) out.put(NO_KEY);
  else writeKey(out, plan.key, change, context);
  writeMiddle(out, place);
  const image = imageOf(action, plan, before, change.beforeIsKey, after);
  out.put(IMAGES[image]);
  writePatch(out, action, plan, image, before, after, context);
  if (context.encoded.length > 0) writeEncoded(out, context.encoded);
  out.byte(CLOSE_BRACE);
}

/** Appends the record of one truncated table. */
export function writeTruncate(
  out: RecordBuffer,
  place: Place,
  plan: RowPlan,
  options: { readonly cascade: boolean; readonly restartIdentity: boolean },
): void {
  writeStart(out, CHANGE, place);
  out.put(plan.heads.truncate);
  out.put(NO_KEY);
  writeMiddle(out, place);
  out.json(`,"options":{"cascade":${options.cascade},"restart_identity":${options.restartIdentity}}}`);
}

/** Kind, id, time and, where it is known, who: the beginning of every record inside a transaction. */
export function writeStart(out: RecordBuffer, kind: Buffer, place: Place): void {
  out.put(kind);
  out.put(place.transaction.id);
  out.integer(place.index);
  out.put(place.transaction.time);
  place.actorHole = out.length;
  if (place.attribution !== null) out.put(place.attribution.actor);
}

/** Outcome, session and connection, transaction. */
export function writeMiddle(out: RecordBuffer, place: Place): void {
  out.put(OUTCOME);
  place.contextHole = out.length;
  if (place.attribution !== null) out.put(place.attribution.context);
  writeTransaction(out, place);
}

export function writeTransaction(out: RecordBuffer, place: Place): void {
  out.put(place.transaction.transaction);
  out.integer(place.index);
  out.put(place.transaction.end);
}

/** The first of the keys that is known as a whole, else the first of which a part is. Ends the target object too. */
function writeKey(
  out: RecordBuffer,
  keys: readonly (readonly ColumnPlan[])[],
  change: RowChange,
  context: ValueContext,
): void {
  for (let i = 0; i < keys.length; i++) if (writeKeyColumns(out, keys[i]!, true, change, context)) return;
  for (let i = 0; i < keys.length; i++) if (writeKeyColumns(out, keys[i]!, false, change, context)) return;
  out.put(NO_KEY);
}

/** False, and nothing is written, where none of the columns is known; with `whole`, where not all are. */
function writeKeyColumns(
  out: RecordBuffer,
  key: readonly ColumnPlan[],
  whole: boolean,
  change: RowChange,
  context: ValueContext,
): boolean {
  const at = out.length;
  const marks = context.encoded.length;
  for (let i = 0; i < key.length; i++) {
    const column = key[i]!;
    const row = keyRow(column, change);
    if (row === null) {
      if (!whole) continue;
      out.length = at;
      context.encoded.length = marks;
      return false;
    }
    out.put(column.member);
    const encoded = writeCell(out, column, row, context);
    if (encoded !== null) context.encoded.push(`/target/key${column.pointer}`, encoded);
  }
  if (out.length === at) return false;
  out.bytes[at] = OPEN_BRACE;
  out.byte(CLOSE_BRACE);
  out.byte(CLOSE_BRACE);
  return true;
}

/** The row that has this column of the key as it was before; null: it was not sent. */
function keyRow(column: ColumnPlan, { action, before, after }: RowChange): RowImage | null {
  // Where no old row was sent, the identity is unchanged.
  const isAfter = before === null && (action === 'insert' || column.identity);
  const row = isAfter ? after : before;
  return holds(row, column.ordinal) ? row : null;
}

function holds(row: RowImage | null, ordinal: number): row is RowImage {
  if (row === null) return false;
  const kind = row.kinds[ordinal]!;
  return kind !== ABSENT && kind !== UNCHANGED;
}

/** Pairs of JSON Pointer and kind. */
function writeEncoded(out: RecordBuffer, encoded: readonly string[]): void {
  let text = '';
  for (let i = 0; i < encoded.length; i += 2) text += `,${JSON.stringify(encoded[i])}:"${encoded[i + 1]}"`;
  out.json(`,"encoded":{${text.slice(1)}}`);
}
