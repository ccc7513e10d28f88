/**
 * What of the open transaction is held back, since somebody may still roll back to the savepoint before it, and the
 * savepoints themselves. Its events are delivered at the end, or when they are more than may be held. It must never
 * deliver what was rolled back as if it stood: what was delivered before is told by its indexes.
 */

import { after, stepThrough, type Wait } from '../events/wait.ts';
import type { Gtid } from '../position/position.ts';
import type { HeldEvents } from './held.ts';
import { createSavepoints } from './savepoints.ts';
import type { Transaction } from './transaction.ts';

export interface HeldBackParts {
  readonly held: HeldEvents;
  readonly transaction: Pick<Transaction, 'count' | 'gap'>;
  /** Carries an event out as one that just came. */
  readonly deliver: (event: Buffer) => Wait;
}

export interface HeldBack {
  /** Another transaction opens: nothing is held of it. */
  open(): void;
  /** What comes is to be held. */
  readonly holding: boolean;
  hold(event: Buffer, bodyEnd: number): Wait;
  /** Delivers all that is held, in its order. */
  deliver(): Wait;
  savepoint(name: string, gtid: Gtid): void;
  release(name: string): void;
  rollbackTo(name: string): Wait;
}

export function createHeldBack({ held, transaction, deliver }: HeldBackParts): HeldBack {
  const savepoints = createSavepoints(held);
  let holding = false;

  const deliverAll = (): Wait => {
    holding = false;
    let place = 0;
    return stepThrough(held.take(), (event) => {
      savepoints.delivers(place++, transaction.count);
      return deliver(event);
    });
  };

  return {
    open() {
      holding = false;
      savepoints.begin();
    },
    get holding() {
      return holding;
    },
    hold(event, bodyEnd) {
      const bytes = event.subarray(0, bodyEnd);
      if (held.push(bytes)) return undefined;
      return after(deliverAll(), () => deliver(bytes));
    },
    deliver: deliverAll,
    savepoint(name, gtid) {
      // What does not take part in a rollback (MyISAM) must not be forgotten by one: then nothing is held.
      const holds = gtid.flavor === 'mariadb' ? gtid.transactional : gtid.source !== null;
      savepoints.set(name, holds, transaction.count);
      holding ||= holds;
    },
    release: savepoints.release,
    rollbackTo(name) {
      const back = savepoints.rollback(name);
      if (back.taken) return undefined;
      return after(deliverAll(), () => {
        if (transaction.count > back.last)
          transaction.gap('rolled_back', { first: back.last + 1, last: transaction.count });
        return undefined;
      });
    },
  };
}
