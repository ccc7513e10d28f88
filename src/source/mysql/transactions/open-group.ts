/**
 * The one transaction that is open: what its GTID said, what its statements made of it, and its begin and end, told to the
 * handler once each. It must never begin one that an earlier run delivered, nor end one with the position of another.
 */
import type { Position, TransactionStart } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import type { Wait } from '../events/wait.ts';
import type { Delivered, FilePlace, Gtid } from '../position/position.ts';
import type { RowEvents } from './row-events.ts';
import type { Transaction } from './transaction.ts';
import type { Preparing } from './xa.ts';

export interface Open extends Preparing {
  /** The position before it. */
  readonly from: Position;
}

export interface OpenGroupParts {
  readonly transaction: Transaction;
  readonly delivered: Delivered;
  readonly rows: Pick<RowEvents, 'begin' | 'end'>;
  readonly quiet: (position: Position) => void;
}

export interface OpenGroup {
  readonly isOpen: boolean;
  /** Throws where none is open. */
  inside(): Open;
  open(gtid: Gtid, start: TransactionStart, own: boolean): void;
  /** Tells the handler that it begins, unless that was done, or all of it was delivered before. */
  begin(threadId: number | null, madeAt?: string): Wait;
  /** It ended, and all of it was delivered. */
  end(): undefined;
  /** It ended without a verdict: nothing of it was delivered. */
  undecided(): void;
  /** It never ended. */
  lost(): void;
}

const NOWHERE: FilePlace = { file: '', position: 0 };

export function createOpenGroup(parts: OpenGroupParts): OpenGroup {
  const { transaction, delivered, rows } = parts;
  let group: Open | null = null;

  const inside = (): Open => {
    if (group === null) throw broken('an event outside of a transaction');
    return group;
  };

  return {
    get isOpen() {
      return group !== null;
    },
    inside,
    open(gtid, start, own) {
      const ofMariadb = gtid.flavor === 'mariadb';
      group = {
        gtid,
        start,
        own,
        from: delivered.text(),
        muted: delivered.has(gtid),
        explicit: ofMariadb && !gtid.standalone,
        preparing: ofMariadb && gtid.prepares,
        threadId: ofMariadb ? gtid.threadId : null,
        behind: NOWHERE,
      };
    },
    begin(threadId, madeAt) {
      const { muted, start, gtid, own } = inside();
      if (muted || transaction.begun) return undefined;
      const thread = threadId ?? (gtid.flavor === 'mariadb' ? gtid.threadId : null);
      rows.begin(own, thread);
      return transaction.begin(start, own ? thread : null, madeAt);
    },
    end() {
      const { gtid, from, behind } = inside();
      if (transaction.begun) rows.end();
      delivered.done(gtid, behind);
      group = null;
      if (transaction.begun) transaction.commit(from, delivered.text());
      else parts.quiet(delivered.text());
    },
    undecided() {
      group = null;
      parts.quiet(delivered.text());
    },
    lost() {
      const open = group;
      group = null;
      if (open === null || !transaction.begun) return;
      transaction.gap('incomplete_transaction', { last: transaction.count });
      transaction.commit(open.from, open.from);
    },
  };
}
