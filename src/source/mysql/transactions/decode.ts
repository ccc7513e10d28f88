/**
 * The binlog stream as calls to the handler: what stands between transactions here, transactions in group.ts. What is
 * neither known nor marked as ignorable stops (`stream_not_understood`), and nothing may be skipped. An event's bytes are
 * read during the call, or until the promise that it returned is settled.
 */
import type { ChangeHandler, Position } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import type { Flavor } from '../bytes/flavor.ts';
import { isBetween } from '../events/event-kinds.ts';
import {
  createEventFrames,
  EVENT,
  type EventHeader,
  IGNORABLE_FLAG,
  readHeader,
  readRotate,
} from '../events/events.ts';
import { type ColumnsNow, createTableMaps, type TableMaps } from '../events/table-map.ts';
import { readMariadbGtid, readMysqlGtid, readTaggedGtid } from '../position/gtid-event.ts';
import { createDelivered, type Delivered, type Gtid } from '../position/position.ts';
import { createStreamPlace, type StreamPlace } from '../position/stream-place.ts';
import { transactionStart } from '../position/transaction-start.ts';
import { createGroup, type Group } from './group.ts';
import type { Overflow } from './overflow.ts';
import { createRowEvents } from './row-events.ts';
import { createTransaction, type TransactionParts } from './transaction.ts';

export interface DecoderOptions extends Pick<TransactionParts, 'threads'> {
  readonly flavor: Flavor;
  readonly handler: Pick<
    ChangeHandler,
    'begin' | 'row' | 'message' | 'moved' | 'commit' | 'quiet' | 'observe'
  >;
  /** Where the stream starts: `startOf` says where the link has to. */
  readonly start: Position;
  /** Whether the table has our trigger, as of now. */
  readonly contextTrigger: (schema: string, table: string) => boolean;
  /**
   * Whether a rule of the policy matches: rows of a table that came without column names are then missing. Every table
   * counts where this is not given.
   */
  readonly covers?: (schema: string, table: string) => boolean;
  /** The server compares names of schemas and tables without case. */
  readonly foldsNames?: boolean;
  /** The columns that a table has by now, where a redaction depends on it. */
  readonly columnsNow?: ColumnsNow;
  /** MySQL: rows of this table were changed whose cascades stand in no log. Told at least once a table. */
  readonly cascadesUnlogged?: (schema: string, table: string) => void;
  /**
   * The server's own: what another one wrote (this is its replica) bears that one's session numbers, or the applier's, and
   * nobody is asked whose they are. Absent: all of it is its own.
   */
  readonly serverId?: number;
  /** Where prepared transactions go that memory does not hold; where it is not given, they stop. */
  readonly overflow?: Overflow;
  /** Settles when the handler takes more: asked inside of what comes as one event but is many. */
  readonly ready?: () => Promise<void> | undefined;
}

export interface Decoder {
  /** One event, header and checksum included. Throws, or rejects with, RowsealError; then the decoder is spent. */
  event(event: Buffer): Promise<void> | undefined;
  /** Everything before it was delivered. */
  position(): Position;
  inTransaction(): boolean;
  /** The transaction that is open was never committed: it is told as that, and closed. */
  lost(): void;
}

export function createDecoder(options: DecoderOptions): Decoder {
  const { handler } = options;
  const frames = createEventFrames();
  const { delivered, tables, group, place } = partsOf(options);

  const begin = (gtid: Gtid, header: EventHeader): void => {
    if (group.isOpen) throw broken('a transaction inside another');
    const own = options.serverId === undefined || options.serverId === header.serverId;
    group.open(gtid, transactionStart(gtid, header, place.now()), own);
  };

  /** What stands between transactions; false where that is no such event. */
  const between = (event: Buffer, header: EventHeader, bodyEnd: number): boolean => {
    switch (header.type) {
      case EVENT.FORMAT_DESCRIPTION:
        if (group.isOpen) group.lost();
        tables.forget();
        return true;
      case EVENT.ROTATE: {
        const to = readRotate(event, bodyEnd);
        if (group.isOpen) group.lost();
        place.rotate(to, header.artificial);
        return true;
      }
      case EVENT.HEARTBEAT:
      case EVENT.HEARTBEAT_V2:
        if (!group.isOpen) place.passed();
        return true;
      case EVENT.GTID:
      case EVENT.ANONYMOUS_GTID:
        begin(readMysqlGtid(event, bodyEnd), header);
        return true;
      case EVENT.GTID_TAGGED:
        begin(readTaggedGtid(event, bodyEnd), header);
        return true;
      case EVENT.MARIADB_GTID:
        begin(readMariadbGtid(event, bodyEnd, header), header);
        return true;
      default:
        return false;
    }
  };

  const here = (): string => {
    const { file, position } = place.now();
    return `${file}:${position}`;
  };

  return {
    event(event) {
      const header = readHeader(event);
      const bodyEnd = frames.bodyEnd(event, header, here);
      place.read(header);
      if (between(event, header, bodyEnd)) return undefined;
      if (group.isOpen) return group.event(event, header, bodyEnd, place.now());
      outside(header, delivered, handler);
      return undefined;
    },
    position: () => delivered.text(),
    inTransaction: () => group.isOpen,
    lost: () => group.lost(),
  };
}

interface Parts {
  readonly delivered: Delivered;
  readonly tables: TableMaps;
  readonly group: Group;
  readonly place: StreamPlace;
}

function partsOf(options: DecoderOptions): Parts {
  const { flavor, handler } = options;
  const delivered = createDelivered(flavor, options.start);
  const tables = createTableMaps(flavor, options.contextTrigger, options.foldsNames, options.columnsNow);
  const transaction = createTransaction({
    handler,
    threads: options.threads,
    foldsNames: options.foldsNames === true,
  });
  const rows = createRowEvents({
    transaction,
    tables,
    covers: options.covers ?? (() => true),
    cascadesUnlogged: options.cascadesUnlogged ?? (() => undefined),
  });
  const quiet = (position: Position) => handler.quiet(position);
  const group = createGroup({
    transaction,
    delivered,
    rows,
    quiet,
    overflow: options.overflow ?? null,
    ready: options.ready ?? (() => undefined),
  });
  return { delivered, tables, group, place: createStreamPlace({ delivered, quiet }) };
}

/** An event that is of no transaction and begins none. */
function outside(
  header: EventHeader,
  delivered: Delivered,
  handler: Pick<DecoderOptions['handler'], 'observe'>,
): void {
  if (header.type === EVENT.INCIDENT) {
    const position = delivered.text();
    handler.observe({
      kind: 'gap',
      within: true,
      from: position,
      to: position,
      reason: 'incident',
      details: {},
    });
  } else if (!isBetween(header.type) && (header.flags & IGNORABLE_FLAG) === 0) {
    throw broken(`an event of type ${header.type} between transactions`);
  }
}
