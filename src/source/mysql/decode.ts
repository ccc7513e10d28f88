/**
 * The binlog stream as calls to the handler: files and heartbeats here, transactions in group.ts. What is neither known
 * nor marked as ignorable stops (`stream_not_understood`), and nothing may be skipped. An event's bytes are read during the
 * call, or until the promise that it returned is settled.
 */
import type { ChangeHandler, Position, TransactionStart } from '../../change/change.ts';
import { broken } from './broken.ts';
import type { Flavor } from './column.ts';
import { isBetween } from './event-kinds.ts';
import {
  createEventFrames,
  EVENT,
  type EventHeader,
  IGNORABLE_FLAG,
  readHeader,
  readRotate,
} from './events.ts';
import { createGroup } from './group.ts';
import { readMariadbGtid, readMysqlGtid, readTaggedGtid } from './gtid-event.ts';
import type { Overflow } from './overflow.ts';
import { createDelivered, type FilePlace, type Gtid } from './position.ts';
import { createRowEvents } from './row-events.ts';
import { type ColumnsNow, createTableMaps } from './table-map.ts';
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
  const { flavor, handler } = options;
  const frames = createEventFrames();
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
  let place: FilePlace = { file: '', position: 4 };

  const passed = (): void => {
    delivered.passed(place);
    handler.quiet(delivered.text());
  };

  const rotate = (event: Buffer, header: EventHeader, bodyEnd: number): void => {
    const to = readRotate(event, bodyEnd);
    if (group.isOpen) group.lost();
    // The dump thread's own says which file comes; where we stand in it we know better.
    if (header.artificial && to.file === place.file) return;
    const first = place.file === '';
    place = to;
    if (!first) passed();
  };

  const begin = (gtid: Gtid, header: EventHeader): void => {
    if (group.isOpen) throw broken('a transaction inside another');
    const own = options.serverId === undefined || options.serverId === header.serverId;
    const start = transactionStart(gtid, header, { ...place, position: place.position - header.size });
    group.open(gtid, start, own);
  };

  const between = (event: Buffer, header: EventHeader, bodyEnd: number): boolean => {
    switch (header.type) {
      case EVENT.FORMAT_DESCRIPTION:
        if (group.isOpen) group.lost();
        tables.forget();
        return true;
      case EVENT.ROTATE:
        rotate(event, header, bodyEnd);
        return true;
      case EVENT.HEARTBEAT:
      case EVENT.HEARTBEAT_V2:
        if (!group.isOpen) passed();
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

  const outside = (header: EventHeader): void => {
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
  };

  return {
    event(event) {
      const header = readHeader(event);
      const bodyEnd = frames.bodyEnd(event, header, () => `${place.file}:${place.position}`);
      if (header.endPosition > 0 && !header.artificial) place = advanced(place, header.endPosition);
      if (between(event, header, bodyEnd)) return undefined;
      if (group.isOpen) return group.event(event, header, bodyEnd, place);
      outside(header);
      return undefined;
    },
    position: () => delivered.text(),
    inTransaction: () => group.isOpen,
    lost: () => group.lost(),
  };
}

/** Headers have 32 bits of the position; files with a large transaction at their end are longer. Never back. */
function advanced({ file, position }: FilePlace, low: number): FilePlace {
  const next = position - (position % 2 ** 32) + low;
  if (next >= position) return { file, position: next };
  return { file, position: position - next > 2 ** 31 ? next + 2 ** 32 : position };
}

function transactionStart(gtid: Gtid, header: EventHeader, at: FilePlace): TransactionStart {
  const id = idOf(gtid) ?? `${at.file}:${at.position}`;
  const micros = gtid.flavor === 'mysql' ? gtid.commitMicros : null;
  if (micros === null) {
    return { id, position: id, time: timeOf(header.timestamp, 0), timeSource: 'header' };
  }
  return { id, position: id, time: timeOf(Math.floor(micros / 1e6), micros % 1e6) };
}

function idOf(gtid: Gtid): string | null {
  if (gtid.flavor === 'mariadb') return `${gtid.domain}-${gtid.serverId}-${gtid.sequence}`;
  return gtid.source === null ? null : `${gtid.source}:${gtid.number}`;
}

/** The second that was asked for last: small transactions come by the thousand in one. */
let lastSeconds = -1;
let lastText = '';

/** `2026-11-21T20:18:33.123456Z` */
function timeOf(seconds: number, micros: number): string {
  if (seconds !== lastSeconds) {
    lastText = new Date(seconds * 1000).toISOString().slice(0, -5);
    lastSeconds = seconds;
  }
  return `${lastText}.${String(micros).padStart(6, '0')}Z`;
}
