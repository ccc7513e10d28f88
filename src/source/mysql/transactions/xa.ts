/**
 * XA transactions between XA PREPARE and their verdict, which comes under a later GTID, from whatever session, maybe days
 * later (manual: "XA Transactions"): what each statement and event of them means, while prepared-transactions.ts holds
 * them. It must never deliver a change before it is decided, which would be a lie, nor drop one, which would be another.
 */
import type { TransactionStart } from '../../../change/change.ts';
import { after, type Wait } from '../events/wait.ts';
import { readXaPrepare } from '../position/gtid-event.ts';
import type { Delivered, FilePlace, Gtid } from '../position/position.ts';
import type { Statement } from '../sql/statements.ts';
import type { HeldEvents } from './held.ts';
import type { Overflow } from './overflow.ts';
import { createPreparedTransactions, drop, type Prepared } from './prepared-transactions.ts';
import type { Transaction } from './transaction.ts';

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

export function createXa(parts: XaParts): Xa {
  const { delivered, inside, begin, finish } = parts;
  const prepared = createPreparedTransactions(parts.held, parts.overflow);

  const replay = (found: Prepared): Wait =>
    after(parts.replay(found.overflowed?.events() ?? found.events), () => {
      drop(found);
      return undefined;
    });

  const decide = (verb: 'commit' | 'rollback', xid: string, threadId: number): Wait => {
    const open = inside();
    const found = prepared.take(xid);
    delivered.decided(xid);
    if (verb === 'rollback' || open.muted) {
      drop(found);
      return finish();
    }
    open.explicit = true;
    return after(found === null ? begin(threadId) : begin(found.threadId, found.at), () => {
      if (found !== null) return replay(found);
      parts.transaction.gap('prepared_before_start');
      return finish();
    });
  };

  return {
    hold(event) {
      const { gtid } = inside();
      prepared.hold(event, gtid.flavor === 'mariadb' ? gtid.xid : null);
    },
    statement({ verb, xid }, threadId) {
      if (verb === 'start') return start(inside(), threadId);
      if (verb === 'end' || verb === 'prepare') return undefined;
      return decide(verb, xid, threadId);
    },
    prepare(event, bodyEnd) {
      const { onePhase, xid } = readXaPrepare(event, bodyEnd);
      const open = inside();
      open.preparing = false;
      const whole = prepared.takeOpen(open.own ? open.threadId : null, open.start.time);
      if (onePhase) {
        if (!open.muted) return after(begin(open.threadId), () => replay(whole));
        drop(whole);
        return finish();
      }
      prepared.add(xid, whole);
      delivered.prepared(open.gtid, open.behind, xid);
      parts.undecided();
      return undefined;
    },
    forget: prepared.forgetOpen,
  };
}

/** What follows is held; its COMMIT is the verdict. */
function start(open: Preparing, threadId: number): undefined {
  open.preparing = true;
  open.explicit = true;
  open.threadId = threadId;
}
