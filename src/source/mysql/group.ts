/**
 * The events of one transaction, from behind its GTID to its end (MySQL internals: "event group"): what is delivered now,
 * what waits for a verdict (XA) or behind a savepoint, what is missing. It must never deliver what was rolled back as if
 * it stood, and never end a transaction that the server did not.
 */
import type { Position, TransactionStart } from '../../change/change.ts';
import { broken } from './broken.ts';
import { isQuery, isSilent } from './event-kinds.ts';
import { EVENT, type EventHeader, headerOf, IGNORABLE_FLAG, SKIP_REPLICATION_FLAG } from './events.ts';
import { createHeldEvents } from './held.ts';
import type { Overflow } from './overflow.ts';
import { eachEvent, inflated } from './payload.ts';
import type { Delivered, FilePlace, Gtid } from './position.ts';
import { type Query, readQuery } from './query.ts';
import type { RowEvents } from './row-events.ts';
import { isRowsEvent } from './rows.ts';
import { createSavepoints } from './savepoints.ts';
import { classify, type Statement } from './statements.ts';
import type { Transaction } from './transaction.ts';
import { after, stepThrough, type Wait } from './wait.ts';
import { createXa, type Preparing } from './xa.ts';

export interface GroupParts {
  readonly transaction: Transaction;
  readonly delivered: Delivered;
  readonly rows: RowEvents;
  readonly quiet: (position: Position) => void;
  /** Where prepared transactions go that memory does not hold; null: they stop. */
  readonly overflow: Overflow | null;
  /** Settles when the handler takes more; asked between events that come out of one. */
  readonly ready: () => Wait;
}

export interface Group {
  /** A GTID came: a transaction begins. `own`: this server ran it itself. */
  open(gtid: Gtid, start: TransactionStart, own?: boolean): void;
  readonly isOpen: boolean;
  /** An event of it; `behind`: the place behind it. */
  event(event: Buffer, header: EventHeader, bodyEnd: number, behind: FilePlace): Wait;
  /** The file ended inside of it: the server crashed, and it was never committed. */
  lost(): void;
}

interface Open extends Preparing {
  /** The position before it. */
  readonly from: Position;
}

