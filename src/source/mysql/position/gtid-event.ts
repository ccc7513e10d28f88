/**
 * The event that begins a transaction: MySQL's GTID, ANONYMOUS_GTID and GTID_TAGGED (the latter in the format of MySQL's
 * serialization library), MariaDB's GTID. Says who the transaction is and when it was committed. The commit time must
 * never be taken from the header where the event has its own, since `SET timestamp` forges the header's.
 */
import { broken } from '../bytes/broken.ts';
import { type Fields, readFields } from '../bytes/fields.ts';
import { EVENT, type EventHeader, HEADER_BYTES } from '../events/events.ts';
import { isTag, uuidText } from './gtid.ts';

export interface MysqlGtid {
  readonly flavor: 'mysql';
  /** `uuid` or `uuid:tag`; null where the transaction is anonymous. */
  readonly source: string | null;
  readonly number: bigint;
  /** Microseconds since 1970 at the commit on this server; null where it did not say. */
  readonly commitMicros: number | null;
}

export interface MariadbGtid {
  readonly flavor: 'mariadb';
  readonly domain: number;
  readonly serverId: number;
  readonly sequence: bigint;
  /** One event follows, and no COMMIT. */
  readonly standalone: boolean;
  /** Nothing in it escapes a rollback. */
  readonly transactional: boolean;
  readonly prepares: boolean;
  readonly xid: string | null;
  /** Of a two-phase ALTER: its beginning and its failure change nothing. */
  readonly alter: 'start' | 'commit' | 'rollback' | null;
  readonly threadId: number | null;
}

/** Of types 33 and 34. */
export function readMysqlGtid(event: Buffer, bodyEnd: number): MysqlGtid {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'GTID');
  fields.u8(); // flags: whether there may be statements
  const uuid = uuidText(fields.take(16));
  const number = gtidNumber(fields.u64(), event[4] === EVENT.ANONYMOUS_GTID);
  const source = event[4] === EVENT.ANONYMOUS_GTID ? null : uuid;
  // Logical timestamps: a type code, two of 8 bytes. The commit's time came with 8.0.1; its top bit says that the time
  // at the transaction's origin follows.
  if (fields.left() < 17 + 7) return { flavor: 'mysql', source, number, commitMicros: null };
  fields.take(17);
  const low = fields.u32();
  const commitMicros = microseconds((fields.u24() % 2 ** 23) * 2 ** 32 + low);
  return { flavor: 'mysql', source, number, commitMicros };
}

/** Of type 42: fields by id, in ascending order (mysql::serialization, "Message format specification"). */
export function readTaggedGtid(event: Buffer, bodyEnd: number): MysqlGtid {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'GTID_TAGGED');
  const version = fields.varlen();
  if (version !== 1n) throw broken(`GTID_TAGGED in serialization ${version}`);
  if (fields.varlen() !== BigInt(bodyEnd - HEADER_BYTES)) throw broken('a GTID_TAGGED of another length');
  if (fields.varlen() > LAST_FIELD) throw broken('a GTID_TAGGED with a field that is not known');
  let uuid: string | null = null;
  let tag = '';
  let number: bigint | null = null;
  let commit: bigint | null = null;
  let last = -1n;
  while (fields.left() > 0) {
    const id = fields.varlen();
    if (id <= last) throw broken('a GTID_TAGGED with its fields out of order');
    last = id;
    if (id > LAST_FIELD) break; // ignorable, for the message says so
    if (id === 1n) uuid = uuidText(serializedUuid(fields));
    else if (id === 2n) number = fields.varlenSigned();
    else if (id === 3n) tag = serializedTag(fields);
    else if (id === 6n) commit = fields.varlen();
    else if (SIGNED.has(id)) fields.varlenSigned();
    else fields.varlen();
  }
  if (uuid === null || number === null) throw broken('a GTID_TAGGED without its GTID');
  return {
    flavor: 'mysql',
    source: tag === '' ? uuid : `${uuid}:${tag}`,
    number: gtidNumber(number, false),
    commitMicros: commit === null ? null : microseconds(Number(commit)),
  };
}

/** 0 flags, 1 uuid, 2 number, 3 tag, 4 and 5 logical times, 6 and 7 times, 8 length, 9 and 10 versions, 11 ticket. */
const LAST_FIELD = 11n;
const SIGNED = new Set([4n, 5n]);

