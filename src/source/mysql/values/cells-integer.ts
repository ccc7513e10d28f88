/**
 * Integers of all widths (MySQL internals: "Binary log: rows events", little-endian two's complement) as decimal
 * text, written digit by digit: no value above 2^53 ever becomes a JavaScript number.
 */
import { type CellText, within } from '../text/cell-text.ts';
import type { ReadCell } from './column.ts';

const MINUS = 0x2d;

/** TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT by their width in bytes. */
export function integerReader(width: 1 | 2 | 3 | 4 | 8, unsigned: boolean): ReadCell {
  if (width === 8) return unsigned ? readBigUnsigned : readBig;
  const shift = 32 - 8 * width;
  return (source, at, limit, out) => {
    const end = within(at, width, limit);
    let value = 0;
    for (let i = end - 1; i >= at; i--) value = (value << 8) | source[i]!;
    putInteger(out, unsigned ? value >>> 0 : (value << shift) >> shift);
    return end;
  };
}

/** 1901 to 2155 in one byte, and 0. */
export const readYear: ReadCell = (source, at, limit, out) => {
  const end = within(at, 1, limit);
  const value = source[at]!;
  if (value === 0) out.ascii('0');
  else putInteger(out, 1900 + value);
  return end;
};

/** A safe integer. */
export function putInteger(out: CellText, value: number): void {
  out.ensure(17);
  let rest = value;
  if (value < 0) {
    out.bytes[out.length++] = MINUS;
    rest = -value;
  }
  putDigits(out, rest, countDigits(rest));
}

/** The last `digits` digits of a non-negative safe integer, with leading zeros; room must be there. */
export function putDigits(out: CellText, value: number, digits: number): void {
  const bytes = out.bytes;
  const start = out.length;
  let rest = value;
  let at = start + digits - 1;
  for (; rest > 0x7fffffff && at >= start; at--) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  for (; at >= start; at--) {
    const tenth = (small / 10) | 0;
    bytes[at] = 48 + (small - tenth * 10);
    small = tenth;
  }
  out.length = start + digits;
}

function countDigits(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound && digits < 16; bound *= 10) digits++;
  return digits;
}

/** A 64-bit integer of two halves. */
export function putUnsigned64(out: CellText, high: number, low: number): void {
  if (high < 0x200000) {
    putInteger(out, high * 0x1_0000_0000 + low);
    return;
  }
  // Long division of four 16-bit limbs by 10^4, four digits a turn.
  out.ensure(20);
  let a = high >>> 16;
  let b = high & 0xffff;
  let c = low >>> 16;
  let d = low & 0xffff;
  let digits = 20;
  const bytes = out.bytes;
  const start = out.length;
  while (digits > 0) {
    let part = a;
    a = (part / 10000) | 0;
    part = (part - a * 10000) * 65536 + b;
    b = (part / 10000) | 0;
    part = (part - b * 10000) * 65536 + c;
    c = (part / 10000) | 0;
    part = (part - c * 10000) * 65536 + d;
    d = (part / 10000) | 0;
    part -= d * 10000;
    for (let i = 0; i < 4; i++) {
      const tenth = (part / 10) | 0;
      bytes[start + --digits] = 48 + (part - tenth * 10);
      part = tenth;
    }
  }
  let zeros = 0;
  while (bytes[start + zeros] === 48) zeros++;
  bytes.copyWithin(start, start + zeros, start + 20);
  out.length = start + 20 - zeros;
}

/** As putUnsigned64, in two's complement. */
export function putSigned64(out: CellText, high: number, low: number): void {
  if (high < 0x80000000) {
    putUnsigned64(out, high, low);
    return;
  }
  out.byte(MINUS);
  if (low === 0) putUnsigned64(out, (~high + 1) >>> 0, 0);
  else putUnsigned64(out, ~high >>> 0, (~low + 1) >>> 0);
}

export function u32At(source: Buffer, at: number): number {
  return (source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24)) >>> 0;
}

const readBig: ReadCell = (source, at, limit, out) => {
  const end = within(at, 8, limit);
  putSigned64(out, u32At(source, at + 4), u32At(source, at));
  return end;
};

const readBigUnsigned: ReadCell = (source, at, limit, out) => {
  const end = within(at, 8, limit);
  putUnsigned64(out, u32At(source, at + 4), u32At(source, at));
  return end;
};
