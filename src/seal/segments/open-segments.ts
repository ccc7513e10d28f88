/**
 * The segments that records are written into until the next cut: one buffer a retention class, which serves again.
 * It counts; it decides nothing.
 */
import { RecordBuffer } from '../../change/buffer.ts';
import type { Mark, RecordSink } from '../../change/sink.ts';
import { TRAIL_CLASS } from '../../trail/names.ts';

export interface OpenSegment {
  readonly className: string;
  /** Records, each ended by LF. Only valid until the next record is written. */
  readonly plain: Buffer;
  readonly count: number;
  /** Places among them, from 0, of the last records that bear a mark. */
  readonly marks: Marks;
}

export type Marks = { readonly [mark in Mark]?: number };

export interface OpenSegments extends RecordSink {
  readonly records: number;
  readonly bytes: number;
  /** How many classes the open records have. */
  readonly classes: number;
  /** When the oldest open record arrived, by the clock; null when nothing is open. */
  readonly oldestAt: number | null;
  /** Takes everything away: class `trail` first, then by name. */
  take(): OpenSegment[];
}

interface Segment {
  readonly buffer: RecordBuffer;
  count: number;
  readonly marks: { [mark in Mark]?: number };
}

const LF = 0x0a;
/** Memory kept for segments to come, over all classes. */
const MOST_KEPT_BYTES = 32 * 1024 * 1024;

/** `onRecord` is called behind each record, and may take. */
export function createOpenSegments(now: () => number, onRecord: () => void): OpenSegments {
  let open = new Map<string, Segment>();
  let records = 0;
  let bytes = 0;
  let oldestAt: number | null = null;
  // Growing to a segment's size again and again would cost more than the records themselves.
  let kept = new Map<string, RecordBuffer>();
  const segment = (className: string) => {
    let found = open.get(className);
    if (found === undefined) {
      const buffer = kept.get(className) ?? new RecordBuffer();
      kept.delete(className);
      buffer.reset();
      found = { buffer, count: 0, marks: {} };
      open.set(className, found);
    }
    return found;
  };
  return {
    get records() {
      return records;
    },
    get bytes() {
      return bytes;
    },
    get classes() {
      return open.size;
    },
    get oldestAt() {
      return oldestAt;
    },
    buffer: (className) => segment(className).buffer,
    recorded(className, start, mark) {
      const found = segment(className);
      if (mark !== undefined) found.marks[mark] = found.count;
      const { buffer } = found;
      buffer.byte(LF);
      found.count += 1;
      records += 1;
      bytes += buffer.length - start;
      oldestAt ??= now();
      onRecord();
    },
    take() {
      const taken = [...open]
        .filter(([, { count }]) => count > 0)
        .sort(([a], [b]) => (a === TRAIL_CLASS ? -1 : b === TRAIL_CLASS ? 1 : a < b ? -1 : 1))
        .map(([className, { buffer, count, marks }]) => ({
          className,
          plain: buffer.bytes.subarray(0, buffer.length),
          count,
          marks,
        }));
      kept = keepable(open);
      open = new Map();
      records = 0;
      bytes = 0;
      oldestAt = null;
      return taken;
    },
  };
}

/** The memory of classes that were busy until now, as much as is allowed. */
function keepable(open: ReadonlyMap<string, { readonly buffer: RecordBuffer }>): Map<string, RecordBuffer> {
  const kept = new Map<string, RecordBuffer>();
  let bytes = 0;
  for (const [className, { buffer }] of open) {
    bytes += buffer.bytes.length;
    if (bytes > MOST_KEPT_BYTES) break;
    kept.set(className, buffer);
  }
  return kept;
}
