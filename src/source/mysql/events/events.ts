/**
 * What every binlog event has: the header, the checksum, and the FORMAT_DESCRIPTION that says how the others of its file
 * look (MySQL internals: "Binary Log Event", "Format_description_event"). Here is decided whether an event's bytes can be
 * trusted; it must never hand over the body of one whose CRC32 is wrong.
 */
import { RowsealError } from '../../../base/errors.ts';
import { broken } from '../bytes/broken.ts';
import { checksumOf } from '../bytes/checksum.ts';
import { readFields } from '../bytes/fields.ts';

/** Types of events, as the servers number them: up to 159 MySQL's (shared where both know them), from 160 MariaDB's. */
export const EVENT = {
  QUERY: 2,
  STOP: 3,
  ROTATE: 4,
  INTVAR: 5,
  APPEND_BLOCK: 9,
  DELETE_FILE: 11,
  RAND: 13,
  USER_VAR: 14,
  FORMAT_DESCRIPTION: 15,
  XID: 16,
  BEGIN_LOAD_QUERY: 17,
  EXECUTE_LOAD_QUERY: 18,
  TABLE_MAP: 19,
  WRITE_ROWS_V1: 23,
  UPDATE_ROWS_V1: 24,
  DELETE_ROWS_V1: 25,
  INCIDENT: 26,
  HEARTBEAT: 27,
  IGNORABLE: 28,
  ROWS_QUERY: 29,
  WRITE_ROWS: 30,
  UPDATE_ROWS: 31,
  DELETE_ROWS: 32,
  GTID: 33,
  ANONYMOUS_GTID: 34,
  PREVIOUS_GTIDS: 35,
  TRANSACTION_CONTEXT: 36,
  VIEW_CHANGE: 37,
  XA_PREPARE: 38,
  PARTIAL_UPDATE_ROWS: 39,
  TRANSACTION_PAYLOAD: 40,
  HEARTBEAT_V2: 41,
  GTID_TAGGED: 42,
  ANNOTATE_ROWS: 160,
  BINLOG_CHECKPOINT: 161,
  MARIADB_GTID: 162,
  GTID_LIST: 163,
  START_ENCRYPTION: 164,
  QUERY_COMPRESSED: 165,
  WRITE_ROWS_COMPRESSED_V1: 166,
  UPDATE_ROWS_COMPRESSED_V1: 167,
  DELETE_ROWS_COMPRESSED_V1: 168,
  WRITE_ROWS_COMPRESSED: 169,
  UPDATE_ROWS_COMPRESSED: 170,
  DELETE_ROWS_COMPRESSED: 171,
} as const;

/** Made by the dump thread, not in the file. */
const ARTIFICIAL = 0x20;
/** A replica that doesn't know the type may pass it over. */
export const IGNORABLE_FLAG = 0x80;
/** MariaDB: the session asked replicas to pass this over (`skip_replication`). */
export const SKIP_REPLICATION_FLAG = 0x8000;

export const HEADER_BYTES = 19;
const CHECKSUM_BYTES = 4;

export interface EventHeader {
  /** Seconds since 1970 as the session said (`SET timestamp` forges it). */
  readonly timestamp: number;
  readonly type: number;
  readonly serverId: number;
  readonly size: number;
  /** Low 32 bits of the position behind the event; 0 where the server did not say. */
  readonly endPosition: number;
  readonly flags: number;
  readonly artificial: boolean;
}

/** Throws where the bytes are not one whole event. */
export function readHeader(event: Buffer): EventHeader {
  if (event.length < HEADER_BYTES) throw broken(`an event of ${event.length} bytes`);
  const header = headerOf(event);
  if (header.size !== event.length) {
    throw broken(`an event of ${event.length} bytes that says ${header.size}`);
  }
  return header;
}

/** Of bytes that were an event: its checksum may be gone. */
export function headerOf(event: Buffer): EventHeader {
  const flags = event.readUInt16LE(17);
  return {
    timestamp: event.readUInt32LE(0),
    type: event[4] as number,
    serverId: event.readUInt32LE(5),
    size: event.readUInt32LE(9),
    endPosition: event.readUInt32LE(13),
    flags,
    artificial: (flags & ARTIFICIAL) !== 0,
  };
}

