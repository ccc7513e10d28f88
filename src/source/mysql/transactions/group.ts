/**
 * The events of one transaction, from behind its GTID to its end (MySQL internals: "event group"): what is delivered now,
 * what waits for a verdict (xa.ts) or behind a savepoint (held-back.ts), what is missing. It must never deliver what was
 * rolled back as if it stood, and never end a transaction that the server did not.
 */
import type { Position, TransactionStart } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { isQuery, isSilent } from '../events/event-kinds.ts';
import {
  EVENT,
  type EventHeader,
  headerOf,
  IGNORABLE_FLAG,
  SKIP_REPLICATION_FLAG,
} from '../events/events.ts';
import { eachEvent, inflated } from '../events/payload.ts';
import { type Query, readQuery } from '../events/query.ts';
import { isRowsEvent } from '../events/rows.ts';
import { after, stepThrough, type Wait } from '../events/wait.ts';
import type { Delivered, FilePlace, Gtid } from '../position/position.ts';
import { createGroupStatements, type GroupStatements } from './group-statements.ts';
import { createHeldEvents } from './held.ts';
import { createHeldBack, type HeldBack } from './held-back.ts';
import { createOpenGroup, type OpenGroup } from './open-group.ts';
import type { Overflow } from './overflow.ts';
import type { RowEvents } from './row-events.ts';
import type { Transaction } from './transaction.ts';
import { createXa, type Xa } from './xa.ts';

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

export function createGroup(parts: GroupParts): Group {
  const { transaction, delivered, ready } = parts;
  const held = createHeldEvents();
  /** An event that came out of another, or was held: nobody could stop the stream before it. */
  const paced = (event: Buffer): Wait => {
    const header = headerOf(event);
    return after(dispatch.event(event, header, event.length), ready);
  };
  const heldBack = createHeldBack({ held, transaction, deliver: paced });
  const group = createOpenGroup(parts);
  const finish = (): Wait => after(heldBack.deliver(), group.end);
  const xa = createXa({
    held,
    overflow: parts.overflow,
    delivered,
    transaction,
    inside: group.inside,
    begin: group.begin,
    finish,
    replay: (events) => after(stepThrough(events, paced), finish),
    undecided: group.undecided,
  });
  const statements = createGroupStatements({ transaction, group, heldBack, xa, finish });
  const dispatch = createDispatch({ ...parts, group, heldBack, xa, statements, finish, paced });

  return {
    get isOpen() {
      return group.isOpen;
    },
    open(gtid, start, own = true) {
      group.open(gtid, start, own);
      heldBack.open();
      xa.forget();
    },
    event(event, header, bodyEnd, behind) {
      group.inside().behind = behind;
      return dispatch.event(event, header, bodyEnd);
    },
    lost() {
      xa.forget();
      group.lost();
    },
  };
}

interface DispatchParts extends Pick<GroupParts, 'transaction' | 'rows'> {
  readonly group: OpenGroup;
  readonly heldBack: HeldBack;
  readonly xa: Xa;
  readonly statements: GroupStatements;
  /** The transaction ended. */
  readonly finish: () => Wait;
  /** What is done with an event that comes out of another. */
  readonly paced: (event: Buffer) => Wait;
}

interface Dispatch {
  /** Whatever its type means, now or later. What is not known stops. */
  event(event: Buffer, header: EventHeader, bodyEnd: number): Wait;
}

function createDispatch(parts: DispatchParts): Dispatch {
  const { transaction, group, heldBack, xa, statements, finish, paced, rows } = parts;

  const change = (event: Buffer, header: EventHeader, bodyEnd: number): undefined => {
    if (header.type === EVENT.TABLE_MAP) rows.table(event, bodyEnd);
    else if (header.type === EVENT.ROWS_QUERY || header.type === EVENT.ANNOTATE_ROWS)
      rows.text(event, bodyEnd);
    else if (header.type === EVENT.EXECUTE_LOAD_QUERY) statements.untold(readQuery(event, bodyEnd));
    else {
      if ((header.flags & SKIP_REPLICATION_FLAG) !== 0) transaction.tamper('skip_replication');
      rows.rows(event, bodyEnd);
    }
  };

  /** The server could not log something: of the transaction, or alone in one. */
  const incident = (): Wait => {
    const { muted, explicit } = group.inside();
    if (muted) return explicit ? undefined : finish();
    return after(group.begin(null), () => {
      transaction.gap('incident');
      return explicit ? undefined : finish();
    });
  };

  return {
    event(event, header, bodyEnd) {
      const open = group.inside();
      const { type } = header;
      if (type === EVENT.TRANSACTION_PAYLOAD) return eachEvent(event, bodyEnd, paced);
      if (open.preparing && type !== EVENT.XA_PREPARE) {
        xa.hold(event.subarray(0, bodyEnd));
        return undefined;
      }
      if (isQuery(type)) return statements.statement(queryOf(event, bodyEnd), event, bodyEnd);
      if (type === EVENT.XA_PREPARE) return xa.prepare(event, bodyEnd);
      if (type === EVENT.XID) return finish();
      if (isSilent(type)) return undefined;
      if (type === EVENT.INCIDENT) return incident();
      if (isRowsEvent(type) || CHANGING.has(type)) {
        if (open.muted) return undefined;
        if (heldBack.holding) return heldBack.hold(event, bodyEnd);
        return after(group.begin(null), () => change(event, header, bodyEnd));
      }
      if ((header.flags & IGNORABLE_FLAG) !== 0) return undefined;
      throw broken(`an event of type ${type} in a transaction`);
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

function queryOf(event: Buffer, bodyEnd: number): Query {
  if (event[4] !== EVENT.QUERY_COMPRESSED) return readQuery(event, bodyEnd);
  const plain = inflated(event, bodyEnd);
  return readQuery(plain, plain.length);
}