function serializedUuid(fields: Fields): Buffer {
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < 16; i++) {
    const value = fields.varlen();
    if (value > 255n) throw broken('a GTID_TAGGED with a byte that is none');
    bytes[i] = Number(value);
  }
  return bytes;
}

function serializedTag(fields: Fields): string {
  const length = fields.varlen();
  if (length > 32n) throw broken('a GTID with a tag beyond 32 characters');
  const tag = fields.take(Number(length)).toString('latin1');
  if (tag !== '' && !isTag(tag)) throw broken('a GTID with a tag that is none');
  return tag;
}

/** Exact up to the year 2255. */
function microseconds(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER) throw broken('a commit time beyond all bounds');
  return value;
}

function gtidNumber(number: bigint, anonymous: boolean): bigint {
  if (anonymous ? number !== 0n : number < 1n || number >= 2n ** 63n - 1n)
    throw broken('a GTID out of range');
  return number;
}

const STANDALONE = 0x01;
const GROUP_COMMIT = 0x02;
const TRANSACTIONAL = 0x04;
const PREPARED_XA = 0x40;
const COMPLETED_XA = 0x80;
/** Extra flags (MariaDB, log_event.h, Gtid_log_event). */
const MULTI_ENGINE = 0x01;
const START_ALTER = 0x02;
const COMMIT_ALTER = 0x04;
const ROLLBACK_ALTER = 0x08;
const THREAD_ID = 0x10;

/** Of type 162. The post-header is 19 bytes; where the fields need fewer, zeros fill it up. */
export function readMariadbGtid(event: Buffer, bodyEnd: number, header: EventHeader): MariadbGtid {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'GTID');
  const sequence = fields.u64();
  const domain = fields.u32();
  const flags = fields.u8();
  if ((flags & GROUP_COMMIT) !== 0) fields.u64();
  const xid = (flags & (PREPARED_XA | COMPLETED_XA)) !== 0 ? readXid(fields) : null;
  const extra = fields.left() > 0 ? fields.u8() : 0;
  if ((extra & MULTI_ENGINE) !== 0) fields.u8();
  if ((extra & (COMMIT_ALTER | ROLLBACK_ALTER)) !== 0) fields.u64();
  if (extra >= THREAD_ID * 2) throw broken('a GTID with flags that are not known');
  return {
    flavor: 'mariadb',
    domain,
    serverId: header.serverId,
    sequence,
    standalone: (flags & STANDALONE) !== 0,
    transactional: (flags & TRANSACTIONAL) !== 0,
    prepares: (flags & PREPARED_XA) !== 0,
    xid,
    alter: alterOf(extra),
    threadId: (extra & THREAD_ID) !== 0 ? fields.u32() : null,
  };
}

function alterOf(extra: number): MariadbGtid['alter'] {
  if ((extra & START_ALTER) !== 0) return 'start';
  if ((extra & COMMIT_ALTER) !== 0) return 'commit';
  return (extra & ROLLBACK_ALTER) !== 0 ? 'rollback' : null;
}

function readXid(fields: Fields): string {
  const format = fields.u32();
  const global = fields.u8();
  const branch = fields.u8();
  if (global > 64 || branch > 64) throw broken('an XA identifier beyond 64 bytes');
  return xidText(format, fields.take(global), fields.take(branch));
}

/** As the servers write it into XA statements of the binlog: `X'gtrid',X'bqual',format`. */
export function xidText(format: number, global: Buffer, branch: Buffer): string {
  return `X'${global.toString('hex')}',X'${branch.toString('hex')}',${format}`;
}

/** XA_PREPARE (38); `onePhase` means that it commits there and then. */
export function readXaPrepare(
  event: Buffer,
  bodyEnd: number,
): { readonly onePhase: boolean; readonly xid: string } {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'XA_PREPARE');
  const onePhase = fields.u8() !== 0;
  const format = fields.u32();
  const global = fields.u32();
  const branch = fields.u32();
  if (global > 64 || branch > 64) throw broken('an XA identifier beyond 64 bytes');
  return { onePhase, xid: xidText(format, fields.take(global), fields.take(branch)) };
}
