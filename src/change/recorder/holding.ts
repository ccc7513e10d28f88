/**
 * Whether a row of which nobody said who made it waits for somebody to say so, and who then may. It must never let
 * rows pile up only because there may have been a trigger, nor give them the word of a table that isn't theirs.
 */
import { type Attribution, UNATTRIBUTED } from '../attribution/attribution.ts';
import type { Relation } from '../change.ts';
import type { Delivery } from './delivery.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { DOUBTFUL, HELD, type Holding } from './waiting.ts';

/** No row waits behind so many bytes only because there may have been a trigger. */
const MAX_DOUBTFUL_BYTES = 4 * 1024 * 1024;

export function holdingOf(
  transaction: OpenTransaction,
  relation: Relation,
  action: 'insert' | 'update' | 'delete' | 'truncate',
  delivery: Delivery,
): Holding {
  if (relation.contextAhead) return null;
  if (relation.contextTrigger) return transaction.resolution === null ? HELD : null;
  const { contextTriggerLost: lost } = relation;
  if (lost === undefined || transaction.doubtful !== null) return null;
  // A trigger speaks before the rows of an INSERT or TRUNCATE: had there been one, its word would be here.
  if ((action === 'insert' || action === 'truncate') && delivery.waitingBytes === 0) return null;
  if (delivery.waitingBytes > MAX_DOUBTFUL_BYTES) {
    transaction.doubtful = UNATTRIBUTED;
    delivery.release();
    return null;
  }
  transaction.relids ??= new Set();
  if (lost.length === 0) transaction.relids.add(ANY);
  for (const relid of lost) transaction.relids.add(relid);
  return DOUBTFUL;
}

/** A trigger of the table `relid` spoke: what the rows that wait get, null where it says nothing of who acts. */
export function resolve(transaction: OpenTransaction, relid: string | null, said: Attribution | null): void {
  const { relids } = transaction;
  transaction.resolution ??= said;
  const theirs = relids?.has(ANY) || (relid !== null && relids?.has(relid));
  transaction.doubtful ??= theirs ? said : UNATTRIBUTED;
}

/** Nobody will say anything any more: `unspoken` is what is known all the same. */
export function giveUp(transaction: OpenTransaction, unspoken: Attribution): void {
  transaction.resolution ??= unspoken;
  transaction.doubtful ??= UNATTRIBUTED;
}

const ANY = '*';
