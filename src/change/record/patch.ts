/**
 * The RFC 6902 patch of one row change, from the row before to the row after. Columns are compared by their
 * bytes. Every replace and remove stands behind a test wherever the old value was sent, so that a full image
 * reverses. It must never invent an old value, nor turn what was not sent into null.
 */
import type { RecordBuffer } from '../buffer.ts';
import { ABSENT, type CellKind, NULL, type RowImage, TEXT, UNCHANGED } from '../change.ts';
import type { Policy } from '../policy/policy.ts';
import { writeRedacted } from '../policy/redact.ts';
import type { ColumnPlan, RowPlan } from '../policy/row-plan.ts';
import { jsonDiff, MAX_DIFF_BYTES } from '../values/json-diff.ts';
import type { Encoded } from '../values/plan.ts';
import { writeValue } from '../values/values.ts';

export type RowAction = 'insert' | 'update' | 'delete';

/** What the database gave: see FORMAT.md. */
export type Image = 'full' | 'key' | 'changed';

/** What a writer of values needs beside the row. `encoded` gathers pointer, kind, pointer, kind… of one record. */
export interface ValueContext {
  maxValueBytes: number;
  readonly hmac: Policy['hmac'];
  readonly encoded: string[];
}

const NULL_TEXT = Buffer.from('null');
const ADD_ROW = Buffer.from('{"op":"add","path":"","value":');
const TEST_ROW = Buffer.from('{"op":"test","path":"","value":');
const REPLACE_ROW = Buffer.from(',{"op":"replace","path":"","value":');
const REMOVE_ROW = Buffer.from(',{"op":"remove","path":""}');
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Which image the two rows amount to. */
export function imageOf(
  action: RowAction,
  plan: RowPlan,
  before: RowImage | null,
  beforeIsKey: boolean,
  after: RowImage | null,
): Image {
  if (after !== null && lacks(plan, after, false)) return 'changed';
  if (action === 'insert') return 'full';
  if (before === null || beforeIsKey) return 'key';
  return lacks(plan, before, true) ? 'changed' : 'full';
}

/** Writes the whole array. `before` and `after` as the ChangeHandler's row got them. */
export function writePatch(
  out: RecordBuffer,
  action: RowAction,
  plan: RowPlan,
  image: Image,
  before: RowImage | null,
  after: RowImage | null,
  context: ValueContext,
): void {
  switch (action) {
    case 'insert':
      out.byte(OPEN_BRACKET);
      out.put(ADD_ROW);
      writeRow(out, plan.columns, after!, null, '/patch/0/value', context);
      out.byte(CLOSE_BRACE);
      break;
    case 'delete':
      writeDelete(out, plan, image, before, context);
      break;
    case 'update':
      if (plan.key === null && image === 'full') writeWholeUpdate(out, plan, before!, after!, context);
      else writeUpdate(out, plan, before, after!, context);
      break;
    default:
      action satisfies never;
  }
  out.byte(CLOSE_BRACKET);
}

/** An object of the cells that were sent; what did not change is taken from `old`, where there is one. */
function writeRow(
  out: RecordBuffer,
  columns: readonly ColumnPlan[],
  row: RowImage,
  old: RowImage | null,
  pointer: string,
  context: ValueContext,
): void {
  const at = out.length;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!;
    const kind = row.kinds[column.ordinal]!;
    if (kind === ABSENT || (kind === UNCHANGED && old === null)) continue;
    out.put(column.member);
    const encoded = writeCell(out, column, kind === UNCHANGED ? old! : row, context);
    if (encoded !== null) context.encoded.push(pointer + column.pointer, encoded);
  }
  if (out.length === at) out.byte(OPEN_BRACE);
  else out.bytes[at] = OPEN_BRACE;
  out.byte(CLOSE_BRACE);
}

/** Writes a cell of kind NULL, TEXT or RAW. */
export function writeCell(
  out: RecordBuffer,
  column: ColumnPlan,
  row: RowImage,
  context: ValueContext,
): Encoded {
  const i = column.ordinal;
  const kind = row.kinds[i] as CellKind;
  const start = row.starts[i]!;
  const end = row.ends[i]!;
  if (column.redaction !== null) {
    return writeRedacted(out, column.redaction, context.hmac, column.value, kind, row.bytes, start, end);
  }
  if (kind === NULL) {
    out.put(NULL_TEXT);
    return null;
  }
  return writeValue(out, column.value, kind, row.bytes, start, end, context.maxValueBytes);
}

function lacks(plan: RowPlan, row: RowImage, unchangedToo: boolean): boolean {
  for (const column of plan.columns) {
    const kind = row.kinds[column.ordinal]!;
    if (kind === ABSENT || (unchangedToo && kind === UNCHANGED)) return true;
  }
  return false;
}

