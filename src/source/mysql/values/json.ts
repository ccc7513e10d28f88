/**
 * MySQL's binary JSON (mysql-server: "json_binary.h", where the format is described) as the text that the server
 * prints for it. Each offset is checked against its container; depth and work are bounded, so that a document that
 * points into itself ends.
 */
import { isUtf8 } from 'node:buffer';
import { RAW } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { type CellText, within } from '../text/cell-text.ts';
import { lengthAt } from './cells-bytes.ts';
import { putJsonDouble } from './cells-float.ts';
import { putInteger, putSigned64, putUnsigned64, u32At } from './cells-integer.ts';
import type { ReadCell } from './column.ts';
import { putJsonString, putOpaque } from './json-scalars.ts';

export const JSON_TYPE = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

/** The server's own bound (JSON_DOCUMENT_MAX_DEPTH). */
export const MAX_DEPTH = 100;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;
const LITERALS = ['null', 'true', 'false'];

/** A container's header, read and checked. */
export interface Container {
  readonly isObject: boolean;
  readonly large: boolean;
  readonly count: number;
  /** Offsets count from here. */
  readonly start: number;
  readonly end: number;
  readonly keys: number;
  readonly values: number;
}

/** What may still be visited. */
let budget = 0;
/** All bytes of text since `allow`, or-ed. */
let seen = 0;

export function jsonReader(lengthBytes: number): ReadCell {
  if (lengthBytes < 1 || lengthBytes > 4) throw broken(`a length of ${lengthBytes} bytes`);
  return (source, at, limit, out) => {
    const start = within(at, lengthBytes, limit);
    const end = within(start, lengthAt(source, at, lengthBytes), limit);
    const from = out.length;
    putDocument(out, source, start, end);
    settleJson(out, from, source, start, end);
    return end;
  };
}

/** Strings in JSON are utf8mb4; where they are not, the document's bytes are all that can be told. */
export function settleJson(out: CellText, from: number, source: Buffer, start: number, end: number): void {
  if (seen < 0x80 || isUtf8(out.bytes.subarray(from, out.length))) return;
  out.length = from;
  out.copy(source, start, end);
  out.kind = RAW;
}

/** Writes the document in `source[start, end)`: a byte of type, then the value. No bytes at all mean null. */
export function putDocument(out: CellText, source: Buffer, start: number, end: number): void {
  allow(end - start);
  if (start === end) out.ascii('null');
  else putValue(out, source, source[start]!, start + 1, end, 0);
}

/** Sets how much may be visited from here on: every entry and every byte of text is in a document once. */
export function allow(bytes: number): void {
  budget = bytes + 1;
  seen = 0;
}

/** Writes the value of that type at `at`, which is in `depth` containers. */
export function putValue(
  out: CellText,
  source: Buffer,
  type: number,
  at: number,
  end: number,
  depth: number,
): void {
  switch (type) {
    case JSON_TYPE.smallObject:
    case JSON_TYPE.largeObject:
    case JSON_TYPE.smallArray:
    case JSON_TYPE.largeArray:
      putContainer(out, source, type, at, end, depth + 1);
      return;
    case JSON_TYPE.literal:
      within(at, 1, end);
      out.ascii(literal(source[at]!));
      return;
    case JSON_TYPE.int16:
      within(at, 2, end);
      putInteger(out, (u16At(source, at) << 16) >> 16);
      return;
    case JSON_TYPE.uint16:
      within(at, 2, end);
      putInteger(out, u16At(source, at));
      return;
    case JSON_TYPE.int32:
      within(at, 4, end);
      putInteger(out, u32At(source, at) | 0);
      return;
    case JSON_TYPE.uint32:
      within(at, 4, end);
      putInteger(out, u32At(source, at));
      return;
    case JSON_TYPE.int64:
      within(at, 8, end);
      putSigned64(out, u32At(source, at + 4), u32At(source, at));
      return;
    case JSON_TYPE.uint64:
      within(at, 8, end);
      putUnsigned64(out, u32At(source, at + 4), u32At(source, at));
      return;
    case JSON_TYPE.double:
      within(at, 8, end);
      putJsonDouble(out, source.readDoubleLE(at));
      return;
    case JSON_TYPE.string:
      putText(out, source, at, end);
      return;
    case JSON_TYPE.opaque: {
      const start = variableLength(source, within(at, 1, end), end);
      const stop = within(start, variable, end);
      spend(stop - start);
      seen |= putOpaque(out, source[at]!, source, start, stop);
      return;
    }
    default:
      throw broken(`a JSON value of type ${type}`);
  }
}

