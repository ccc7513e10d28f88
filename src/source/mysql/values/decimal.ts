/**
 * DECIMAL's binary form (MySQL internals: "Fixed-Point Types"): groups of nine digits in four bytes, big-endian, the
 * sign in the first bit, negatives inverted. Written as plain decimal text with the declared scale.
 */
import { broken } from '../bytes/broken.ts';
import { type CellText, within } from '../text/cell-text.ts';
import { putDigits, putInteger } from './cells-integer.ts';
import type { ReadCell } from './column.ts';

/** Columns have at most 65 digits, computed values inside JSON nine words of nine. */
const MAX_PRECISION = 81;
/** Bytes that so many left-over digits take. */
const BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const BOUNDS = Array.from({ length: 10 }, (_, i) => 10 ** i);

export function decimalReader(precision: number, scale: number): ReadCell {
  const size = decimalSize(precision, scale);
  return (source, at, limit, out) => {
    const end = within(at, size, limit);
    putDecimal(out, source, at, precision, scale);
    return end;
  };
}

/** Bytes that DECIMAL(precision, scale) takes. Throws where there is no such type. */
export function decimalSize(precision: number, scale: number): number {
  if (precision < 1 || precision > MAX_PRECISION || scale > precision)
    throw broken(`DECIMAL(${precision},${scale})`);
  const whole = precision - scale;
  return ((whole / 9) | 0) * 4 + BYTES[whole % 9]! + ((scale / 9) | 0) * 4 + BYTES[scale % 9]!;
}

/** Writes the value at `at`, all of whose bytes must be there. */
export function putDecimal(
  out: CellText,
  source: Buffer,
  start: number,
  precision: number,
  scale: number,
): void {
  const invert = source[start]! & 0x80 ? 0 : 0xff;
  // Room for putInteger too, so that it does not grow.
  out.ensure(precision + 20);
  const bytes = out.bytes;
  if (invert !== 0) bytes[out.length++] = 0x2d;
  const whole = precision - scale;
  let at = start;
  let sign = 0x80;
  let begun = false;
  for (let rest = whole; rest > 0; ) {
    const digits = rest % 9 || 9;
    const value = groupAt(source, at, digits, invert, sign);
    at += BYTES[digits]!;
    sign = 0;
    rest -= digits;
    if (begun) putDigits(out, value, digits);
    else if (value > 0 || rest === 0) {
      putInteger(out, value);
      begun = true;
    }
  }
  if (whole === 0) bytes[out.length++] = 0x30;
  if (scale === 0) return;
  bytes[out.length++] = 0x2e;
  for (let rest = scale; rest > 0; ) {
    const digits = Math.min(rest, 9);
    putDigits(out, groupAt(source, at, digits, invert, sign), digits);
    at += BYTES[digits]!;
    sign = 0;
    rest -= digits;
  }
}

/** Up to nine digits; the number's first bit is its sign. */
function groupAt(source: Buffer, start: number, digits: number, invert: number, sign: number): number {
  const end = start + BYTES[digits]!;
  let value = (source[start]! ^ invert ^ sign) & 0xff;
  for (let i = start + 1; i < end; i++) value = ((value << 8) | (source[i]! ^ invert)) >>> 0;
  if (value >= BOUNDS[digits]!) throw broken('a DECIMAL with too many digits');
  return value;
}
