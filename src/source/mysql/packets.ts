/**
 * Cuts the server's byte stream into packets (protocol: "MySQL Packets": a length of three bytes, a sequence number;
 * a payload of 2^24 − 1 bytes goes on in the next packet), and makes and reads the few that a replica needs. A packet
 * that lies whole in a chunk is handed over where it lies; one that is cut is put together in scratch that is used again,
 * a large one in memory that goes back at once. It must never hold more than one payload and what `hold` caught, nor a
 * chunk that its caller has back.
 */
import { RowsealError } from '../../base/errors.ts';
import { createChunkGate } from '../chunk-gate.ts';
import type { ServerError } from './failure.ts';

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

const HEADER = 4;
const FULL = 0xff_ffff;
/** The largest event: max_allowed_packet is at most 1 GiB (manual), and an event's headers come on top. */
const MAX_PAYLOAD = 2 ** 30 + 2 ** 20;
/** Scratch that stays; a larger payload has memory of its own. */
const SCRATCH_BYTES = 64 * 1024;

/**
 * `announced`: how large a payload says that it is, from its first 16 MiB; asked where it goes on. Memory of that size is
 * taken, which costs nothing before it is written to.
 */
export function createPacketReader(
  onPacket: OnPacket,
  announced: (start: Buffer) => number = () => 0,
): PacketReader {
  const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  let sequence = 0;
  /** The payload that is being put together, and how much of it is there. */
  let whole = scratch;
  let gathered = 0;
  /** Header bytes of the packet that was cut, and what is missing of its body. */
  const head = Buffer.alloc(HEADER);
  let headFilled = 0;
  let missing = 0;
  let more = false;
  /** A large payload that was handed over when we were held. */
  let lent: Buffer | null = null;

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
      const idle = missing === 0 && headFilled === 0 && !more;
      if (idle && chunk.length - at >= HEADER) {
        const length = lengthAt(chunk, at);
        const end = at + HEADER + length;
        if (length < FULL && end <= chunk.length) {
          header(chunk, at);
          onPacket(chunk, at + HEADER, end);
          at = end;
          continue;
        }
      }
      at = gather(chunk, at);
    }
    return at < chunk.length ? chunk.subarray(at) : null;
  };

  /** Takes a piece of a packet that is cut, or that is one of several; returns where the next piece begins. */
  const gather = (chunk: Buffer, from: number): number => {
    let at = from;
    if (missing === 0) {
      const taken = chunk.copy(head, headFilled, at, at + HEADER - headFilled);
      headFilled += taken;
      at += taken;
      if (headFilled < HEADER) return at;
      missing = header(head, 0);
      headFilled = 0;
      more = missing === FULL;
      makeRoom(gathered + missing);
    }
    const taken = chunk.copy(whole, gathered, at, at + missing);
    gathered += taken;
    missing -= taken;
    if (missing === 0 && !more) handOver();
    return at + taken;
  };

  const makeRoom = (size: number): void => {
    if (size > MAX_PAYLOAD) {
      throw new RowsealError('stream_not_understood', `a packet of more than ${MAX_PAYLOAD} bytes`);
    }
    if (size <= whole.length) return;
    const said = gathered > 0 ? announced(whole.subarray(0, gathered)) : size;
    const larger = Buffer.allocUnsafeSlow(Math.min(said < size ? size * 2 : said, MAX_PAYLOAD));
    whole.copy(larger, 0, 0, gathered);
    giveBack(whole);
    whole = larger;
  };

  const handOver = (): void => {
    const done = whole;
    const size = gathered;
    whole = scratch;
    gathered = 0;
    onPacket(done, 0, size);
    if (gate.held) lent = done;
    else giveBack(done);
  };

  const giveBack = (bytes: Buffer): void => {
    if (bytes !== scratch) (bytes.buffer as ArrayBuffer).transfer(0);
  };

  const gate = createChunkGate(consume);
  return {
    push: gate.push,
    hold: gate.hold,
    release: () => {
      if (lent !== null) giveBack(lent);
      lent = null;
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
