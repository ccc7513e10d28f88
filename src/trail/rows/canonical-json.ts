/**
 * JSON in the one form of FORMAT.md section 13: no white space, members in the order of their unescaped names' UTF-8 bytes
 * at every depth, strings by RFC 8785 section 3.2.2.2, numbers digit by digit as they came. It must never make a double of
 * a number, and never give one text to two values.
 *
 * Texts travel as 'latin1' strings of their UTF-8 bytes, as hashes do in merkle.ts: most of a row is copied as it is.
 */
import { JsonRefusal, skipNumber, skipSpace, skipString, validateJson } from '../strict-json.ts';

/** A member of an object. */
export interface Member {
  /** Unescaped. */
  readonly name: string;
  /** The value's text, in latin1. */
  readonly value: string;
}

/** The one form of the value in `bytes[start, end)`, in latin1. Throws JsonRefusal. */
export function canonicalJson(bytes: Buffer, start = 0, end: number = bytes.length): string {
  return valueAt(cursorAt(bytes, start, end));
}

/** The members of the object in `bytes[start, end)`, in order. Throws JsonRefusal, also for what is no object. */
export function canonicalMembers(bytes: Buffer, start = 0, end: number = bytes.length): Member[] {
  const cursor = cursorAt(bytes, start, end);
  if (cursor.bytes[cursor.at] !== 0x7b) throw new JsonRefusal('not an object', cursor.at);
  return membersAt(cursor);
}

/** An object's text of members that are in order, in latin1. */
export function objectOf(members: readonly Member[]): string {
  let text = '';
  for (const { name, value } of members) text += `${text === '' ? '' : ','}${stringOf(name)}:${value}`;
  return `{${text}}`;
}

/** A string's text with its quotes, in latin1. JSON.stringify escapes as RFC 8785 says. */
export function stringOf(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : Buffer.from(JSON.stringify(text)).toString('latin1');
}

/** Order of two texts by their UTF-8 bytes. UTF-16 puts surrogates before U+E000, UTF-8 behind U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** ASCII that no JSON escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A place in valid JSON: nothing behind here checks it once more. */
interface Cursor {
  readonly bytes: Buffer;
  /** The bytes in latin1: pieces of it cost less than pieces of a buffer. */
  readonly text: string;
  at: number;
}

/** At the first byte of the value in `bytes[start, end)`. Throws JsonRefusal. */
function cursorAt(whole: Buffer, start: number, end: number): Cursor {
  const bytes = whole.subarray(start, end);
  validateJson(bytes);
  return { bytes, text: bytes.toString('latin1'), at: skipSpace(bytes, 0, bytes.length) };
}

/** Passes the value at the cursor. */
function valueAt(cursor: Cursor): string {
  const { bytes, at } = cursor;
  switch (bytes[at]) {
    case 0x7b:
      return objectOf(membersAt(cursor));
    case 0x5b:
      return arrayAt(cursor);
    case 0x22:
      return stringAt(cursor);
    case 0x74:
    case 0x6e:
      cursor.at += 4;
      break;
    case 0x66:
      cursor.at += 5;
      break;
    default:
      cursor.at = skipNumber(bytes, at, bytes.length);
  }
  return cursor.text.slice(at, cursor.at);
}

function membersAt(cursor: Cursor): Member[] {
  const { bytes } = cursor;
  const members: Member[] = [];
  passSpace(cursor, 1);
  while (bytes[cursor.at] !== 0x7d) {
    const name = nameAt(cursor);
    passSpace(cursor, 0);
    passSpace(cursor, 1);
    members.push({ name, value: valueAt(cursor) });
    passSpace(cursor, 0);
    if (bytes[cursor.at] === COMMA) passSpace(cursor, 1);
  }
  cursor.at += 1;
  return members.sort((a, b) => compareUtf8(a.name, b.name));
}

function arrayAt(cursor: Cursor): string {
  const { bytes } = cursor;
  const elements: string[] = [];
  passSpace(cursor, 1);
  while (bytes[cursor.at] !== 0x5d) {
    elements.push(valueAt(cursor));
    passSpace(cursor, 0);
    if (bytes[cursor.at] === COMMA) passSpace(cursor, 1);
  }
  cursor.at += 1;
  return `[${elements.join()}]`;
}

function nameAt(cursor: Cursor): string {
  const { bytes, text, at } = cursor;
  cursor.at = skipString(bytes, at + 1, bytes.length);
  const raw = text.slice(at + 1, cursor.at - 1);
  return PLAIN.test(raw) ? raw : (JSON.parse(bytes.toString('utf8', at, cursor.at)) as string);
}

function stringAt(cursor: Cursor): string {
  const { bytes, text, at } = cursor;
  cursor.at = skipString(bytes, at + 1, bytes.length);
  const raw = text.slice(at, cursor.at);
  if (!raw.includes('\\')) return raw;
  return stringOf(JSON.parse(bytes.toString('utf8', at, cursor.at)) as string);
}

/** Passes `count` bytes and the white space behind them. */
function passSpace(cursor: Cursor, count: number): void {
  cursor.at = skipSpace(cursor.bytes, cursor.at + count, cursor.bytes.length);
}

const COMMA = 0x2c;
