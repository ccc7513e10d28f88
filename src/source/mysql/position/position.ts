/**
 * Our position as text, opaque to everybody else, and what was delivered up to it. GTIDs where there are any: MySQL's set
 * of everything delivered, MariaDB's last GTID of each domain; else a place in a file. Prepared transactions whose verdict
 * is to come are not delivered yet, and the position says so: a hole in MySQL's set, for the others `;xa=` and the
 * position from which to read again. It must never cover a transaction that the handler did not get.
 */
import type { Position } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import type { Start } from '../wire/link.ts';
import { parseGtidSet } from './gtid.ts';
import type { MariadbGtid, MysqlGtid } from './gtid-event.ts';
import { type MariadbPosition, parseMariadbPosition } from './mariadb-gtid.ts';

/** The position before all others. */
export const ORIGIN = 'none';
/** Of a server whose log knows no transaction yet. */
const EMPTY = 'empty';

export interface FilePlace {
  readonly file: string;
  readonly position: number;
}

export type Gtid = MysqlGtid | MariadbGtid;

export interface Delivered {
  /** The position behind everything delivered. */
  text(): Position;
  /** An earlier run delivered this transaction: it is read again for the sake of one that is prepared. */
  has(gtid: Gtid): boolean;
  /** A transaction ended at `end`, delivered now or before. */
  done(gtid: Gtid, end: FilePlace): void;
  /** A transaction ended with XA PREPARE: its changes are still to come. */
  prepared(gtid: Gtid, end: FilePlace, xid: string): void;
  /** The verdict over it is there. */
  decided(xid: string): void;
  /** Outside of a transaction the stream came to this place. */
  passed(place: FilePlace): void;
}

/** Where the stream has to start for this position. */
export function startOf(position: Position): Start {
  const [through, pending] = halves(position);
  const text = pending ?? through;
  const place = filePlace(text);
  return place === null ? { by: 'gtid', set: isEmpty(text) ? '' : text } : { by: 'file', ...place };
}

export function createDelivered(flavor: 'mysql' | 'mariadb', start: Position): Delivered {
  const [through, pending] = halves(start);
  const place = filePlace(through);
  if (place !== null) return byFile(place, pending === null ? place : (filePlace(pending) ?? place));
  if (flavor === 'mysql') return bySet(isEmpty(through) ? '' : through);
  return byDomains(
    parseMariadbPosition(isEmpty(through) ? '' : through),
    pending === null ? null : parseMariadbPosition(isEmpty(pending) ? '' : pending),
  );
}

function halves(position: Position): [through: string, pending: string | null] {
  const [through, ...rest] = position.split(';xa=');
  if (rest.length > 1) throw broken(`a position that is none: ${position.slice(0, 200)}`);
  return [through!.trim(), rest[0] ?? null];
}

function isEmpty(text: string): boolean {
  return text === '' || text === ORIGIN || text === EMPTY;
}

const FILE = /^([^:;,]+\.[0-9]+):([0-9]{1,15})$/;

function filePlace(text: string): FilePlace | null {
  const found = FILE.exec(text);
  return found === null ? null : { file: found[1]!, position: Number(found[2]) };
}

function bySet(through: string): Delivered {
  const set = parseGtidSet(through);
  const pending = new Map<string, MysqlGtid>();
  const add = (gtid: Gtid): void => {
    const { source, number } = ofMysql(gtid);
    if (source === null) throw broken('an anonymous transaction among those with a GTID');
    set.add(source, number);
  };
  return {
    text: () => (set.isEmpty ? EMPTY : set.text()),
    has: (gtid) => {
      const { source, number } = ofMysql(gtid);
      return source !== null && set.has(source, number);
    },
    done: add,
    prepared: (gtid, _end, xid) => void pending.set(xid, ofMysql(gtid)),
    decided(xid) {
      const gtid = pending.get(xid);
      if (gtid !== undefined) add(gtid);
      pending.delete(xid);
    },
    passed: () => {},
  };
}

/** Keeps two places: what was delivered, and what was read, which lies behind it as long as something is read again. */
function byDomains(delivered: MariadbPosition, pendingFrom: MariadbPosition | null): Delivered {
  const read = (pendingFrom ?? delivered).copy();
  const from = textOf(read);
  const again = new Set(delivered.domains.filter((domain) => delivered.last(domain) !== read.last(domain)));
  const pending = createPending(() => textOf(read));
  const ended = (gtid: Gtid): void => {
    const { domain, serverId, sequence } = ofMariadb(gtid);
    read.set(domain, serverId, sequence);
    if (!again.has(domain)) delivered.set(domain, serverId, sequence);
    else if (delivered.last(domain) === read.last(domain)) again.delete(domain);
  };
  return {
    text: () => textOf(delivered) + (again.size > 0 ? `;xa=${from}` : pending.suffix()),
    has: (gtid) => again.has(ofMariadb(gtid).domain),
    done: ended,
    prepared(gtid, _end, xid) {
      pending.add(xid);
      ended(gtid);
    },
    decided: pending.remove,
    passed: () => {},
  };
}

function textOf(position: MariadbPosition): string {
  return position.text() || EMPTY;
}

function byFile(through: FilePlace, from: FilePlace): Delivered {
  let delivered = through;
  let read = from;
  const start = `${read.file}:${read.position}`;
  let again = !same(delivered, read);
  const pending = createPending(() => `${read.file}:${read.position}`);
  const ended = (end: FilePlace): void => {
    read = end;
    if (!again) delivered = end;
    else if (same(delivered, read)) again = false;
  };
  return {
    text: () => `${delivered.file}:${delivered.position}${again ? `;xa=${start}` : pending.suffix()}`,
    has: () => again,
    done: (_gtid, end) => ended(end),
    prepared(_gtid, end, xid) {
      pending.add(xid);
      ended(end);
    },
    decided: pending.remove,
    passed(place) {
      // Heartbeats and events between transactions: never back, and not while transactions are read again.
      if (again) {
        if (same(delivered, place)) again = false;
        read = place;
      } else if (place.file !== delivered.file || place.position > delivered.position) ended(place);
    },
  };
}

function same(a: FilePlace, b: FilePlace): boolean {
  return a.file === b.file && a.position === b.position;
}

/** Prepared transactions in their order: the first one says from where to read again. */
function createPending(here: () => string) {
  const starts = new Map<string, string>();
  return {
    add: (xid: string) => void starts.set(xid, here()),
    remove: (xid: string) => void starts.delete(xid),
    suffix: () => {
      for (const start of starts.values()) return `;xa=${start}`;
      return '';
    },
  };
}

function ofMysql(gtid: Gtid): MysqlGtid {
  if (gtid.flavor !== 'mysql') throw broken('a GTID of MariaDB from MySQL');
  return gtid;
}

function ofMariadb(gtid: Gtid): MariadbGtid {
  if (gtid.flavor !== 'mariadb') throw broken('a GTID of MySQL from MariaDB');
  return gtid;
}
