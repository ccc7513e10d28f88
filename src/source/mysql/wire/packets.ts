/**
 * Cuts the server's byte stream into packets (protocol: "MySQL Packets": a length of three bytes, a sequence number;
 * a payload of 2^24 − 1 bytes goes on in the next packet), and makes and reads the few that a replica needs. A packet
 * that lies whole in a chunk is handed over where it lies; one that is cut is put together first (gathered-payload.ts). It
 * must never hold more than one payload and what `hold` caught, nor a chunk that its caller has back.
 */
import { RowsealError } from '../../../base/errors.ts';
import { createChunkGate } from '../../chunk-gate.ts';
import type { ServerError } from './failure.ts';
import { FULL, GatheredPayload, HEADER } from './gathered-payload.ts';

/**
 * `bytes[start, end)` is the payload, valid until the call returns, or, where held, until `release`: as long must the
 * chunk be left alone that it came in.
 */
export type OnPacket = (bytes: Buffer, start: number, end: number) => void;

export interface PacketReader {
  /** When it returns the chunk is the caller's again, but for the packet that it was held at. */
  push(chunk: Buffer): void;
  /** Stops handing over after the current packet; what comes is kept, so the caller should stop the socket. */
  hold(): void;
  /** Goes on with what was kept. */
  release(): void;
  /** A command was sent: the answer's numbers begin at 1. */
  expectAnswer(): void;
}

/**
 * `announced`: how large a payload says that it is, from its first 16 MiB; asked where it goes on. Memory of that size is
 * taken, which costs nothing before it is written to.
 */
export function createPacketReader(
  onPacket: OnPacket,
  announced: (start: Buffer) => number = () => 0,
): PacketReader {
  /** The number that the next packet must have. */
  let sequence = 0;

  const header = (bytes: Buffer, at: number): number => {
    const found = bytes[at + 3] as number;
    if (found !== sequence) {
      throw new RowsealError(
        'stream_not_understood',
        `a packet numbered ${found} from the server, not ${sequence}`,
      );
    }
    sequence = (sequence + 1) & 0xff;
    return lengthAt(bytes, at);
  };

  /** Consumes a chunk up to its end or until held; returns what is left. */
  const consume = (chunk: Buffer): Buffer | null => {
    let at = 0;
    while (at < chunk.length && !gate.held) {
      if (gathered.idle && chunk.length - at >= HEADER) {
        const length = lengthAt(chunk, at);
        const end = at + HEADER + length;
        if (length < FULL && end <= chunk.length) {
          header(chunk, at);
          onPacket(chunk, at + HEADER, end);
          at = end;
          continue;
        }
      }
      at = gathered.gather(chunk, at);
      if (gathered.idle) handOver();
    }
    return at < chunk.length ? chunk.subarray(at) : null;
  };

  const handOver = (): void => {
    const size = gathered.length;
    const whole = gathered.take();
    onPacket(whole, 0, size);
    if (gate.held) gathered.lend(whole);
    else gathered.giveBack(whole);
  };

  const gathered = new GatheredPayload({ header, announced });
  const gate = createChunkGate(consume);
  return {
    push: gate.push,
    hold: gate.hold,
    release: () => {
      gathered.returned();
      gate.release();
    },
    expectAnswer: () => {
      sequence = 1;
    },
  };
}

function lengthAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
}

/** A command as the first packet of an exchange. */
export function commandPacket(payload: Buffer): Buffer {
  if (payload.length >= FULL) throw new RowsealError('internal', 'a command of 16 MiB or more');
  const head = Buffer.alloc(HEADER);
  head.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([head, payload]);
}

/** COM_REGISTER_SLAVE: makes us visible in SHOW REPLICAS (SHOW SLAVE HOSTS), as `host` and `port`. */
export function registerCommand(serverId: number, host: string): Buffer {
  const name = Buffer.from(host.slice(0, 60), 'latin1');
  const bytes = Buffer.alloc(1 + 4 + 1 + name.length + 1 + 1 + 2 + 4 + 4);
  bytes[0] = 0x15;
  bytes.writeUInt32LE(serverId, 1);
  bytes[5] = name.length;
  name.copy(bytes, 6); // then user and password (empty), port, rank, and the source's id: all zero
  return bytes;
}

/** COM_BINLOG_DUMP. `annotate`: MariaDB sends Annotate_rows events only to who asks (BINLOG_SEND_ANNOTATE_ROWS_EVENT). */
export function dumpCommand(serverId: number, file: string, position: number, annotate: boolean): Buffer {
  const head = Buffer.alloc(11);
  head[0] = 0x12;
  head.writeUInt32LE(position, 1);
  head.writeUInt16LE(annotate ? 2 : 0, 5);
  head.writeUInt32LE(serverId, 7);
  return Buffer.concat([head, Buffer.from(file, 'utf8')]);
}

/** COM_BINLOG_DUMP_GTID: from wherever the first transaction lies that is not in `set` (its wire form). */
export function dumpGtidCommand(serverId: number, set: Buffer): Buffer {
  const head = Buffer.alloc(23);
  head[0] = 0x1e;
  head.writeUInt16LE(4, 1); // BINLOG_THROUGH_GTID
  head.writeUInt32LE(serverId, 3);
  head.writeBigUInt64LE(4n, 11); // no file's name; its position is that of the first event in any
  head.writeUInt32LE(set.length, 19);
  return Buffer.concat([head, set]);
}

export function readErrorPacket(bytes: Buffer, start: number, end: number): ServerError {
  const state = bytes[start + 3] === 0x23;
  return {
    errno: end - start >= 3 ? bytes.readUInt16LE(start + 1) : 0,
    sqlState: state ? bytes.toString('latin1', start + 4, Math.min(end, start + 9)) : 'HY000',
    message: bytes.toString('utf8', Math.min(end, start + (state ? 9 : 3)), end),
  };
}
