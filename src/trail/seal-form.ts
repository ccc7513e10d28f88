/**
 * The types that members of a seal are held to, one by one (FORMAT.md section 7, what is form). A value comes from
 * an attacker's JSON, by way of `parseJson`: nothing here may believe it to be of any type.
 */
import { decodeHash } from './base64.ts';
import { rangeLength } from './merkle.ts';
import { refusal } from './refuse.ts';
import { parseMidnight } from './retention.ts';

export type Members = Readonly<Record<string, unknown>>;

/** Throws a refusal `seal_member` unless this is so. */
export function expect(good: boolean, member: string): asserts good {
  if (!good) throw refusal('seal_member', `the seal's ${member} is missing or out of its range`, { member });
}

export function members(value: unknown, what: string): Members {
  expect(typeof value === 'object' && value !== null && !Array.isArray(value), what);
  return value as Members;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

export function isHash(value: unknown): boolean {
  return isText(value) && decodeHash(value) !== null;
}

/** A hash in hex. */
export function isHex(value: unknown): boolean {
  return isText(value) && /^[0-9a-f]{64}$/.test(value);
}

export function isRange(value: unknown, first: number, count: number): boolean {
  return Array.isArray(value) && value.every(isHash) && value.length === rangeLength(first, count);
}

export function isMidnight(value: unknown): boolean {
  return isText(value) && parseMidnight(value) !== null;
}
