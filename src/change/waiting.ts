/**
 * The queue between what the source delivered and what the sink has: finished records, in order, some with
 * holes that wait for their transaction's context; and the ends of transactions among them. Bounded memory,
 * then the spool, then `spool_full`. It must never reorder, and never let anything overtake.
 */
import { RowsealError } from '../base/errors.ts';
import { RecordBuffer } from './buffer.ts';
import type { Spool } from './spool.ts';

export interface WaitingOptions {
  /** Bytes held in memory before the spool is used; 8 MiB by default. */
  readonly memoryBytes?: number;
  /** Without one, a full memory is a full spool. */
  readonly spool?: Spool | null;
  /** Bytes that the spool may hold; 1 GiB by default. */
  readonly spoolBytes?: number;
}

export const RECORD = 0;
/** A record without an index of its own: relation, observation. */
export const UNNUMBERED = 1;
/** As RECORD, with holes for its attribution. */
export const HELD = 2;
/** As HELD, where it isn't known that there will be any context. */
export const DOUBTFUL = 3;
/** How a row waits: where our trigger is, HELD, where it may have been, DOUBTFUL; null: not at all. */
export type Holding = typeof HELD | typeof DOUBTFUL | null;
/** Payload is the position behind a transaction. */
export const COMMIT = 4;
/** Payload is a quiet position. */
export const QUIET = 5;

/** One frame; `payload` is valid only during the call that hands it over. */
export interface Frame {
  kind: number;
  className: string;
  /** Serial number of the transaction within this run; 0 outside. */
  serial: number;
  index: number;
  payload: Buffer;
  /** Offsets of the holes in the payload; 0 unless HELD or DOUBTFUL. */
  actorHole: number;
  contextHole: number;
}

export interface WaitingQueue {
  /** Bytes of frames that wait, with their headers. */
  readonly bytes: number;
  readonly empty: boolean;
  /** Starts a frame; its payload is what is then appended to the buffer. */
  start(kind: number, className: string, serial: number, index: number): RecordBuffer;
  /** Ends it; the holes are offsets into that buffer. May throw `spool_full`. */
  finish(actorHole: number, contextHole: number): void;
  /** Undoes `start`. */
  abandon(): void;
  /** Hands over frames, oldest first, until there are none, `deliver` says false (that frame stays), or `maxBytes` went. */
  drain(maxBytes: number, deliver: (frame: Frame) => boolean): void;
}

const HEADER_BYTES = 32;
const SPOOL_PIECE_BYTES = 1024 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

export function createWaitingQueue(options: WaitingOptions): WaitingQueue {
  const memoryBytes = options.memoryBytes ?? 8 * 1024 * 1024;
  const spoolBytes = options.spoolBytes ?? 1024 * 1024 * 1024;
  const spool = options.spool ?? null;
  const classes: string[] = [];
  const frame: Frame = {
    kind: RECORD,
    className: '',
    serial: 0,
    index: 0,
    payload: NOTHING,
    actorHole: 0,
    contextHole: 0,
  };
  // Oldest first: what is left of `front`, then the spool, then `tail`.
  let front = NOTHING;
  let frontAt = 0;
  let spare = new RecordBuffer();
  let tail = new RecordBuffer();
  let frameStart = 0;

  function spill(): void {
    if (tail.length <= memoryBytes) return;
    if (spool === null || spool.bytes + tail.length > spoolBytes) {
      throw new RowsealError(
        'spool_full',
        'rows that wait for their context filled the memory and the spool',
        {
          details: { memory_bytes: memoryBytes, spool_bytes: spool === null ? 0 : spoolBytes },
        },
      );
    }
    spool.append(tail.bytes.subarray(0, tail.length));
    tail.reset();
  }

  /** Makes at least `size` bytes readable in `front`; false where so many do not wait. */
  function fill(size: number): boolean {
    while (front.length - frontAt < size) {
      if (spool !== null && spool.bytes > 0) {
        front = Buffer.concat([front.subarray(frontAt), spool.take(SPOOL_PIECE_BYTES)]);
      } else if (frontAt === front.length && tail.length > 0) {
        [spare, tail] = [tail, spare];
        tail.reset();
        front = spare.bytes.subarray(0, spare.length);
      } else return false;
      frontAt = 0;
    }
    return true;
  }

  return {
    get bytes() {
      return front.length - frontAt + (spool?.bytes ?? 0) + tail.length;
    },
    get empty() {
      return frontAt === front.length && tail.length === 0 && (spool === null || spool.bytes === 0);
    },
    start(kind, className, serial, index) {
      let classIndex = classes.indexOf(className);
      if (classIndex < 0) classIndex = classes.push(className) - 1;
      frameStart = tail.length;
      tail.ensure(HEADER_BYTES);
      tail.bytes[frameStart + 4] = kind;
      tail.bytes.writeUInt16LE(classIndex, frameStart + 6);
      tail.bytes.writeDoubleLE(serial, frameStart + 8);
      tail.bytes.writeDoubleLE(index, frameStart + 16);
      tail.length += HEADER_BYTES;
      return tail;
    },
    finish(actorHole, contextHole) {
      const payloadStart = frameStart + HEADER_BYTES;
      tail.bytes.writeUInt32LE(tail.length - frameStart, frameStart);
      tail.bytes.writeUInt32LE(Math.max(0, actorHole - payloadStart), frameStart + 24);
      tail.bytes.writeUInt32LE(Math.max(0, contextHole - payloadStart), frameStart + 28);
      spill();
    },
    abandon() {
      tail.length = frameStart;
    },
    drain(maxBytes, deliver) {
      for (let left = maxBytes; left > 0 && fill(HEADER_BYTES); ) {
        const size = front.readUInt32LE(frontAt);
        if (!fill(size))
          throw new RowsealError('internal', 'the spool gave back fewer bytes than it was given');
        frame.kind = front[frontAt + 4]!;
        frame.className = classes[front.readUInt16LE(frontAt + 6)]!;
        frame.serial = front.readDoubleLE(frontAt + 8);
        frame.index = front.readDoubleLE(frontAt + 16);
        frame.actorHole = front.readUInt32LE(frontAt + 24);
        frame.contextHole = front.readUInt32LE(frontAt + 28);
        frame.payload = front.subarray(frontAt + HEADER_BYTES, frontAt + size);
        // Behind it first: what deliver asks of us must not count this frame as waiting.
        frontAt += size;
        if (!deliver(frame)) {
          frontAt -= size;
          return;
        }
        left -= size;
      }
    },
  };
}