function writeDelete(
  out: RecordBuffer,
  plan: RowPlan,
  image: Image,
  before: RowImage | null,
  context: ValueContext,
) {
  const at = out.length;
  if (image === 'full') {
    out.byte(OPEN_BRACKET);
    out.put(TEST_ROW);
    writeRow(out, plan.columns, before!, null, '/patch/0/value', context);
    out.byte(CLOSE_BRACE);
    out.put(REMOVE_ROW);
    return;
  }
  let count = 0;
  if (before !== null) {
    for (const column of plan.columns) {
      const kind = before.kinds[column.ordinal]!;
      if (kind !== ABSENT && kind !== UNCHANGED)
        writeOperation(out, column.test, column, before, count++, context);
    }
  }
  out.put(REMOVE_ROW);
  out.bytes[at] = OPEN_BRACKET;
}

/** Without a key nothing but the whole row says which one it was. */
function writeWholeUpdate(
  out: RecordBuffer,
  { columns }: RowPlan,
  before: RowImage,
  after: RowImage,
  context: ValueContext,
): void {
  out.byte(OPEN_BRACKET);
  out.put(TEST_ROW);
  writeRow(out, columns, before, null, '/patch/0/value', context);
  out.byte(CLOSE_BRACE);
  out.put(REPLACE_ROW);
  writeRow(out, columns, after, before, '/patch/1/value', context);
  out.byte(CLOSE_BRACE);
}

function writeUpdate(
  out: RecordBuffer,
  plan: RowPlan,
  before: RowImage | null,
  after: RowImage,
  context: ValueContext,
) {
  const at = out.length;
  const { columns } = plan;
  let count = 0;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!;
    const ordinal = column.ordinal;
    const now = after.kinds[ordinal]!;
    if (now === ABSENT || now === UNCHANGED) continue;
    const old = before === null ? ABSENT : before.kinds[ordinal]!;
    if (old === ABSENT || old === UNCHANGED) {
      // Not sent. A key column that was not sent did not change; of the others only the new value is known.
      if (!column.identity) writeOperation(out, column.replace, column, after, count++, context);
    } else if (!sameCell(before!, after, ordinal)) {
      count += writeReplacement(out, column, before!, after, count, context);
    }
  }
  if (count === 0) out.byte(OPEN_BRACKET);
  else out.bytes[at] = OPEN_BRACKET;
}

/** Test and replace of one column, or of what changed inside it; returns the number of operations. */
function writeReplacement(
  out: RecordBuffer,
  column: ColumnPlan,
  before: RowImage,
  after: RowImage,
  count: number,
  context: ValueContext,
): number {
  const start = out.length;
  const marks = context.encoded.length;
  writeOperation(out, column.test, column, before, count, context);
  writeOperation(out, column.replace, column, after, count + 1, context);
  if (!column.nested || context.encoded.length !== marks) return 2;
  const old = nestedText(column, before);
  const now = nestedText(column, after);
  if (old === null || now === null) return 2;
  const diff = jsonDiff(old, now, column.pointer, out.length - start);
  if (diff === null) return 2;
  const whole = out.length;
  out.length = start;
  out.json(diff.text);
  if (out.length <= whole) return diff.count;
  out.length = start;
  writeOperation(out, column.test, column, before, count, context);
  writeOperation(out, column.replace, column, after, count + 1, context);
  return 2;
}

function nestedText(column: ColumnPlan, row: RowImage): string | null {
  const i = column.ordinal;
  const start = row.starts[i]!;
  const end = row.ends[i]!;
  if (row.kinds[i] !== TEXT || end - start > MAX_DIFF_BYTES) return null;
  return row.bytes.toString('utf8', start, end);
}

/** `head` is the column's test or replace; `index` this operation's place in the patch. */
function writeOperation(
  out: RecordBuffer,
  head: Buffer,
  column: ColumnPlan,
  row: RowImage,
  index: number,
  context: ValueContext,
): void {
  out.put(head);
  const encoded = writeCell(out, column, row, context);
  if (encoded !== null) context.encoded.push(`/patch/${index}/value`, encoded);
  out.byte(CLOSE_BRACE);
}

function sameCell(before: RowImage, after: RowImage, i: number): boolean {
  if (before.kinds[i] !== after.kinds[i]) return false;
  if (before.kinds[i] === NULL) return true;
  const from = before.starts[i]!;
  const start = after.starts[i]!;
  const size = after.ends[i]! - start;
  if (before.ends[i]! - from !== size) return false;
  const old = before.bytes;
  const now = after.bytes;
  if (size > 64) return old.compare(now, start, start + size, from, from + size) === 0;
  for (let k = 0; k < size; k++) if (old[from + k] !== now[start + k]) return false;
  return true;
}
