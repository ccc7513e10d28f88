/**
 * Retention periods and the dates they lead to. Times come in as text and go out as text: there is no clock
 * and no local time zone here.
 */
import { refusal } from './refuse.ts';

const DAY_MS = 86_400_000;
const MIDNIGHT = /^\d{4}-\d{2}-\d{2}T00:00:00Z$/;
const SEALED_AT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

export interface Retention {
  readonly count: number;
  /** d: 86,400 seconds; y: calendar years. */
  readonly unit: 'd' | 'y';
}

/** Parses `400d` or `7y`; null for anything else. At most 100 years. */
export function parseRetention(text: string): Retention | null {
  const match = /^([1-9][0-9]{0,5})([dy])$/.exec(text);
  if (match === null) return null;
  const count = Number(match[1]);
  const unit = match[2] as 'd' | 'y';
  return count > (unit === 'y' ? 100 : 36_525) ? null : { count, unit };
}

/** `sealedAt` plus the retention, rounded up to midnight UTC: `2033-11-22T00:00:00Z`. */
export function retainUntil(sealedAt: string, { count, unit }: Retention): string {
  const date = new Date(sealedAt);
  if (unit === 'y') date.setUTCFullYear(date.getUTCFullYear() + count);
  else date.setTime(date.getTime() + count * DAY_MS);
  return formatMidnight(Math.ceil(date.getTime() / DAY_MS) * DAY_MS);
}

/** Milliseconds from `now` (ms since 1970) to the end of the longest. */
export function longestMs(retentions: readonly Retention[], now: number): number {
  const from = new Date(now).toISOString();
  return Math.max(...retentions.map((each) => Date.parse(retainUntil(from, each)))) - now;
}

/** Milliseconds since 1970 of a `retain_until`; null where it is not a midnight UTC in the form we write. */
export function parseMidnight(text: string): number | null {
  if (!MIDNIGHT.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) || formatMidnight(time) !== text ? null : time;
}

/** Milliseconds since 1970 of a `sealed_at`; null where it is not `YYYY-MM-DDThh:mm:ss.mmmZ`. */
export function parseSealedAt(text: string): number | null {
  if (!SEALED_AT.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) || new Date(time).toISOString() !== text ? null : time;
}

function formatMidnight(time: number): string {
  const text = new Date(time).toISOString();
  if (text.length !== 24) throw refusal('retention_range', 'a retention reaches beyond the year 9999');
  return `${text.slice(0, 10)}T00:00:00Z`;
}
