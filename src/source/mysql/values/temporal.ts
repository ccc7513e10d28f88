/**
 * Dates and times in all their binary forms (MySQL internals: "Date and Time Data Type Representation"), as the
 * server prints them with the declared fraction, zero dates included. TIMESTAMP is UTC and says so with `+00`, but
 * for the zero timestamp, which is no moment. Nothing here knows a calendar rule beyond the one from seconds to days.
 */
import { broken } from '../bytes/broken.ts';
import { type CellText, within } from '../text/cell-text.ts';
import { putDigits, putInteger, u32At } from './cells-integer.ts';
import type { ReadCell } from './column.ts';

const DASH = 0x2d;
const SPACE = 0x20;
const COLON = 0x3a;
const DOT = 0x2e;
/** Room that every text here fits into. */
const ROOM = 40;
const SECONDS_A_DAY = 86_400;
const POWERS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/** DATE: 3 bytes, little-endian: 15 bits year, 4 month, 5 day. */
export const readDate: ReadCell = (source, at, limit, out) => {
  const end = within(at, 3, limit);
  const packed = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
  out.ensure(ROOM);
  putDate(out, packed >> 9, (packed >> 5) & 15, packed & 31);
  return end;
};

/** TIME2: 3 bytes and the fraction's, big-endian, from an offset that stands for zero. */
export function time2Reader(fraction: number): ReadCell {
  const extra = fractionBytes(fraction);
  const unit = 256 ** extra;
  const zero = 0x80_0000 * unit;
  return (source, at, limit, out) => {
    const end = within(at, 3 + extra, limit);
    let value = -zero;
    for (let i = at, scale = 0x1_0000 * unit; i < end; i++, scale /= 256) value += source[i]! * scale;
    out.ensure(ROOM);
    const size = Math.abs(value);
    const whole = Math.floor(size / unit);
    if (value < 0) out.bytes[out.length++] = DASH;
    putClock(out, whole >> 12, (whole >> 6) & 63, whole & 63);
    putFraction(out, (size - whole * unit) * POWERS[6 - 2 * extra]!, fraction);
    return end;
  };
}

/** DATETIME2: 5 bytes (sign, year × 13 + month, day, hour, minute, second) and the fraction's, big-endian. */
export function datetime2Reader(fraction: number): ReadCell {
  const extra = fractionBytes(fraction);
  return (source, at, limit, out) => {
    const end = within(at, 5 + extra, limit);
    out.ensure(ROOM);
    const days = ((source[at]! & 0x7f) << 15) | (source[at + 1]! << 7) | (source[at + 2]! >> 1);
    const clock = ((source[at + 2]! & 1) << 16) | (source[at + 3]! << 8) | source[at + 4]!;
    if ((source[at]! & 0x80) === 0) throw broken('a negative DATETIME');
    putYearMonthDay(out, days);
    out.bytes[out.length++] = SPACE;
    putClock(out, clock >> 12, (clock >> 6) & 63, clock & 63);
    putFraction(out, microseconds(source, at + 5, extra), fraction);
    return end;
  };
}

/** TIMESTAMP2: 4 bytes of seconds since 1970 and the fraction's, big-endian. */
export function timestamp2Reader(fraction: number): ReadCell {
  const extra = fractionBytes(fraction);
  return (source, at, limit, out) => {
    const end = within(at, 4 + extra, limit);
    const seconds = source.readUInt32BE(at);
    putTimestamp(out, seconds, microseconds(source, at + 4, extra), fraction);
    return end;
  };
}

/** TIME of servers before 5.6: hours × 10000 + minutes × 100 + seconds, 3 bytes, signed. */
export const readOldTime: ReadCell = (source, at, limit, out) => {
  const end = within(at, 3, limit);
  const value = source[at]! | (source[at + 1]! << 8) | ((source[at + 2]! << 24) >> 8);
  out.ensure(ROOM);
  if (value < 0) out.bytes[out.length++] = DASH;
  const size = Math.abs(value);
  putClock(out, Math.floor(size / 10_000), Math.floor(size / 100) % 100, size % 100);
  return end;
};

