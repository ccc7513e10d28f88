/**
 * The sink's side of the recorder: records go straight into the sink while nothing waits, else behind what
 * waits; and how far the sink's records reach. It must never report progress beyond a record that the sink
 * does not have, nor hand over a record whose holes are open.
 */

import type { RecordBuffer } from '../buffer.ts';
import type { Position } from '../change.ts';
import type { Mark, Progress } from '../sink.ts';
import { Backlog, type BacklogParts } from './backlog.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { Reach } from './reach.ts';
import { type Holding, RECORD, UNNUMBERED } from './waiting.ts';

export interface DeliveryOptions extends Omit<BacklogParts, 'reach'> {
  readonly resume: Progress;
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
  close(actorHole: number, contextHole: number, mark?: Mark): void;
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
  const reach = new Reach(options.resume);
  const backlog = new Backlog({ ...options, reach });
  // The record between open and close.
  let direct = true;
  let openClass = '';
  let openStart = 0;
  let openIndex: number | null = null;
  let openTransaction: OpenTransaction | null = null;

  return {
    begin(transaction) {
      if (backlog.empty) reach.begin(transaction);
    },
    open(transaction, className, index, held) {
      openClass = className;
      openIndex = index;
      openTransaction = transaction;
      // What is outside of every transaction waits for none: were it queued, a daemon that leaves now would lose it.
      direct = transaction === null || (held === null && backlog.empty);
      if (transaction === null || direct) {
        const out = sink.buffer(className);
        openStart = out.length;
        return out;
      }
      const kind = held ?? (index === null ? UNNUMBERED : RECORD);
      return backlog.start(kind, className, transaction, index ?? 0);
    },
    close(actorHole, contextHole, mark) {
      if (!direct) {
        backlog.finish(actorHole, contextHole);
        return;
      }
      if (openIndex !== null) reach.counted(openTransaction!, openIndex);
      sink.recorded(openClass, openStart, mark);
    },
    abandon() {
      if (direct) sink.buffer(openClass).length = openStart;
      else backlog.abandon();
    },
    passed(transaction, index) {
      if (backlog.empty && transaction.next <= index) transaction.next = index + 1;
    },
    commit: (transaction, end) => backlog.commit(transaction, end),
    quiet: (position) => backlog.quiet(position),
    jump: (position) => reach.jump(position),
    release: () => backlog.release(),
    drain: () => backlog.drain(),
    get waitingBytes() {
      return backlog.bytes;
    },
    progress: () => reach.progress(),
  };
}
