/**
 * The queue between what the source delivered and what the sink has: finished records, in order, some with
 * holes that wait for their transaction's context; and the ends of transactions among them. Bounded memory,
 * then the spool, then `spool_full`. It must never reorder, and never let anything overtake.
 */
import { RowsealError } from '../../base/errors.ts';
import type { RecordBuffer } from '../buffer.ts';
import type { Spool } from '../spool.ts';
import { WaitingBytes } from './waiting-bytes.ts';

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

/**
 * Before each payload: size of the whole frame (4 bytes), kind (1), unused (1), class (2), serial (8), index (8), and
 * where the holes are in the payload (4 each).
 */
const HEADER_BYTES = 32;

export function createWaitingQueue(options: WaitingOptions): WaitingQueue {
  const waiting = new WaitingBytes(
    options.memoryBytes ?? 8 * 1024 * 1024,
    options.spoolBytes ?? 1024 * 1024 * 1024,
    options.spool ?? null,
  );
  const classes: string[] = [];
  const frame = emptyFrame();
  let frameStart = 0;

  return {
    get bytes() {
      return waiting.length;
    },
    get empty() {
      return waiting.empty;
    },
    start(kind, className, serial, index) {
      let classIndex = classes.indexOf(className);
      if (classIndex < 0) classIndex = classes.push(className) - 1;
      const { tail } = waiting;
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
      const { tail } = waiting;
      const payloadStart = frameStart + HEADER_BYTES;
      tail.bytes.writeUInt32LE(tail.length - frameStart, frameStart);
      tail.bytes.writeUInt32LE(Math.max(0, actorHole - payloadStart), frameStart + 24);
      tail.bytes.writeUInt32LE(Math.max(0, contextHole - payloadStart), frameStart + 28);
      waiting.spill();
    },
    abandon() {
      waiting.tail.length = frameStart;
    },
    drain(maxBytes, deliver) {
      for (let left = maxBytes; left > 0 && waiting.fill(HEADER_BYTES); ) {
        const size = waiting.front.readUInt32LE(waiting.frontAt);
        if (!waiting.fill(size))
          throw new RowsealError('internal', 'the spool gave back fewer bytes than it was given');
        readFrame(frame, waiting.front, waiting.frontAt, size, classes);
        // Behind it first: what deliver asks of us must not count this frame as waiting.
        waiting.frontAt += size;
        if (!deliver(frame)) {
          waiting.frontAt -= size;
          return;
        }
        left -= size;
      }
    },
  };
}

function emptyFrame(): Frame {
  return {
    kind: RECORD,
    className: '',
    serial: 0,
    index: 0,
    payload: Buffer.alloc(0),
    actorHole: 0,
    contextHole: 0,
  };
}

/** The frame of `size` bytes at `bytes[at]`. */
function readFrame(into: Frame, bytes: Buffer, at: number, size: number, classes: readonly string[]): void {
  into.kind = bytes[at + 4]!;
  into.className = classes[bytes.readUInt16LE(at + 6)]!;
  into.serial = bytes.readDoubleLE(at + 8);
  into.index = bytes.readDoubleLE(at + 16);
  into.actorHole = bytes.readUInt32LE(at + 24);
  into.contextHole = bytes.readUInt32LE(at + 28);
  into.payload = bytes.subarray(at + HEADER_BYTES, at + size);
}
