/**
 * XA transactions between XA PREPARE and their verdict, which comes under a later GTID, from whatever session, maybe days
 * later (manual: "XA Transactions"). Held in memory, and behind its bounds in spools. What fits nowhere stops the source:
 * delivering a change before it is decided would be a lie, and dropping it another.
 */
import { RowsealError } from '../../base/errors.ts';
import type { TransactionStart } from '../../change/change.ts';
import { readXaPrepare } from './gtid-event.ts';
import { type HeldEvents, MAX_ALL_HELD_BYTES } from './held.ts';
import type { Overflow, Overflowed } from './overflow.ts';
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
  /** Null: what memory does not hold stops. */
  readonly overflow: Overflow | null;
  readonly delivered: Pick<Delivered, 'prepared' | 'decided'>;
  readonly transaction: Pick<Transaction, 'gap'>;
  readonly inside: () => Preparing;
  readonly begin: (threadId: number | null, madeAt?: string) => Wait;
  readonly finish: () => Wait;
  /** Delivers the events, and ends the transaction. */
  readonly replay: (events: Iterable<Buffer>) => Wait;
  /** The transaction ended without a verdict: nothing of it is delivered. */
  readonly undecided: () => void;
}

export interface Xa {
  /** An event of a transaction that is preparing. */
  hold(event: Buffer): void;
  statement(said: Extract<Statement, { kind: 'xa' }>, threadId: number): Wait;
  /** XA_PREPARE: the end of what was prepared, or, in one phase, its commit. */
  prepare(event: Buffer, bodyEnd: number): Wait;
  /** What was held of the transaction that is open is not needed. */
  forget(): void;
}

interface Prepared {
  events: readonly Buffer[];
  /** Of memory. */
  bytes: number;
  /** Where they all are, when memory does not hold them. */
  overflowed: Overflowed | null;
  readonly threadId: number | null;
  /** When it was prepared: a verdict may come days later, when another session has that number. */
  readonly at: string;
}

export function createXa(parts: XaParts): Xa {
  const { held, delivered, inside, begin, finish } = parts;
  const byXid = new Map<string, Prepared>();
  /** Of memory, all of them. */
  let bytes = 0;
  /** Where the open transaction is held, when memory does not hold it. */
  let overflowed: Overflowed | null = null;

  const append = (to: Overflowed, event: Buffer, xid: string | null): void => {
    if (!to.push(event)) throw tooLarge(xid);
  };
  const overflow = (events: readonly Buffer[], xid: string | null): Overflowed => {
    const made = parts.overflow?.open() ?? null;
    if (made === null) throw tooLarge(xid, 'there are too many of them');
    for (const event of events) append(made, event, xid);
    return made;
  };
  /** The largest make room for the others. */
  const makeRoom = (): void => {
    while (bytes > MAX_ALL_HELD_BYTES) {
      const [xid, largest] = [...byXid].reduce((one, other) => (other[1].bytes > one[1].bytes ? other : one));
      largest.overflowed = overflow(largest.events, xid);
      bytes -= largest.bytes;
      largest.bytes = 0;
      largest.events = [];
    }
  };
  const take = (xid: string): Prepared | null => {
    const found = byXid.get(xid) ?? null;
    if (byXid.delete(xid)) bytes -= found?.bytes ?? 0;
    return found;
  };
  const drop = (prepared: Prepared | null): void => prepared?.overflowed?.close();
  const replay = (prepared: Prepared): Wait =>
    after(parts.replay(prepared.overflowed?.events() ?? prepared.events), () => {
      drop(prepared);
      return undefined;
    });

  return {
    hold(event) {
      if (overflowed === null && held.push(event)) return;
      const { gtid } = inside();
      const xid = gtid.flavor === 'mariadb' ? gtid.xid : null;
      overflowed ??= overflow(held.take(), xid);
      append(overflowed, event, xid);
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
      if (said.verb === 'rollback' || open.muted) {
        drop(found);
        return finish();
      }
      open.explicit = true;
      return after(found === null ? begin(threadId) : begin(found.threadId, found.at), () => {
        if (found !== null) return replay(found);
        parts.transaction.gap('prepared_before_start');
        return finish();
      });
    },
    prepare(event, bodyEnd) {
      const { onePhase, xid } = readXaPrepare(event, bodyEnd);
      const open = inside();
      open.preparing = false;
      const threadId = open.own ? open.threadId : null;
      const prepared: Prepared = {
        bytes: held.bytes,
        events: held.take(),
        overflowed,
        threadId,
        at: open.start.time,
      };
      overflowed = null;
      if (onePhase) {
        if (!open.muted) return after(begin(open.threadId), () => replay(prepared));
        drop(prepared);
        return finish();
      }
      drop(take(xid));
      byXid.set(xid, prepared);
      bytes += prepared.bytes;
      makeRoom();
      delivered.prepared(open.gtid, open.behind, xid);
      parts.undecided();
      return undefined;
    },
    forget() {
      held.take();
      overflowed?.close();
      overflowed = null;
    },
  };
}

function tooLarge(xid: string | null, why = 'they need more than spool.max_bytes'): RowsealError {
  const text = `XA transactions that wait for their verdict fit neither memory nor the spool: ${why}`;
  return new RowsealError('prepared_transaction_too_large', text, { details: { xid } });
}
