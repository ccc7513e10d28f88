/**
 * The sink's side of the recorder: records go straight into the sink while nothing waits, else behind what
 * waits; and how far the sink's records reach. It must never report progress beyond a record that the sink
 * does not have, nor hand over a record whose holes are open.
 */
import type { Attribution } from './attribution.ts';
import type { RecordBuffer } from './buffer.ts';
import type { Position } from './change.ts';
import type { OpenTransaction } from './open-transaction.ts';
import type { Progress, RecordSink } from './sink.ts';
import {
  COMMIT,
  createWaitingQueue,
  DOUBTFUL,
  type Frame,
  HELD,
  type Holding,
  QUIET,
  RECORD,
  UNNUMBERED,
  type WaitingOptions,
} from './waiting.ts';

export interface DeliveryOptions {
  readonly sink: RecordSink;
  readonly resume: Progress;
  readonly waiting?: WaitingOptions | undefined;
  /** Bytes of waiting records that go at once. */
  readonly drainBytes: number;
  /** Called for each held row that leaves, with what it got. */
  readonly released: (attribution: Attribution) => void;
  /** More than drainBytes may go: somebody is to call `drain` until it says false. */
  readonly onBacklog: () => void;
}

export interface Delivery {
  begin(transaction: OpenTransaction): void;
  /**
   * Where to append the record of event `index`; null for a record outside the count (relation, observation). Without
   * a transaction it overtakes what waits.
   * `held`: its holes stay open until `resolution` (HELD) or `doubtful` (DOUBTFUL) is set. Ends with `close` or `abandon`.
   */
  open(
    transaction: OpenTransaction | null,
    className: string,
    index: number | null,
    held: Holding,
  ): RecordBuffer;
  close(actorHole: number, contextHole: number): void;
  abandon(): void;
  /** Event `index` yields no record. */
  passed(transaction: OpenTransaction, index: number): void;
  commit(transaction: OpenTransaction, end: Position): void;
  quiet(position: Position): void;
  /** An accepted gap ends at `position`: nothing before it will come any more. */
  jump(position: Position): void;
  /** Holes were filled: hands over what may go, if that is no more than drainBytes; else `drain` is to be called. */
  release(): void;
  /** Hands over up to drainBytes of what may go; returns whether more could. */
  drain(): boolean;
  readonly waitingBytes: number;
  progress(): Progress;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { sink } = options;
  const queue = createWaitingQueue(options.waiting ?? {});
  const queued = new Map<number, OpenTransaction>();
  let through = options.resume.through;
  let transactions = options.resume.transactions;
  let resumed = options.resume.partial;
  let delivering: OpenTransaction | null = null;
  // The record between open and close.
  let direct = true;
  let openClass = '';
  let openStart = 0;
  let openIndex: number | null = null;
  let openTransaction: OpenTransaction | null = null;

  function counted(transaction: OpenTransaction, index: number): void {
    delivering = transaction;
    transaction.sunk = true;
    transaction.next = index + 1;
    transactions = transaction.number;
  }

  function ended(transaction: OpenTransaction, end: Position): void {
    if (resumed !== null && resumed.position === transaction.start.position) resumed = null;
    through = end;
    delivering = null;
    queued.delete(transaction.serial);
  }

  function settled(position: Position): void {
    // Before the resumed transaction was seen again, nothing behind it can be quiet.
    if (resumed === null) through = position;
  }

  /** False where the frame's holes must stay open. */
  function deliver(frame: Frame): boolean {
    if (frame.kind === QUIET) {
      settled(frame.payload.toString());
      return true;
    }
    const transaction = queued.get(frame.serial) ?? null;
    if (frame.kind === COMMIT) {
      ended(transaction!, frame.payload.toString());
      return true;
    }
    const held = frame.kind === HELD || frame.kind === DOUBTFUL;
    const resolution = held ? transaction![frame.kind === HELD ? 'resolution' : 'doubtful'] : null;
    if (held && resolution === null) return false;
    const out = sink.buffer(frame.className);
    const start = out.length;
    if (resolution === null) out.put(frame.payload);
    else {
      out.put(frame.payload.subarray(0, frame.actorHole));
      out.put(resolution.actor);
      out.put(frame.payload.subarray(frame.actorHole, frame.contextHole));
      out.put(resolution.context);
      out.put(frame.payload.subarray(frame.contextHole));
      options.released(resolution);
    }
    if (frame.kind !== UNNUMBERED) counted(transaction!, frame.index);
    sink.recorded(frame.className, start);
    return true;
  }

  function drain(): boolean {
    let blocked = false;
    queue.drain(options.drainBytes, (frame) => {
      blocked = !deliver(frame);
      return !blocked;
    });
    return !blocked && !queue.empty;
  }

  function release(): void {
    if (queue.bytes <= options.drainBytes) drain();
    else options.onBacklog();
  }

  function mark(kind: number, transaction: OpenTransaction | null, position: Position): void {
    queue.start(kind, '', transaction?.serial ?? 0, 0).json(position);
    queue.finish(0, 0);
  }

  return {
    begin(transaction) {
      if (queue.empty) delivering = transaction;
    },
    open(transaction, className, index, held) {
      openClass = className;
      openIndex = index;
      openTransaction = transaction;
      // What is outside of every transaction waits for none: were it queued, a daemon that leaves now would lose it.
      direct = transaction === null || (held === null && queue.empty);
      if (direct) {
        const out = sink.buffer(className);
        openStart = out.length;
        return out;
      }
      if (transaction !== null) queued.set(transaction.serial, transaction);
      const kind = held ?? (index === null ? UNNUMBERED : RECORD);
      return queue.start(kind, className, transaction?.serial ?? 0, index ?? 0);
    },
    close(actorHole, contextHole) {
      if (!direct) {
        queue.finish(actorHole, contextHole);
        return;
      }
      if (openIndex !== null) counted(openTransaction!, openIndex);
      sink.recorded(openClass, openStart);
    },
    abandon() {
      if (direct) sink.buffer(openClass).length = openStart;
      else queue.abandon();
    },
    passed(transaction, index) {
      if (queue.empty && transaction.next <= index) transaction.next = index + 1;
    },
    commit(transaction, end) {
      if (queue.empty) {
        ended(transaction, end);
        return;
      }
      queued.set(transaction.serial, transaction);
      mark(COMMIT, transaction, end);
      release();
    },
    quiet(position) {
      if (queue.empty) settled(position);
      else {
        mark(QUIET, null, position);
        release();
      }
    },
    jump(position) {
      resumed = null;
      through = position;
      delivering = null;
    },
    release,
    drain,
    get waitingBytes() {
      return queue.bytes;
    },
    progress() {
      const partial = delivering?.sunk
        ? { position: delivering.start.position, next: delivering.next }
        : resumed;
      return { through, transactions, partial };
    },
  };
}
