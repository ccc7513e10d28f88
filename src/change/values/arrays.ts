/**
 * Postgres array literals as JSON arrays (PostgreSQL manual, Arrays, Array Input and Output Syntax).
 * What is not such a literal, has bounds of its own (`[2:4]={…}`), or an element that is JSON's null (SQL's would look
 * the same) stays a string: the server's text.
 * It must never guess: a literal that does not read to its last byte is a string.
 */
import { RecordBuffer } from '../buffer.ts';
import { type Encoded, JSON_TEXT, JSON_TRUSTED, type ValuePlan } from './plan.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const NULL_TEXT = Buffer.from('null');
/** Postgres allows 6 (MAXDIM). */
const MAX_DIMENSIONS = 16;

const MALFORMED = -1;
/** An element is JSON that is not I-JSON: then the whole array is kept as text, and marked so. */
const NOT_I_JSON = -2;

/** One element without its quotes and backslashes. Synchronous use only. */
const unescaped = new RecordBuffer(256);

/** Writes one element's text; says how it is encoded where it is not itself. */
type ElementWriter = (
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
) => Encoded;

export function writeArray(
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
  writeElement: ElementWriter,
): Encoded {
  const from = out.length;
  const read = source[start] === OPEN ? dimension(out, plan, source, start, end, 1, writeElement) : MALFORMED;
  if (read === end) return null;
  out.length = from;
  out.string(source, start, end);
  return read === NOT_I_JSON ? 'json' : null;
}

/** Writes from the brace at `start`; returns where it ended, or one of the two failures. */
function dimension(
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
  depth: number,
  writeElement: ElementWriter,
): number {
  if (depth > MAX_DIMENSIONS) return MALFORMED;
  out.byte(0x5b);
  let at = start + 1;
  if (at < end && source[at] === CLOSE) {
    out.byte(0x5d);
    return at + 1;
  }
  for (;;) {
    if (at >= end) return MALFORMED;
    const first = source[at]!;
    if (first === OPEN) at = dimension(out, plan, source, at, end, depth + 1, writeElement);
    else if (first === QUOTE) at = quoted(out, plan, source, at, end, writeElement);
    else at = bare(out, plan, source, at, end, writeElement);
    if (at < 0 || at >= end) return at < 0 ? at : MALFORMED;
    const after = source[at++]!;
    if (after === CLOSE) {
      out.byte(0x5d);
      return at;
    }
    if (after !== plan.delimiter) return MALFORMED;
    out.byte(COMMA);
  }
}

function quoted(
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
  writeElement: ElementWriter,
): number {
  unescaped.reset();
  unescaped.ensure(end - start);
  let at = start + 1;
  let escapes = false;
  for (; at < end && source[at] !== QUOTE; at++) {
    if (source[at] === BACKSLASH) {
      escapes = true;
      at++;
    }
    if (at < end) unescaped.bytes[unescaped.length++] = source[at]!;
  }
  if (at >= end) return MALFORMED;
  const failed = escapes
    ? element(out, plan.element!, unescaped.bytes, 0, unescaped.length, writeElement)
    : element(out, plan.element!, source, start + 1, at, writeElement);
  return failed ?? at + 1;
}

function bare(
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
  writeElement: ElementWriter,
): number {
  let at = start;
  while (at < end && source[at] !== plan.delimiter && source[at] !== CLOSE) {
    // array_out quotes elements with any of these in them.
    if (source[at] === OPEN || source[at] === QUOTE || source[at] === BACKSLASH) return MALFORMED;
    at++;
  }
  if (at === start) return MALFORMED;
  if (isNull(source, start, at)) {
    out.put(NULL_TEXT);
    return at;
  }
  return element(out, plan.element!, source, start, at, writeElement) ?? at;
}

/** Null where it was written as itself. */
function element(
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
  writeElement: ElementWriter,
): typeof MALFORMED | typeof NOT_I_JSON | null {
  const isJson = plan.code === JSON_TEXT || plan.code === JSON_TRUSTED;
  if (isJson && isJsonNull(source, start, end)) return MALFORMED;
  return writeElement(out, plan, source, start, end) === null ? null : NOT_I_JSON;
}

/** Of what the server took for JSON: nothing else begins with this letter. */
function isJsonNull(source: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end && source[at]! <= 0x20) at++;
  return at < end && source[at] === 0x6e;
}

/** Unquoted NULL is null; the word as a value is quoted. */
function isNull(source: Buffer, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    source[start] === 0x4e &&
    source[start + 1] === 0x55 &&
    source[start + 2] === 0x4c &&
    source[start + 3] === 0x4c
  );
}
