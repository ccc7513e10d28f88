/**
 * Strings of JSON, and the values that only MySQL's JSON has: decimals, dates and times, and other types' bytes as
 * `base64:type<n>:…`. As the server prints them.
 */
import { broken } from '../bytes/broken.ts';
import type { CellText } from '../text/cell-text.ts';
import { putDigits, u32At } from './cells-integer.ts';
import { TYPE } from './cells-types.ts';
import { decimalSize, putDecimal } from './decimal.ts';
import { putClock, putFraction, putYearMonthDay } from './temporal.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from('0123456789abcdef');
/** What follows the backslash; 1: `u00xx`; 0: nothing to escape. */
const ESCAPES = escapeTable();
const SHORT_BYTES = 64;
/** Room is made for so many bytes at a time. */
const CHUNK_BYTES = 8192;
/** The server breaks base64 into lines of so many characters. */
const BASE64_LINE = 76;

/** Returns all bytes or-ed together: below 128 where the text is ASCII. */
export function putJsonString(out: CellText, source: Buffer, start: number, end: number): number {
  if (end - start <= SHORT_BYTES) return putShort(out, source, start, end);
  let seen = 0;
  out.byte(QUOTE);
  for (let from = start; from < end; from += CHUNK_BYTES) {
    seen |= putEscaped(out, source, from, Math.min(end, from + CHUNK_BYTES));
  }
  out.byte(QUOTE);
  return seen;
}

/** Names and most values: copied as they are as long as nothing is to be escaped. */
function putShort(out: CellText, source: Buffer, start: number, end: number): number {
  out.ensure((end - start) * 6 + 2);
  const bytes = out.bytes;
  let at = out.length;
  let seen = 0;
  bytes[at++] = QUOTE;
  for (let i = start; i < end; i++) {
    const value = source[i]!;
    if (ESCAPES[value] !== 0) {
      out.length = at;
      seen |= putEscaped(out, source, i, end);
      at = out.length;
      break;
    }
    seen |= value;
    bytes[at++] = value;
  }
  bytes[at++] = QUOTE;
  out.length = at;
  return seen;
}

function putEscaped(out: CellText, source: Buffer, start: number, end: number): number {
  out.ensure((end - start) * 6);
  const bytes = out.bytes;
  let at = out.length;
  let seen = 0;
  for (let i = start; i < end; i++) {
    const value = source[i]!;
    seen |= value;
    const letter = ESCAPES[value]!;
    if (letter === 0) {
      bytes[at++] = value;
      continue;
    }
    bytes[at++] = BACKSLASH;
    if (letter !== 1) {
      bytes[at++] = letter;
      continue;
    }
    bytes[at++] = 0x75;
    bytes[at++] = 48;
    bytes[at++] = 48;
    bytes[at++] = HEX[value >> 4]!;
    bytes[at++] = HEX[value & 15]!;
  }
  out.length = at;
  return seen;
}

/** A value of a column type in `source[start, end)`. Returns as putJsonString does. */
export function putOpaque(out: CellText, type: number, source: Buffer, start: number, end: number): number {
  switch (type) {
    case TYPE.newdecimal:
      putOpaqueDecimal(out, source, start, end);
      return 0;
    case TYPE.date:
    case TYPE.time:
    case TYPE.datetime:
    case TYPE.timestamp:
      if (end - start !== 8) throw broken(`${end - start} bytes of a time inside JSON`);
      putOpaqueTime(out, type, u32At(source, start + 4) | 0, u32At(source, start));
      return 0;
    case TYPE.varString:
      return putJsonString(out, source, start, end);
    default:
      putOpaqueBytes(out, type, source, start, end);
      return 0;
  }
}

function putOpaqueDecimal(out: CellText, source: Buffer, start: number, end: number): void {
  if (end - start < 3) throw broken('a DECIMAL inside JSON is cut short');
  const precision = source[start]!;
  const scale = source[start + 1]!;
  if (decimalSize(precision, scale) !== end - start - 2)
    throw broken('a DECIMAL of another size inside JSON');
  putDecimal(out, source, start + 2, precision, scale);
}

/** MySQL's packed time: 24 bits of microseconds, above them the clock, above that (5 bits day) the date. */
function putOpaqueTime(out: CellText, type: number, high: number, low: number): void {
  out.ensure(48);
  const bytes = out.bytes;
  bytes[out.length++] = QUOTE;
  const packed = high * 0x1_0000_0000 + low;
  const negative = high < 0;
  // Only times are negative, and they fit 2^53; dates are below 2^62, so they are taken apart by halves.
  if (type === TYPE.time) {
    const size = Math.abs(packed);
    if (negative) bytes[out.length++] = 0x2d;
    const whole = Math.floor(size / 0x100_0000);
    putClock(out, (whole >> 12) & 1023, (whole >> 6) & 63, whole & 63);
    putFraction(out, size - whole * 0x100_0000, 6);
  } else {
    if (negative) throw broken('a negative date inside JSON');
    const clock = ((high & 0x1ff) << 8) | (low >>> 24);
    putYearMonthDay(out, high >>> 9);
    if (type !== TYPE.date) {
      bytes[out.length++] = 0x20;
      putClock(out, clock >> 12, (clock >> 6) & 63, clock & 63);
      putFraction(out, low & 0xff_ffff, 6);
    }
  }
  bytes[out.length++] = QUOTE;
}

function putOpaqueBytes(out: CellText, type: number, source: Buffer, start: number, end: number): void {
  out.ascii('"base64:type');
  out.ensure(3);
  putDigits(out, type, type > 99 ? 3 : type > 9 ? 2 : 1);
  out.ascii(':');
  const text = source.toString('base64', start, end);
  for (let at = 0; at < text.length; at += BASE64_LINE) {
    if (at > 0) out.ascii('\\n');
    out.ascii(text.slice(at, at + BASE64_LINE));
  }
  out.ascii('"');
}

function escapeTable(): Uint8Array {
  const table = new Uint8Array(256);
  table.fill(1, 0, 0x20);
  for (const [value, letter] of ['\bb', '\ff', '\nn', '\rr', '\tt', '""', '\\\\']) {
    table[value!.charCodeAt(0)] = letter!.charCodeAt(0);
  }
  return table;
}
