/**
 * In which order a server's binary log has what was committed, read from its files with nothing of src: events by their
 * headers, groups by their GTID events, compressed bytes inflated; and in the bytes of each group a search for the name
 * that its session gave it, which every row of the shadow log carries. No row is decoded here.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { inflateSync, zstdDecompressSync } from 'node:zlib';

export interface LoggedGroup {
  /** `uuid:7`, `uuid:tag:7`, `0-1-5`, without GTIDs `binlog.000001:157`. Of an XA transaction that of its verdict. */
  readonly gtid: string;
  /** What stands in @shadow_tx; null where the group has no row of the shadow log. */
  readonly name: string | null;
  /** Commit time in UTC, to the microsecond (MySQL) or to the second (MariaDB). */
  readonly time: string | null;
  /** Kinds of the DDL statements, like ALTER TABLE. */
  readonly ddl: readonly string[];
}

/** How sessions name their transactions. */
export const NAME = /T~[a-z0-9]+-\d+~/;

const QUERY = 2;
const XA_PREPARE = 38;
const MYSQL_GTID = 33;
const MYSQL_ANONYMOUS_GTID = 34;
const MYSQL_GTID_TAGGED = 42;
const MYSQL_PAYLOAD = 40;
const MARIADB_GTID = 162;
const MARIADB_QUERY_COMPRESSED = 165;
/** Query_compressed to DELETE_ROWS_COMPRESSED. */
const isMariadbCompressed = (type: number) => type >= 165 && type <= 171;
const HEADER = 19;

interface Group {
  gtid: string;
  time: string | null;
  name: string | null;
  ddl: string[];
  /** The XA transaction that this begins, or decides. */
  xa: string | null;
  verdict: 'COMMIT' | 'ROLLBACK' | null;
  prepares: boolean;
}

/** Groups of transactions that were committed, and of DDL. `files` are the binary logs, oldest first. */
export async function orderOf(files: readonly string[]): Promise<LoggedGroup[]> {
  const groups: Group[] = [];
  for (const file of files) {
    let open: Group | null = null;
    for (const event of eventsOf(await readFile(file), 4)) {
      const begun = begin(event, `${basename(file)}:${event.at}`);
      if (begun !== null) {
        open = begun;
        groups.push(open);
      } else if (open !== null) look(event, open);
    }
  }
  const prepared = new Map<string, Group>();
  return groups.flatMap((group): LoggedGroup[] => {
    const { gtid, time, ddl, xa, verdict } = group;
    if (group.prepares && xa !== null && verdict === null) {
      prepared.set(xa, group);
      return [];
    }
    if (verdict === null || xa === null) return [{ gtid, time, ddl, name: group.name }];
    const before = prepared.get(xa);
    prepared.delete(xa);
    return verdict === 'COMMIT' ? [{ gtid, time, ddl, name: before?.name ?? group.name }] : [];
  });
}

interface Event {
  /** Where it begins in the file. */
  readonly at: number;
  readonly type: number;
  readonly seconds: number;
  readonly server: number;
  readonly body: Buffer;
}

function* eventsOf(bytes: Buffer, from: number): Generator<Event> {
  for (let at = from; at + HEADER <= bytes.length; ) {
    const size = bytes.readUInt32LE(at + 9);
    if (size < HEADER || at + size > bytes.length) return; // torn by a crash
    const type = bytes[at + 4] as number;
    const event = {
      at,
      type,
      seconds: bytes.readUInt32LE(at),
      server: bytes.readUInt32LE(at + 5),
      body: bytes.subarray(at + HEADER, at + size),
    };
    yield event;
    if (type === MYSQL_PAYLOAD) yield* eventsOf(payloadOf(event.body), 0);
    at += size;
  }
}

/**
 * The zstd frame begins with its magic number; a checksum may stand behind it. With the checksum's bytes the frame can't
 * be read when its text fills Node's chunks exactly: they are taken for another frame.
 */
function payloadOf(body: Buffer): Buffer {
  const frame = body.subarray(body.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])));
  try {
    return zstdDecompressSync(frame.subarray(0, -4));
  } catch {
    return zstdDecompressSync(frame);
  }
}

function begin({ type, seconds, server, body }: Event, place: string): Group | null {
  const group = {
    time: null as string | null,
    name: null,
    ddl: [],
    xa: null,
    verdict: null,
    prepares: false,
  };
  if (type === MYSQL_GTID || type === MYSQL_ANONYMOUS_GTID) {
    const known = `${uuidOf(body.subarray(1, 17))}:${body.readBigInt64LE(17)}`;
    const gtid = type === MYSQL_GTID ? known : place;
    return { ...group, gtid, time: timeOf(body.readUIntLE(42, 6) + (body[48] as number & 0x7f) * 2 ** 48) };
  }
  if (type === MYSQL_GTID_TAGGED) return { ...group, ...taggedOf(body) };
  if (type !== MARIADB_GTID) return null;
  return {
    ...group,
    gtid: `${body.readUInt32LE(8)}-${server}-${body.readBigUInt64LE(0)}`,
    time: timeOf(seconds * 1e6),
  };
}

