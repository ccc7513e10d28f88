/**
 * How far the records that the sink has reach: what a seal cut now says of its source. It must never go beyond a
 * record that the sink does not have, nor, after a restart inside a transaction, beyond that one before it came again.
 */
import type { Position } from '../change.ts';
import type { Progress } from '../sink.ts';
import type { OpenTransaction } from './open-transaction.ts';

export class Reach {
  #through: Position;
  #transactions: number;
  /** The transaction that the head seal ends inside of, until its end is reached. */
  #resumed: Progress['partial'];
  /** The transaction whose records the sink is getting. */
  #delivering: OpenTransaction | null = null;

  constructor(resume: Progress) {
    this.#through = resume.through;
    this.#transactions = resume.transactions;
    this.#resumed = resume.partial;
  }

  begin(transaction: OpenTransaction): void {
    this.#delivering = transaction;
  }

  /** The record of event `index` is the sink's. */
  counted(transaction: OpenTransaction, index: number): void {
    this.#delivering = transaction;
    transaction.sunk = true;
    transaction.next = index + 1;
    this.#transactions = transaction.number;
  }

  /** The sink has all of the transaction. */
  ended(transaction: OpenTransaction, end: Position): void {
    if (this.#resumed !== null && this.#resumed.position === transaction.start.position) this.#resumed = null;
    this.#through = end;
    this.#delivering = null;
  }

  quiet(position: Position): void {
    // Before the resumed transaction was seen again, nothing behind it can be quiet.
    if (this.#resumed === null) this.#through = position;
  }

  /** Nothing before `position` will come any more. */
  jump(position: Position): void {
    this.#resumed = null;
    this.#through = position;
    this.#delivering = null;
  }

  progress(): Progress {
    const delivering = this.#delivering;
    const partial = delivering?.sunk
      ? { position: delivering.start.position, next: delivering.next }
      : this.#resumed;
    return { through: this.#through, transactions: this.#transactions, partial };
  }
}
