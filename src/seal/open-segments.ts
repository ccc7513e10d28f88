/**
 * The segments that records are written into until the next cut: one buffer a retention class. It counts; it
 * decides nothing. Memory comes back from the sealing thread and serves again.
 */
import { RecordBuffer } from '../change/buffer.ts';
import type { RecordSink } from '../change/sink.ts';
import { TRAIL_CLASS } from '../trail/names.ts';

export interface OpenSegment {
  readonly className: string;
  /** Records, each ended by LF, in an ArrayBuffer of its own. */
  readonly plain: Buffer;
  readonly count: number;
}

export interface OpenSegments extends RecordSink {
  readonly records: number;
  readonly bytes: number;
  /** How many classes the open records have. */
  readonly classes: number;
  /** When the oldest open record arrived, by the clock; null when nothing is open. */
  readonly oldestAt: number | null;
  /** Takes everything away: class `trail` first, then by name. */
  take(): OpenSegment[];
  /** Memory of a segment that was taken, to serve its class again. */
  recycle(className: string, memory: ArrayBuffer): void;
}

const LF = 0x0a;
/** Memory kept for segments to come, over all classes. */
const MOST_SPARE_BYTES = 48 * 1024 * 1024;

/** `onRecord` is called behind each record, and may take. */
export function createOpenSegments(now: () => number, onRecord: () => void): OpenSegments {
  let open = new Map<string, { buffer: RecordBuffer; count: number }>();
  let records = 0;
  let bytes = 0;
  let oldestAt: number | null = null;
  // Growing to a segment's size again and again would cost more than the records themselves.
  const spare = new Map<string, ArrayBuffer>();
  let spareBytes = 0;
  const takeSpare = (className: string) => {
    const memory = spare.get(className);
    if (spare.delete(className)) spareBytes -= (memory as ArrayBuffer).byteLength;
    return memory;
  };
  const segment = (className: string) => {
    let found = open.get(className);
    if (found === undefined) {
      const memory = takeSpare(className);
      found = { buffer: new RecordBuffer(memory === undefined ? undefined : Buffer.from(memory)), count: 0 };
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
    recorded(className, start) {
      const found = segment(className);
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
        .map(([className, { buffer, count }]) => ({
          className,
          plain: buffer.bytes.subarray(0, buffer.length),
          count,
        }));
      open = new Map();
      records = 0;
      bytes = 0;
      oldestAt = null;
      return taken;
    },
    recycle(className, memory) {
      if ((spare.get(className)?.byteLength ?? 0) >= memory.byteLength) return;
      takeSpare(className);
      spare.set(className, memory);
      spareBytes += memory.byteLength;
      // The classes that were busy longest ago give theirs up.
      for (const oldest of spare.keys()) {
        if (spareBytes <= MOST_SPARE_BYTES || oldest === className) break;
        takeSpare(oldest);
      }
    },
  };
}