function putContainer(
  out: CellText,
  source: Buffer,
  type: number,
  at: number,
  end: number,
  depth: number,
): void {
  if (depth > MAX_DEPTH) throw broken('a JSON document that is too deep');
  const { isObject, large, count, keys, values, start, end: stop } = openContainer(source, type, at, end);
  const keyWidth = large ? 6 : 4;
  const valueWidth = large ? 5 : 3;
  out.byte(isObject ? 0x7b : 0x5b);
  for (let i = 0; i < count; i++) {
    spend(1);
    if (i > 0) putTwo(out, COMMA);
    if (isObject) {
      const key = keys + i * keyWidth;
      const keyAt = within(start, offsetAt(source, key, large), stop);
      const keyEnd = within(keyAt, u16At(source, key + keyWidth - 2), stop);
      spend(keyEnd - keyAt);
      seen |= putJsonString(out, source, keyAt, keyEnd);
      putTwo(out, COLON);
    }
    const entry = values + i * valueWidth;
    const kind = source[entry]!;
    const valueAt = isInlined(kind, large) ? entry + 1 : start + offsetAt(source, entry + 1, large);
    if (valueAt >= stop) throw broken('a JSON value outside of its document');
    putValue(out, source, kind, valueAt, stop, depth);
  }
  out.byte(isObject ? 0x7d : 0x5d);
}

function putTwo(out: CellText, sign: number): void {
  out.ensure(2);
  out.bytes[out.length++] = sign;
  out.bytes[out.length++] = SPACE;
}

/** Reads a container's header at `at` (behind the type) and checks that its entries are there. */
export function openContainer(source: Buffer, type: number, at: number, end: number): Container {
  const large = type === JSON_TYPE.largeObject || type === JSON_TYPE.largeArray;
  const isObject = type === JSON_TYPE.smallObject || type === JSON_TYPE.largeObject;
  const width = large ? 4 : 2;
  const keys = within(at, 2 * width, end);
  const count = offsetAt(source, at, large);
  const stop = within(at, offsetAt(source, at + width, large), end);
  const values = isObject ? within(keys, count * (width + 2), stop) : keys;
  within(values, count * (width + 1), stop);
  return { isObject, large, count, start: at, end: stop, keys, values };
}

export function isInlined(type: number, large: boolean): boolean {
  return (
    (type >= JSON_TYPE.literal && type <= JSON_TYPE.uint16) ||
    (large && (type === JSON_TYPE.int32 || type === JSON_TYPE.uint32))
  );
}

export function offsetAt(source: Buffer, at: number, large: boolean): number {
  return large ? u32At(source, at) : u16At(source, at);
}

function u16At(source: Buffer, at: number): number {
  return source[at]! | (source[at + 1]! << 8);
}

function putText(out: CellText, source: Buffer, at: number, end: number): void {
  const start = variableLength(source, at, end);
  const stop = within(start, variable, end);
  spend(stop - start);
  seen |= putJsonString(out, source, start, stop);
}

/** The length that `variableLength` read last. */
let variable = 0;

/** Seven bits a byte, the lowest first, at most five bytes. Returns where it ended. */
function variableLength(source: Buffer, at: number, end: number): number {
  variable = 0;
  for (let i = 0, scale = 1; i < 5; i++, scale *= 128) {
    within(at, i + 1, end);
    const byte = source[at + i]!;
    variable += (byte & 0x7f) * scale;
    if (byte < 0x80) return at + i + 1;
  }
  throw broken('a JSON value of no length');
}

function literal(value: number): string {
  const text = LITERALS[value];
  if (text === undefined) throw broken(`a JSON literal ${value}`);
  return text;
}

function spend(work: number): void {
  budget -= work;
  if (budget < 0) throw broken('a JSON document that points into itself');
}