export function createGroup(parts: GroupParts): Group {
  const { transaction, delivered, rows } = parts;
  const held = createHeldEvents();
  const savepoints = createSavepoints(held);
  /** Behind a savepoint: what comes is held. */
  let holding = false;
  let group: Open | null = null;

  const inside = (): Open => {
    if (group === null) throw broken('an event outside of a transaction');
    return group;
  };

  const begin = (threadId: number | null, madeAt?: string): Wait => {
    const { muted, start, gtid, own } = inside();
    if (muted || transaction.begun) return undefined;
    const thread = threadId ?? (gtid.flavor === 'mariadb' ? gtid.threadId : null);
    rows.begin(own, thread);
    return transaction.begin(start, own ? thread : null, madeAt);
  };

  /** The transaction ended: with all that was held it is delivered. */
  const finish = (): Wait => after(deliverHeld(), finished);
  const finished = (): undefined => {
    const { gtid, from, behind } = inside();
    if (transaction.begun) rows.end();
    delivered.done(gtid, behind);
    group = null;
    if (transaction.begun) transaction.commit(from, delivered.text());
    else parts.quiet(delivered.text());
  };

  const deliverHeld = (): Wait => {
    holding = false;
    let place = 0;
    return stepThrough(held.take(), (event) => {
      savepoints.delivers(place++, transaction.count);
      return paced(event);
    });
  };
  /** An event that came out of another, or was held: nobody could stop the stream before it. */
  const paced = (event: Buffer): Wait => {
    const header = headerOf(event);
    return after(dispatch(event, header, event.length), parts.ready);
  };

  const dispatch = (event: Buffer, header: EventHeader, bodyEnd: number): Wait => {
    const open = inside();
    const { type } = header;
    if (type === EVENT.TRANSACTION_PAYLOAD) return eachEvent(event, bodyEnd, paced);
    if (open.preparing && type !== EVENT.XA_PREPARE) {
      xa.hold(event.subarray(0, bodyEnd));
      return undefined;
    }
    if (isQuery(type)) return statement(event, bodyEnd);
    if (type === EVENT.XA_PREPARE) return xa.prepare(event, bodyEnd);
    if (type === EVENT.XID) return finish();
    if (isSilent(type)) return undefined;
    if (type === EVENT.INCIDENT) return incident();
    if (isRowsEvent(type) || CHANGING.has(type)) {
      if (open.muted) return undefined;
      if (holding) return hold(event, bodyEnd);
      return after(begin(null), () => change(event, header, bodyEnd));
    }
    if ((header.flags & IGNORABLE_FLAG) !== 0) return undefined;
    throw broken(`an event of type ${type} in a transaction`);
  };

  const change = (event: Buffer, header: EventHeader, bodyEnd: number): Wait => {
    if (header.type === EVENT.TABLE_MAP) rows.table(event, bodyEnd);
    else if (header.type === EVENT.ROWS_QUERY || header.type === EVENT.ANNOTATE_ROWS)
      rows.text(event, bodyEnd);
    else if (header.type === EVENT.EXECUTE_LOAD_QUERY) statementChange(readQuery(event, bodyEnd));
    else {
      if ((header.flags & SKIP_REPLICATION_FLAG) !== 0) transaction.tamper('skip_replication');
      rows.rows(event, bodyEnd);
    }
    return undefined;
  };

  /** The server could not log something: of the transaction, or alone in one. */
  const incident = (): Wait => {
    const { muted, explicit } = inside();
    if (muted) return explicit ? undefined : finish();
    return after(begin(null), () => {
      transaction.gap('incident');
      return explicit ? undefined : finish();
    });
  };

  const hold = (event: Buffer, bodyEnd: number): Wait => {
    const bytes = event.subarray(0, bodyEnd);
    if (held.push(bytes)) return undefined;
    return after(deliverHeld(), () => paced(bytes));
  };

  const statement = (event: Buffer, bodyEnd: number): Wait => {
    const query = isCompressed(event) ? readPlain(inflated(event, bodyEnd)) : readQuery(event, bodyEnd);
    const said = classify(query.text ?? query.rough, query.schema, query.mode);
    const open = inside();
    switch (said.kind) {
      case 'begin':
        open.explicit = true;
        return begin(query.threadId);
      case 'commit':
        return finish();
      case 'rollback':
        return rollback();
      case 'savepoint':
      case 'rollback_to':
      case 'release':
        return savepoint(said.kind, said.name);
      case 'xa':
        return xa.statement(said, query.threadId);
      case 'ddl':
      case 'change':
        return definition(event, bodyEnd, query, said);
    }
    return said satisfies never;
  };

  /** DDL, or a change in statement format: alone in its transaction, or among others. */
  const definition = (
    event: Buffer,
    bodyEnd: number,
    query: Query,
    said: Extract<Statement, { kind: 'ddl' | 'change' }>,
  ): Wait => {
    const open = inside();
    const { gtid } = open;
    const undecided = gtid.flavor === 'mariadb' && (gtid.alter === 'start' || gtid.alter === 'rollback');
    if (!open.muted && !undecided) {
      if (holding) return hold(event, bodyEnd);
      return after(begin(query.threadId), () => {
        if (said.kind === 'ddl') transaction.ddl(query, said);
        else statementChange(query);
        return open.explicit ? undefined : finish();
      });
    }
    return open.explicit ? undefined : finish();
  };

  const statementChange = (query: Query): void => {
    const said = classify(query.text ?? query.rough, query.schema, query.mode);
    const known = said.kind === 'change' ? said : { textClass: 'statement_unknown', table: null };
    transaction.gap('statement_format', { text_class: known.textClass, table: known.table });
  };

  const rollback = (): Wait =>
    after(deliverHeld(), () => {
      if (transaction.begun && transaction.count > 0)
        transaction.gap('rolled_back', { last: transaction.count });
      return finish();
    });

  const savepoint = (kind: 'savepoint' | 'rollback_to' | 'release', name: string): Wait => {
    const { muted, gtid } = inside();
    if (muted) return undefined;
    if (kind === 'release') savepoints.release(name);
    else if (kind === 'savepoint') {
      // What does not take part in a rollback (MyISAM) must not be forgotten by one: then nothing is held.
      const holds = gtid.flavor === 'mariadb' ? gtid.transactional : gtid.source !== null;
      savepoints.set(name, holds, transaction.count);
      holding ||= holds;
    } else {
      const back = savepoints.rollback(name);
      if (back.taken) return undefined;
      return after(deliverHeld(), () => {
        if (transaction.count > back.last)
          transaction.gap('rolled_back', { first: back.last + 1, last: transaction.count });
        return undefined;
      });
    }
    return undefined;
  };

  const replay = (events: Iterable<Buffer>): Wait => after(stepThrough(events, paced), finish);

  const xa = createXa({
    held,
    overflow: parts.overflow,
    delivered,
    transaction,
    inside,
    begin,
    finish,
    replay,
    undecided: () => {
      group = null;
      parts.quiet(delivered.text());
    },
  });

  return {
    get isOpen() {
      return group !== null;
    },
    open(gtid, start, own = true) {
      const xaFirst = gtid.flavor === 'mariadb' && gtid.prepares;
      group = {
        gtid,
        start,
        own,
        from: delivered.text(),
        muted: delivered.has(gtid),
        explicit: gtid.flavor === 'mariadb' && !gtid.standalone,
        preparing: xaFirst,
        threadId: gtid.flavor === 'mariadb' ? gtid.threadId : null,
        behind: { file: '', position: 0 },
      };
      holding = false;
      xa.forget();
      savepoints.begin();
    },
    event(event, header, bodyEnd, behind) {
      inside().behind = behind;
      return dispatch(event, header, bodyEnd);
    },
    lost() {
      const open = group;
      group = null;
      xa.forget();
      if (open === null || !transaction.begun) return;
      transaction.gap('incomplete_transaction', { last: transaction.count });
      transaction.commit(open.from, open.from);
    },
  };
}

/** Events that change something, beside those with rows. */
const CHANGING: ReadonlySet<number> = new Set([
  EVENT.TABLE_MAP,
  EVENT.ROWS_QUERY,
  EVENT.ANNOTATE_ROWS,
  EVENT.EXECUTE_LOAD_QUERY,
]);

function isCompressed(event: Buffer): boolean {
  return event[4] === EVENT.QUERY_COMPRESSED;
}

function readPlain(event: Buffer): Query {
  return readQuery(event, event.length);
}
