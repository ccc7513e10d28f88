/**
 * A cell's text as JSON, by its column's encoding (FORMAT.md section 12). Digits are copied,
 * never read: nothing passes through a JavaScript number. Where the value in the record is not the value
 * itself, the writer says how it is encoded; the caller must record that under `encoded`.
 */
import { hash } from 'node:crypto';
import type { RecordBuffer } from '../buffer.ts';
import { type CellKind, RAW } from '../change.ts';
import { writeArray } from './arrays.ts';
import { inDoubleRange, MAX_JSON_DEPTH, parseJsonTree } from './json-tree.ts';
import {
  ARRAY,
  BINARY,
  BOOLEAN,
  type Encoded,
  FLOAT,
  JSON_TEXT,
  JSON_TRUSTED,
  NUMBER,
  PLAIN,
  type ValuePlan,
} from './plan.ts';

const QUOTE = 0x22;
const LETTER_N = 0x6e;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
/** JSON's null as a whole value: SQL's looks the same (FORMAT.md section 12). */
const JSON_NULL = Buffer.from('"null"');
const HEX_START = Buffer.from('"\\\\x');

/**
 * Writes the cell at `[start, end)` of `source`, which is TEXT or RAW. Cells over `maxBytes` become the
 * SHA-256 of exactly those bytes (the server's text as delivered, before JSON) and their number.
 */
export function writeValue(
  out: RecordBuffer,
  plan: ValuePlan,
  kind: CellKind,
  source: Buffer,
  start: number,
  end: number,
  maxBytes: number,
): Encoded {
  if (end - start > maxBytes) return writeDigest(out, source, start, end);
  if (kind === RAW) return writeRaw(out, source, start, end);
  return writeText(out, plan, source, start, end);
}

/** As writeValue, for text that is valid UTF-8 and within bounds. Array elements come here too. */
export function writeText(
  out: RecordBuffer,
  plan: ValuePlan,
  source: Buffer,
  start: number,
  end: number,
): Encoded {
  switch (plan.code) {
    case NUMBER:
      out.copy(source, start, end);
      return null;
    case PLAIN:
      out.byte(QUOTE);
      out.copy(source, start, end);
      out.byte(QUOTE);
      return null;
    case BOOLEAN:
      out.put(source[start] === 0x74 ? TRUE : FALSE);
      return null;
    case FLOAT:
      return writeFloat(out, source, start, end);
    case BINARY:
      return writeBinary(out, source, start, end);
    case JSON_TEXT:
      return writeJson(out, source, start, end);
    case JSON_TRUSTED:
      // No other JSON begins with this letter.
      if (source[start] === LETTER_N) return writeJsonNull(out);
      if (!trustedFits(source, start, end)) return writeNotIJson(out, source, start, end);
      writeJsonTokens(out, source, start, end);
      return null;
    case ARRAY:
      return writeArray(out, plan, source, start, end, writeText);
    default:
      out.string(source, start, end);
      return null;
  }
}

/** NaN, Infinity and -Infinity have no JSON number: the server's own word as a string. */
function writeFloat(out: RecordBuffer, source: Buffer, start: number, end: number): null {
  const last = source[end - 1]!;
  if (last >= 0x30 && last <= 0x39) out.copy(source, start, end);
  else out.string(source, start, end);
  return null;
}

/** The server's text is `\x…` already; its backslash is all that JSON escapes. */
function writeBinary(out: RecordBuffer, source: Buffer, start: number, end: number): null {
  out.put(HEX_START);
  out.copy(source, start + 2, end);
  out.byte(QUOTE);
  return null;
}

function writeDigest(out: RecordBuffer, source: Buffer, start: number, end: number): 'sha256' {
  out.json(`"${hash('sha256', source.subarray(start, end), 'hex')}:${end - start}"`);
  return 'sha256';
}

function writeRaw(out: RecordBuffer, source: Buffer, start: number, end: number): 'bytes' {
  out.put(HEX_START);
  out.hex(source, start, end);
  out.byte(QUOTE);
  return 'bytes';
}

function writeJson(out: RecordBuffer, source: Buffer, start: number, end: number): Encoded {
  const tree = parseJsonTree(source.toString('utf8', start, end));
  if (tree === 'null') return writeJsonNull(out);
  if (tree === undefined) return writeNotIJson(out, source, start, end);
  writeJsonTokens(out, source, start, end);
  return null;
}

function writeJsonNull(out: RecordBuffer): 'json' {
  out.put(JSON_NULL);
  return 'json';
}

function writeNotIJson(out: RecordBuffer, source: Buffer, start: number, end: number): 'json' {
  out.string(source, start, end);
  return 'json';
}

/** Inside strings JSON escapes line breaks, so each one that is met stands between tokens. */
function writeJsonTokens(out: RecordBuffer, source: Buffer, start: number, end: number): void {
  const at = out.length;
  out.copy(source, start, end);
  const { bytes, length } = out;
  for (let i = at; i < length; i++) {
    const value = bytes[i]!;
    if (value === 0x0a || value === 0x0d) bytes[i] = 0x20;
  }
}

/** What the server's own JSON type guarantees is not checked again: only depth and the range of numbers. */
function trustedFits(source: Buffer, start: number, end: number): boolean {
  let depth = 0;
  for (let i = start; i < end; i++) {
    const value = source[i]!;
    if (value === QUOTE) {
      for (i++; i < end && source[i] !== QUOTE; i++) if (source[i] === 0x5c) i++;
    } else if (value === 0x7b || value === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return false;
    } else if (value === 0x7d || value === 0x5d) depth--;
    else if (value === 0x2d || (value >= 0x30 && value <= 0x39)) {
      const from = i;
      let exponent = false;
      for (; i < end && isNumberByte(source[i]!); i++) if ((source[i]! | 0x20) === 0x65) exponent = true;
      if ((exponent || i - from > 300) && !inDoubleRange(source.toString('latin1', from, i))) return false;
      i--;
    }
  }
  return true;
}

function isNumberByte(value: number): boolean {
  return (
    (value >= 0x30 && value <= 0x39) ||
    value === 0x2e ||
    value === 0x2d ||
    value === 0x2b ||
    (value | 0x20) === 0x65
  );
}