/** DATETIME of servers before 5.6: YYYYMMDDhhmmss as a number of 8 bytes. */
export const readOldDatetime: ReadCell = (source, at, limit, out) => {
  const end = within(at, 8, limit);
  const value = u32At(source, at + 4) * 0x1_0000_0000 + u32At(source, at);
  const date = Math.floor(value / 1_000_000);
  const clock = value - date * 1_000_000;
  if (date > 99_991_231) throw broken('a DATETIME beyond the year 9999');
  out.ensure(ROOM);
  putDate(out, Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
  out.bytes[out.length++] = SPACE;
  putClock(out, Math.floor(clock / 10_000), Math.floor(clock / 100) % 100, clock % 100);
  return end;
};

/** TIMESTAMP of servers before 5.6: seconds since 1970, 4 bytes, little-endian. */
export const readOldTimestamp: ReadCell = (source, at, limit, out) => {
  const end = within(at, 4, limit);
  putTimestamp(out, u32At(source, at), 0, 0);
  return end;
};

/** Room must be there. `days` is year × 13 + month, then 5 bits of day. */
export function putYearMonthDay(out: CellText, days: number): void {
  const months = days >> 5;
  const year = (months / 13) | 0;
  putDate(out, year, months - year * 13, days & 31);
}

export function putClock(out: CellText, hours: number, minutes: number, seconds: number): void {
  if (hours < 100) putTwo(out, hours);
  else putInteger(out, hours);
  out.bytes[out.length++] = COLON;
  putTwo(out, minutes);
  out.bytes[out.length++] = COLON;
  putTwo(out, seconds);
}

/** Two digits: below 100. */
function putTwo(out: CellText, value: number): void {
  const tens = (value * 103) >> 10;
  out.bytes[out.length++] = 48 + tens;
  out.bytes[out.length++] = 48 + value - tens * 10;
}

/** The first `digits` digits of so many microseconds. */
export function putFraction(out: CellText, micros: number, digits: number): void {
  if (digits === 0) return;
  if (micros > 999_999) throw broken('a fraction of a second above one');
  out.bytes[out.length++] = DOT;
  putDigits(out, Math.floor(micros / POWERS[6 - digits]!), digits);
}

function putDate(out: CellText, year: number, month: number, day: number): void {
  if (year > 9999) throw broken('a date beyond the year 9999');
  const century = (year / 100) | 0;
  putTwo(out, century);
  putTwo(out, year - century * 100);
  out.bytes[out.length++] = DASH;
  putTwo(out, month);
  out.bytes[out.length++] = DASH;
  putTwo(out, day);
}

function putTimestamp(out: CellText, seconds: number, micros: number, fraction: number): void {
  out.ensure(ROOM);
  const zero = seconds === 0 && micros === 0;
  const days = Math.floor(seconds / SECONDS_A_DAY);
  const rest = seconds - days * SECONDS_A_DAY;
  if (zero) putDate(out, 0, 0, 0);
  else putCivil(out, days);
  out.bytes[out.length++] = SPACE;
  const minutes = (rest / 60) | 0;
  const hours = (minutes / 60) | 0;
  putClock(out, hours, minutes - hours * 60, rest - minutes * 60);
  putFraction(out, micros, fraction);
  if (!zero) out.ascii('+00');
}

/** The day that was asked for last: rows of one transaction are mostly of one day. */
let lastDays = -1;
let lastYear = 0;
let lastMonth = 0;
let lastDay = 0;

/** Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March. */
function putCivil(out: CellText, days: number): void {
  if (days !== lastDays) {
    const shifted = days + 719_468;
    const era = (shifted / 146_097) | 0;
    const ofEra = shifted - era * 146_097;
    const year =
      ((ofEra - ((ofEra / 1460) | 0) + ((ofEra / 36_524) | 0) - ((ofEra / 146_096) | 0)) / 365) | 0;
    const ofYear = ofEra - (365 * year + (year >> 2) - ((year / 100) | 0));
    const month = ((5 * ofYear + 2) / 153) | 0;
    const nextYear = month > 9;
    lastDay = ofYear - (((153 * month + 2) / 5) | 0) + 1;
    lastMonth = nextYear ? month - 9 : month + 3;
    lastYear = year + era * 400 + (nextYear ? 1 : 0);
    lastDays = days;
  }
  putDate(out, lastYear, lastMonth, lastDay);
}

function fractionBytes(fraction: number): number {
  if (fraction > 6) throw broken(`a fraction of ${fraction} digits`);
  return (fraction + 1) >> 1;
}

function microseconds(source: Buffer, at: number, bytes: number): number {
  switch (bytes) {
    case 0:
      return 0;
    case 1:
      return source[at]! * 10_000;
    case 2:
      return ((source[at]! << 8) | source[at + 1]!) * 100;
    default:
      return (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
  }
}
