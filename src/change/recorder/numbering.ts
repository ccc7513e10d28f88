/**
 * Which event this is: transactions and their events counted as the source delivers them, and which of them an
 * earlier run sealed already. It must never count by what is recorded (an index is the event's place before any
 * filter of ours), nor give a transaction a number before it has a record.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Position, TransactionStart } from '../change.ts';
import { type TransactionBytes, transactionBytes } from '../record/record.ts';
import type { Progress } from '../sink.ts';
import { type OpenTransaction, openTransaction, strayed } from './open-transaction.ts';

export interface Numbering {
  /** Index of the event at hand. */
  readonly index: number;
  /** End of the last transaction that the source delivered, or a later quiet position. */
  readonly reached: Position;
  begin(start: TransactionStart): OpenTransaction;
  /** The transaction that has begun; throws `internal` where there is none. */
  inside(): OpenTransaction;
  /** Counts an event; whether it is new. */
  arrives(): boolean;
  /** Whether the event that comes next is new. */
  expectsNew(): boolean;
  /** The transaction's bytes, and with them its number: it has a record. */
  bytesOf(transaction: OpenTransaction): TransactionBytes;
  commit(end: Position): OpenTransaction;
  quiet(position: Position): void;
  /** Nothing before `position` will come any more. */
  jump(position: Position): void;
}

/** `label`: what begins every record's id. */
export function createNumbering(label: string, resume: Progress): Numbering {
  let serial = 0;
  let lastNumber = resume.transactions;
  /** The transaction that the last seal ends inside of, until it begins again. */
  let awaited = resume.partial;
  let current: OpenTransaction | null = null;
  /** Events before this one were sealed by an earlier run. */
  let firstNew = 1;

  const inside = (): OpenTransaction => {
    if (current === null)
      throw new RowsealError('internal', 'the source delivered an event outside a transaction');
    return current;
  };

  const numbering = {
    index: 0,
    reached: resume.through,
    begin(start: TransactionStart) {
      const replay = awaited?.position === start.position ? awaited : null;
      if (replay !== null) awaited = null;
      firstNew = replay?.next ?? 1;
      numbering.index = 0;
      current = openTransaction(++serial, start, replay === null ? 0 : resume.transactions, firstNew);
      return current;
    },
    inside,
    arrives: () => ++numbering.index >= firstNew,
    expectsNew: () => numbering.index + 1 >= firstNew,
    bytesOf(transaction: OpenTransaction) {
      if (transaction.bytes !== null) return transaction.bytes;
      if (transaction.number === 0) {
        if (awaited !== null) throw strayed(awaited.position, transaction.start.position);
        transaction.number = ++lastNumber;
      }
      transaction.bytes = transactionBytes(label, transaction.start, transaction.number);
      return transaction.bytes;
    },
    commit(end: Position) {
      const transaction = inside();
      current = null;
      numbering.reached = end;
      return transaction;
    },
    quiet(position: Position) {
      numbering.reached = position;
    },
    jump(position: Position) {
      awaited = null;
      numbering.reached = position;
    },
  };
  return numbering;
}