export interface EventFrames {
  /**
   * Checks the event against its CRC32 and returns where its body ends; `place` is for the error's text. A
   * FORMAT_DESCRIPTION decides what holds for those behind it.
   */
  bodyEnd(event: Buffer, header: EventHeader, place: () => string): number;
}

/** Checksums of a stream: unknown until its first FORMAT_DESCRIPTION, before which the server sends a ROTATE. */
export function createEventFrames(): EventFrames {
  let checksums: boolean | null = null;
  /** The event before the first description had no valid CRC32. */
  let unproven = false;

  return {
    bodyEnd(event, header, place) {
      const { type, artificial } = header;
      if (type === EVENT.FORMAT_DESCRIPTION) {
        checksums = readFormatDescription(event);
        if (checksums && unproven) throw failed(place());
        unproven = false;
        // Without checksums the server changes fields of it (when the file was made) and leaves its CRC32 as it was.
        if (!checksums) return event.length - CHECKSUM_BYTES;
      } else if (checksums === false) return event.length;
      else if (checksums === null && !artificial)
        throw broken('an event before the first FORMAT_DESCRIPTION');
      const end = event.length - CHECKSUM_BYTES;
      if (end < HEADER_BYTES) throw broken('an event without room for its checksum');
      if (checksumOf(event, end) === event.readUInt32LE(end)) return end;
      if (checksums !== null) throw failed(place());
      // It has a checksum or not: the description will tell.
      unproven = true;
      return event.length;
    },
  };
}

function failed(place: string): RowsealError {
  return new RowsealError('stream_not_understood', `binlog event at ${place} fails its CRC32`);
}

/** Lengths of post-headers that are read here and in rows; another server generation has others. */
const POST_HEADERS: readonly (readonly [number, number])[] = [
  [EVENT.QUERY, 13],
  [EVENT.ROTATE, 8],
  [EVENT.TABLE_MAP, 8],
  [EVENT.WRITE_ROWS_V1, 8],
  [EVENT.UPDATE_ROWS_V1, 8],
  [EVENT.DELETE_ROWS_V1, 8],
  [EVENT.WRITE_ROWS, 10],
  [EVENT.UPDATE_ROWS, 10],
  [EVENT.DELETE_ROWS, 10],
];

/** Whether the events of this file have a CRC32. The description itself always has room for one (WL#2540). */
function readFormatDescription(event: Buffer): boolean {
  const fields = readFields(event, HEADER_BYTES, event.length - CHECKSUM_BYTES, 'FORMAT_DESCRIPTION');
  const version = fields.u16();
  if (version !== 4) throw broken(`a binlog of version ${version}`);
  fields.take(50); // the server's version
  fields.u32(); // when the file was made
  const header = fields.u8();
  if (header !== HEADER_BYTES) throw broken(`event headers of ${header} bytes`);
  const lengths = fields.take(fields.left() - 1);
  for (const [type, length] of POST_HEADERS) {
    const found = lengths[type - 1];
    // 0 where the server does not write them any more.
    if (found !== length && found !== 0)
      throw broken(`events of type ${type} with a post-header of ${found} bytes`);
  }
  const algorithm = fields.u8();
  if (algorithm > 1) throw broken(`checksums by algorithm ${algorithm}`);
  return algorithm === 1;
}

/** The name and position that a ROTATE points to. */
export function readRotate(
  event: Buffer,
  bodyEnd: number,
): { readonly file: string; readonly position: number } {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'ROTATE');
  const position = fields.u64();
  const name = fields.rest();
  if (name.length === 0 || name.length > 511 || name.some((byte) => byte < 0x20)) {
    throw broken('a ROTATE to a file without a name');
  }
  if (position > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('a ROTATE beyond all files');
  return { file: name.toString(), position: Number(position) };
}
