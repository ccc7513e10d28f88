/**
 * XA transactions between XA PREPARE and their verdict, which comes under a later GTID, from whatever session, maybe days
 * later (manual: "XA Transactions"). Held in memory: what does not fit stops the source, since delivering a change
 * before it is decided would be a lie, and dropping it another.
 */
import { RowsealError } from '../../base/errors.ts';
import type { TransactionStart } from '../../change/change.ts';
import { readXaPrepare } from './gtid-event.ts';
import { type HeldEvents, MAX_ALL_HELD_BYTES, MAX_HELD_BYTES } from './held.ts';
import type { Delivered, FilePlace, Gtid } from './position.ts';
import type { Statement } from './statements.ts';
import type { Transaction } from './transaction.ts';
import { after, type Wait } from './wait.ts';

/** What of an open transaction matters here. */
export interface Preparing {
  readonly gtid: Gtid;
  readonly start: TransactionStart;
  /** This server ran it itself: its session numbers are this server's. */
  readonly own: boolean;
  /** Delivered by an earlier run. */
  readonly muted: boolean;
  /** A COMMIT is to come: it is not one statement alone. */
  explicit: boolean;
  /** Everything is held until the verdict. */
  preparing: boolean;
  /** The session that makes the changes. */
  threadId: number | null;
  /** Where the event at hand ends. */
  behind: FilePlace;
}

export interface XaParts {
  readonly held: HeldEvents;
  readonly delivered: Pick<Delivered, 'prepared' | 'decided'>;
  readonly transaction: Pick<Transaction, 'gap'>;
  readonly inside: () => Preparing;
  readonly begin: (threadId: number | null, madeAt?: string) => Wait;
  readonly finish: () => Wait;
  /** Delivers the events, and ends the transaction. */
  readonly replay: (events: readonly Buffer[]) => Wait;
  /** The transaction ended without a verdict: nothing of it is delivered. */
  readonly undecided: () => void;
}

export interface Xa {
  /** An event of a transaction that is preparing. */
  hold(event: Buffer): void;
  statement(said: Extract<Statement, { kind: 'xa' }>, threadId: number): Wait;
  /** XA_PREPARE: the end of what was prepared, or, in one phase, its commit. */
  prepare(event: Buffer, bodyEnd: number): Wait;
}

interface Prepared {
  readonly events: readonly Buffer[];
  readonly bytes: number;
  readonly threadId: number | null;
  /** When it was prepared: a verdict may come days later, when another session has that number. */
  readonly at: string;
}

export function createXa(parts: XaParts): Xa {
  const { held, delivered, inside, begin, finish, replay } = parts;
  const byXid = new Map<string, Prepared>();
  let bytes = 0;

  const take = (xid: string): Prepared | null => {
    const found = byXid.get(xid) ?? null;
    if (byXid.delete(xid)) bytes -= found?.bytes ?? 0;
    return found;
  };

  return {
    hold(event) {
      if (held.push(event)) return;
      const { gtid } = inside();
      throw tooLarge(gtid.flavor === 'mariadb' ? gtid.xid : null);
    },
    statement(said, threadId) {
      const open = inside();
      if (said.verb === 'start') {
        open.preparing = true;
        open.explicit = true;
        open.threadId = threadId;
        return undefined;
      }
      if (said.verb === 'end' || said.verb === 'prepare') return undefined;
      const found = take(said.xid);
      delivered.decided(said.xid);
      if (said.verb === 'rollback' || open.muted) return finish();
      open.explicit = true;
      return after(found === null ? begin(threadId) : begin(found.threadId, found.at), () => {
        if (found !== null) return replay(found.events);
        parts.transaction.gap('prepared_before_start');
        return finish();
      });
    },
    prepare(event, bodyEnd) {
      const { onePhase, xid } = readXaPrepare(event, bodyEnd);
      const open = inside();
      open.preparing = false;
      const threadId = open.own ? open.threadId : null;
      const prepared = { bytes: held.bytes, events: held.take(), threadId, at: open.start.time };
      if (onePhase) {
        return open.muted ? finish() : after(begin(open.threadId), () => replay(prepared.events));
      }
      take(xid);
      bytes += prepared.bytes;
      if (bytes > MAX_ALL_HELD_BYTES) throw tooLarge(xid);
      byXid.set(xid, prepared);
      delivered.prepared(open.gtid, open.behind, xid);
      parts.undecided();
      return undefined;
    },
  };
}

function tooLarge(xid: string | null): RowsealError {
  const details = { xid, eachBytes: MAX_HELD_BYTES, allBytes: MAX_ALL_HELD_BYTES };
  const text = 'XA transactions that wait for their verdict are too large';
  return new RowsealError('prepared_transaction_too_large', text, { details });
}
