/**
 * FLOAT and DOUBLE in the shortest text that reads back to the same bits. The server's own text of FLOAT has six
 * digits and loses bits, so it is no model; its text of a double inside JSON is, and lives here too.
 */
import { type CellText, within } from '../text/cell-text.ts';
import { putDigits, putInteger } from './cells-integer.ts';
import type { ReadCell } from './column.ts';

const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i);
const DOT = 0x2e;
const MINUS = 0x2d;

export const readDouble: ReadCell = (source, at, limit, out) => {
  const end = within(at, 8, limit);
  const value = source.readDoubleLE(at);
  if (!putShort(out, value, 1e15, false)) out.ascii(String(value));
  return end;
};

export const readFloat: ReadCell = (source, at, limit, out) => {
  const end = within(at, 4, limit);
  const value = source.readFloatLE(at);
  if (!putShort(out, value, 1e9, true)) out.ascii(shortestFloat(value));
  return end;
};

/** Nine digits tell every float from its neighbours (IEEE 754-2019, 5.12.2). */
function shortestFloat(value: number): string {
  if (Number.isFinite(value)) {
    for (let digits = 1; digits < 9; digits++) {
      const text = String(Number(value.toPrecision(digits)));
      if (Math.fround(Number(text)) === value) return text;
    }
    return String(Number(value.toPrecision(9)));
  }
  return String(value);
}

/**
 * Writes what has few digits behind the dot, without a string in between; else returns false. `digits / 10^places`
 * is rounded once (both are exact), so it is what a reader of that decimal gets; the fewest places are tried first.
 */
function putShort(out: CellText, value: number, bound: number, single: boolean): boolean {
  const size = Math.abs(value);
  if (!(size < bound) || (size < 1e-5 && size !== 0)) return false;
  for (let places = 0; places < 23; places++) {
    const power = POWERS[places]!;
    const digits = Math.round(size * power);
    if (digits > bound) return false;
    const back = digits / power;
    if ((single ? Math.fround(back) : back) !== size) continue;
    out.ensure(32);
    if (value < 0 || Object.is(value, -0)) out.bytes[out.length++] = MINUS;
    const whole = Math.floor(digits / power);
    putInteger(out, whole);
    if (places === 0) return true;
    out.bytes[out.length++] = DOT;
    putDigits(out, digits - whole * power, places);
    return true;
  }
  return false;
}

/** A double as the server prints it inside JSON: always with a dot or an exponent. */
export function putJsonDouble(out: CellText, value: number): void {
  const from = out.length;
  if (value !== 0 && putShort(out, value, 1e15, false)) {
    if (Number.isInteger(value)) out.ascii('.0');
    if (out.length - from < 18) return;
    out.length = from;
  }
  const text = value.toExponential();
  const mark = text.indexOf('e');
  const negative = text.startsWith('-') ? 1 : 0;
  const digits = text.slice(negative, mark).replace('.', '');
  // As in the server: the dot stands behind so many digits.
  const point = Number(text.slice(mark + 1)) + 1;
  if (negative === 1 || Object.is(value, -0)) out.byte(MINUS);
  if (value === 0) out.ascii('0.0');
  else if (point > -15 && (point <= 15 || digits.length > point)) out.ascii(plain(digits, point));
  else {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    out.ascii(`${digits.slice(0, 1)}${fraction}e${point - 1}`);
  }
}

function plain(digits: string, point: number): string {
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return `${digits}${'0'.repeat(point - digits.length)}.0`;
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}