/**
 * mysql::serialization: version, size, last non-ignorable field; then fields, each after its number: 0 flags, 1 uuid
 * (16 numbers), 2 gno, 3 tag (length, bytes), 4 last committed, 5 sequence number, 6 immediate commit time. A number's
 * first byte has as many ones, from its low end, as bytes follow; a signed one is zigzag.
 */
function taggedOf(body: Buffer): { gtid: string; time: string | null } {
  let at = 0;
  const number = (): bigint => {
    const first = body[at] as number;
    let more = 0;
    while (more < 8 && (first >> more) & 1) more++;
    let value = 0n;
    for (let i = more; i > 0; i--) value = (value << 8n) | BigInt(body[at + i] as number);
    at += more + 1;
    return more >= 7 ? value : (value << BigInt(7 - more)) | BigInt(first >> (more + 1));
  };
  const signed = () => {
    const value = number();
    return value & 1n ? -((value >> 1n) + 1n) : value >> 1n;
  };
  number();
  const end = Number(number());
  number();
  let [uuid, gno, tag, time] = ['', 0n, '', null as string | null];
  while (at < end) {
    const field = Number(number());
    if (field === 1) uuid = uuidOf(Buffer.from(Array.from({ length: 16 }, () => Number(number()))));
    else if (field === 2) gno = signed();
    else if (field === 3) {
      const length = Number(number());
      tag = body.toString('latin1', at, at + length);
      at += length;
    } else if (field === 4 || field === 5) signed();
    else if (field === 6) time = timeOf(Number(number()));
    else if (field === 0) number();
    else break;
  }
  return { gtid: `${uuid}:${tag === '' ? '' : `${tag}:`}${gno}`, time };
}

/** Takes from an event what its group is known by. */
function look(event: Event, group: Group): void {
  if (event.type === XA_PREPARE) group.prepares = event.body[0] === 0; // else it commits in one phase
  const body = isMariadbCompressed(event.type) ? inflated(event.body) : event.body;
  if (event.type === QUERY || event.type === MARIADB_QUERY_COMPRESSED) {
    query(statementOf(body), group);
    return;
  }
  const name = NAME.exec(body.toString('latin1'))?.[0] ?? null;
  if (name === null) return;
  if (group.name !== null && group.name !== name)
    throw new Error(`${group.gtid} holds ${group.name} and ${name}`);
  group.name = name;
}

function query(text: string, group: Group): void {
  // Behind the text may stand a checksum.
  const xa = /^XA (START|END|COMMIT|ROLLBACK) (X'[^']*',X'[^']*')/i.exec(text);
  if (xa !== null) {
    const word = (xa[1] as string).toUpperCase();
    group.xa = xa[2] as string;
    if (word === 'COMMIT' || word === 'ROLLBACK') group.verdict = word;
    return;
  }
  const plain = text.replace(/\/\*.*?\*\//gs, ' ').trim();
  const found =
    /^(GRANT|REVOKE|CREATE|ALTER|DROP|RENAME|TRUNCATE)\b(?:(?<!GRANT|REVOKE)(?:\s+OR\s+REPLACE|\s+DEFINER\s*=\s*\S+|\s+UNIQUE|\s+TEMPORARY)*\s+(TABLE|INDEX|TRIGGER|USER|DATABASE|VIEW|PROCEDURE)\b)?/i.exec(
      plain,
    );
  if (found !== null) group.ddl.push([found[1], found[2]].filter(Boolean).join(' ').toUpperCase());
}

/** Query event: thread 4, time 4, length of database 1, error 2, length of status variables 2, these, database, 0, text. */
function statementOf(body: Buffer): string {
  const from = 13 + body.readUInt16LE(11) + (body[8] as number) + 1;
  return body.toString('utf8', from);
}

/** A zlib stream behind some uncompressed bytes, which come first again in what is returned. */
function inflated(body: Buffer): Buffer {
  for (let at = body.indexOf(0x78); at >= 0 && at < body.length; at = body.indexOf(0x78, at + 1)) {
    try {
      return Buffer.concat([body.subarray(0, at), inflateSync(body.subarray(at))]);
    } catch {
      // not here
    }
  }
  return body;
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function timeOf(micros: number): string {
  const second = new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(micros % 1e6).padStart(6, '0')}Z`;
}
