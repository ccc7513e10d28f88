/**
 * What stands between the source and the sink: records in their order, some with holes, and the ends of transactions
 * and quiet positions behind them. It hands over from the front on, filling holes, and stops at one that is still open:
 * nothing may overtake it.
 */
import type { Attribution } from '../attribution/attribution.ts';
import type { RecordBuffer } from '../buffer.ts';
import type { Position } from '../change.ts';
import type { RecordSink } from '../sink.ts';
import type { OpenTransaction } from './open-transaction.ts';
import type { Reach } from './reach.ts';
import {
  COMMIT,
  createWaitingQueue,
  DOUBTFUL,
  type Frame,
  HELD,
  QUIET,
  UNNUMBERED,
  type WaitingOptions,
  type WaitingQueue,
} from './waiting.ts';

export interface BacklogParts {
  readonly sink: RecordSink;
  readonly reach: Reach;
  readonly waiting?: WaitingOptions | undefined;
  /** Bytes of waiting records that go at once. */
  readonly drainBytes: number;
  /** Called for each held row that leaves, with what it got. */
  readonly released: (attribution: Attribution) => void;
  /** More than drainBytes may go: somebody is to call `drain` until it says false. */
  readonly onBacklog: () => void;
}

export class Backlog {
  readonly #parts: BacklogParts;
  readonly #queue: WaitingQueue;
  /** Those that something waits of, by serial. */
  readonly #transactions = new Map<number, OpenTransaction>();

  constructor(parts: BacklogParts) {
    this.#parts = parts;
    this.#queue = createWaitingQueue(parts.waiting ?? {});
  }

  get empty(): boolean {
    return this.#queue.empty;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Where to append a record that waits. Ends with `finish` or `abandon`. */
  start(kind: number, className: string, transaction: OpenTransaction, index: number): RecordBuffer {
    this.#transactions.set(transaction.serial, transaction);
    return this.#queue.start(kind, className, transaction.serial, index);
  }

  finish(actorHole: number, contextHole: number): void {
    this.#queue.finish(actorHole, contextHole);
  }

  abandon(): void {
    this.#queue.abandon();
  }

  commit(transaction: OpenTransaction, end: Position): void {
    if (this.#queue.empty) {
      this.#ended(transaction, end);
      return;
    }
    this.#transactions.set(transaction.serial, transaction);
    this.#mark(COMMIT, transaction.serial, end);
  }

  quiet(position: Position): void {
    if (this.#queue.empty) this.#parts.reach.quiet(position);
    else this.#mark(QUIET, 0, position);
  }

  /** Hands over what may go, if that is no more than drainBytes; else says that `drain` is to be called. */
  release(): void {
    if (this.#queue.bytes <= this.#parts.drainBytes) this.drain();
    else this.#parts.onBacklog();
  }

  /** Hands over up to drainBytes of what may go; returns whether more could. */
  drain(): boolean {
    let blocked = false;
    this.#queue.drain(this.#parts.drainBytes, (frame) => {
      blocked = !this.#deliver(frame);
      return !blocked;
    });
    return !blocked && !this.#queue.empty;
  }

  #mark(kind: typeof COMMIT | typeof QUIET, serial: number, position: Position): void {
    this.#queue.start(kind, '', serial, 0).json(position);
    this.#queue.finish(0, 0);
    this.release();
  }

  #ended(transaction: OpenTransaction, end: Position): void {
    this.#parts.reach.ended(transaction, end);
    this.#transactions.delete(transaction.serial);
  }

  /** False where the frame's holes must stay open. */
  #deliver(frame: Frame): boolean {
    const { reach, sink } = this.#parts;
    if (frame.kind === QUIET) {
      reach.quiet(frame.payload.toString());
      return true;
    }
    const transaction = this.#transactions.get(frame.serial)!;
    if (frame.kind === COMMIT) {
      this.#ended(transaction, frame.payload.toString());
      return true;
    }
    const held = frame.kind === HELD || frame.kind === DOUBTFUL;
    const resolution = held ? transaction[frame.kind === HELD ? 'resolution' : 'doubtful'] : null;
    if (held && resolution === null) return false;
    const out = sink.buffer(frame.className);
    const start = out.length;
    if (resolution === null) out.put(frame.payload);
    else {
      putFilled(out, frame, resolution);
      this.#parts.released(resolution);
    }
    // First: the sink may cut here, and then asks how far its records reach.
    if (frame.kind !== UNNUMBERED) reach.counted(transaction, frame.index);
    sink.recorded(frame.className, start);
    return true;
  }
}

function putFilled(out: RecordBuffer, frame: Frame, { actor, context }: Attribution): void {
  const { payload, actorHole, contextHole } = frame;
  out.put(payload.subarray(0, actorHole));
  out.put(actor);
  out.put(payload.subarray(actorHole, contextHole));
  out.put(context);
  out.put(payload.subarray(contextHole));
}
