/** Binlog events made by hand, for what no server sends when asked: broken, hostile, or too large. */
import { crc32 } from 'node:zlib';
import { EVENT } from '../../src/source/mysql/events/events.ts';

/** An event of this type around a body, with header and CRC32. */
export function event(
  type: number,
  body: Uint8Array,
  more: { flags?: number; end?: number; seconds?: number } = {},
): Buffer {
  const bytes = Buffer.alloc(19 + body.length + 4);
  bytes.writeUInt32LE(more.seconds ?? 1_800_000_000, 0);
  bytes[4] = type;
  bytes.writeUInt32LE(7, 5);
  bytes.writeUInt32LE(bytes.length, 9);
  bytes.writeUInt32LE(more.end ?? 0, 13);
  bytes.writeUInt16LE(more.flags ?? 0, 17);
  bytes.set(body, 19);
  return sealed(bytes);
}

/** The event with a checksum that is right for what its bytes are now. */
export function sealed(bytes: Buffer): Buffer {
  if (bytes.length >= 23) bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

/** Without its checksum, as events are inside of a payload: the size says so. */
export function bare(bytes: Buffer): Buffer {
  const cut = Buffer.from(bytes.subarray(0, -4));
  cut.writeUInt32LE(cut.length, 9);
  return cut;
}

export function query(
  text: string,
  more: { schema?: string; threadId?: number; status?: Buffer } = {},
): Buffer {
  const schema = Buffer.from(more.schema ?? 'shop');
  const status = more.status ?? Buffer.alloc(0);
  const head = Buffer.alloc(13);
  head.writeUInt32LE(more.threadId ?? 12, 0);
  head[8] = schema.length;
  head.writeUInt16LE(status.length, 11);
  return event(EVENT.QUERY, Buffer.concat([head, status, schema, Buffer.alloc(1), Buffer.from(text)]));
}

export const UUID = '80e313c1-e619-11f1-9818-02fc00000001';

export function mysqlGtid(number: number, anonymous = false): Buffer {
  const body = Buffer.alloc(42 + 7);
  if (!anonymous) Buffer.from(UUID.replaceAll('-', ''), 'hex').copy(body, 1);
  body.writeBigUInt64LE(BigInt(anonymous ? 0 : number), 17);
  body[25] = 2;
  body.writeUIntLE(1_800_000_000_123_456 % 2 ** 48, 42, 6);
  body[48] = Math.floor(1_800_000_000_123_456 / 2 ** 48);
  return event(anonymous ? EVENT.ANONYMOUS_GTID : EVENT.GTID, body);
}

/** `flags`: 1 one statement, 4 transactional, 32 DDL. */
export function mariadbGtid(sequence: number, flags = 4, domain = 0): Buffer {
  const body = Buffer.alloc(19);
  body.writeBigUInt64LE(BigInt(sequence), 0);
  body.writeUInt32LE(domain, 8);
  body[12] = flags;
  return event(EVENT.MARIADB_GTID, body);
}

export function xid(): Buffer {
  return event(EVENT.XID, Buffer.alloc(8));
}

/** `flags`: 0x20 where the dump thread makes it up. */
export function rotateEvent(file: string, position: number, flags = 0, end = 0): Buffer {
  const body = Buffer.alloc(8 + file.length);
  body.writeBigUInt64LE(BigInt(position), 0);
  body.write(file, 8);
  return event(EVENT.ROTATE, body, { flags, end });
}
