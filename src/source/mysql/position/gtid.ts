/**
 * MySQL's GTID sets (manual: "GTID Format and Storage"), with tags: parsed, added to, compared, and written both as the
 * canonical text that is our position and as the bytes of COM_BINLOG_DUMP_GTID. Numbers are exact: they go to 2^63 − 2.
 * A set must never claim a transaction that was not added to it.
 */
import { RowsealError } from '../../../base/errors.ts';

export interface GtidSet {
  /** `source` is `uuid` or `uuid:tag`, in lower case. */
  add(source: string, number: bigint): void;
  has(source: string, number: bigint): boolean;
  /** Whether every transaction of `other` is in this one. */
  contains(other: GtidSet): boolean;
  union(other: GtidSet): GtidSet;
  subtract(other: GtidSet): GtidSet;
  copy(): GtidSet;
  readonly isEmpty: boolean;
  /** `uuid:1-7,uuid:tag:1-3`: lower case, sorted, no spaces. Empty text for the empty set. */
  text(): string;
  /** As the server reads it in COM_BINLOG_DUMP_GTID, and writes it into PREVIOUS_GTIDS. */
  encode(): Buffer;
  readonly sources: readonly GtidSource[];
}

interface GtidSource {
  readonly source: string;
  /** First and last, both in the set; ascending, apart from each other. */
  readonly intervals: readonly Interval[];
}

type Interval = { first: bigint; last: bigint };
type Sources = { readonly source: string; readonly intervals: Interval[]; text: string | null }[];

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^([0-9]{1,19})(?:-([0-9]{1,19}))?$/;
const LAST_NUMBER = 2n ** 63n - 2n;

/** In lower case. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `80e313c1-e619-11f1-9818-02fc00000001` of 16 bytes. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Of the server's text or ours: both `uuid:1-7:tag:1-3` and `uuid:1-7,uuid:tag:1-3`. Throws `stream_not_understood`. */
export function parseGtidSet(text: string): GtidSet {
  const sources: Sources = [];
  for (const part of text.split(',')) {
    const [uuid, ...members] = part.split(':').map((member) => member.trim());
    if (uuid === undefined || (uuid === '' && members.length === 0)) continue;
    if (!UUID.test(uuid) || members.length === 0) throw unreadable(text);
    let source = uuidText(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
    for (const member of members) {
      const found = INTERVAL.exec(member);
      if (found === null) {
        const tag = member.toLowerCase();
        if (!isTag(tag)) throw unreadable(text);
        source = `${source.slice(0, 36)}:${tag}`;
        continue;
      }
      const first = BigInt(found[1]!);
      const last = BigInt(found[2] ?? found[1]!);
      if (first < 1n || last > LAST_NUMBER) throw unreadable(text);
      if (first <= last) insert(sources, source, first, last);
    }
  }
  return gtidSet(sources);
}

function gtidSet(sources: Sources): GtidSet {
  const copied = (): Sources =>
    sources.map(({ source, intervals, text }) => ({
      source,
      intervals: intervals.map((i) => ({ ...i })),
      text,
    }));
  const has = (source: string, first: bigint, last: bigint): boolean =>
    sources
      .find((each) => each.source === source)
      ?.intervals.some((i) => i.first <= first && last <= i.last) ?? false;

  return {
    sources,
    get isEmpty() {
      return sources.length === 0;
    },
    add: (source, number) => insert(sources, source, number, number),
    has: (source, number) => has(source, number, number),
    contains: (other) =>
      other.sources.every(({ source, intervals }) => intervals.every((i) => has(source, i.first, i.last))),
    union(other) {
      const all = copied();
      for (const { source, intervals } of other.sources)
        for (const { first, last } of intervals) insert(all, source, first, last);
      return gtidSet(all);
    },
    subtract(other) {
      const left: Sources = [];
      for (const { source, intervals } of sources) {
        const taken = other.sources.find((each) => each.source === source)?.intervals ?? [];
        const rest = intervals.flatMap((interval) => without(interval, taken));
        if (rest.length > 0) left.push({ source, intervals: rest, text: null });
      }
      return gtidSet(left);
    },
    copy: () => gtidSet(copied()),
    text: () => sources.map((each) => (each.text ??= textOf(each))).join(','),
    encode: () => encode(sources),
  };
}

/** Puts an interval in its place, joined with those that it touches. */
function insert(sources: Sources, source: string, first: bigint, last: bigint): void {
  let index = sources.findIndex((each) => each.source >= source);
  if (index < 0) index = sources.length;
  if (sources[index]?.source !== source) sources.splice(index, 0, { source, intervals: [], text: null });
  const found = sources[index]!;
  found.text = null;
  const { intervals } = found;
  const end = intervals.at(-1);
  if (end !== undefined && first === end.last + 1n) {
    end.last = last;
    return;
  }
  let from = intervals.findIndex((interval) => interval.last + 1n >= first);
  if (from < 0) from = intervals.length;
  let to = from;
  const joined: Interval = { first, last };
  for (let next = intervals[to]; next !== undefined && next.first <= last + 1n; next = intervals[++to]) {
    if (next.first < joined.first) joined.first = next.first;
    if (next.last > joined.last) joined.last = next.last;
  }
  intervals.splice(from, to - from, joined);
}

function without(interval: Interval, taken: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let { first } = interval;
  for (const { first: from, last: to } of taken) {
    if (to < first || from > interval.last) continue;
    if (from > first) left.push({ first, last: from - 1n });
    first = to + 1n;
  }
  if (first <= interval.last) left.push({ first, last: interval.last });
  return left;
}

function textOf({ source, intervals }: GtidSource): string {
  let text = source;
  for (const { first, last } of intervals) text += first === last ? `:${first}` : `:${first}-${last}`;
  return text;
}

/**
 * A number of sources, then each: uuid, in the tagged format its tag with a length (mysql::serialization), a number of
 * intervals, the intervals with exclusive ends. The tagged format says so in the highest and the lowest byte of the
 * first number (rpl_gtid_set.cc, Gtid_set::encode); older servers know the other alone.
 */
function encode(sources: Sources): Buffer {
  const tagged = sources.some(({ source }) => source.length > 36);
  const count = BigInt(sources.length);
  const parts = [u64(tagged ? (1n << 56n) | (count << 8n) | 1n : count)];
  for (const { source, intervals } of sources) {
    parts.push(Buffer.from(source.slice(0, 36).replaceAll('-', ''), 'hex'));
    // A length of at most 32 is one byte of that format: shifted, no trailing one.
    if (tagged) parts.push(Buffer.from([source.slice(37).length << 1]), Buffer.from(source.slice(37)));
    parts.push(u64(BigInt(intervals.length)));
    for (const { first, last } of intervals) parts.push(u64(first), u64(last + 1n));
  }
  return Buffer.concat(parts);
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function unreadable(text: string): RowsealError {
  return new RowsealError('stream_not_understood', `not a GTID set: ${text.slice(0, 200)}`);
}
