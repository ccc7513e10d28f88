/**
 * Events inside of events: MySQL's TRANSACTION_PAYLOAD (a whole transaction under zstd) and MariaDB's compressed statements
 * and rows (zlib). What a size field claims is a bound, never a reason to allocate: memory grows with what really comes
 * out, and a large payload passes through in pieces.
 */
import { createZstdDecompress, inflateSync, zstdDecompressSync } from 'node:zlib';
import { broken } from '../bytes/broken.ts';
import { type Fields, readFields } from '../bytes/fields.ts';
import { EVENT, HEADER_BYTES } from './events.ts';
import { statementStart } from './query.ts';
import { stepThrough, type Wait } from './wait.ts';

/** Payloads up to this come out at once, without leaving the call. */
const AT_ONCE_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
/** The largest event (max_allowed_packet's bound, and headers). */
const MAX_EVENT_BYTES = 2 ** 30 + 2 ** 20;

interface Payload {
  readonly bytes: Buffer;
  readonly plainBytes: number;
  readonly compressed: boolean;
}

/**
 * Hands over each event of a TRANSACTION_PAYLOAD: whole, with header, without checksum, valid during the call or until
 * the promise that `step` returned is settled. Throws, or rejects with, `stream_not_understood`, maybe after some events.
 */
export function eachEvent(event: Buffer, bodyEnd: number, step: (event: Buffer) => Wait): Wait {
  const payload = readPayload(readFields(event, HEADER_BYTES, bodyEnd, 'TRANSACTION_PAYLOAD'));
  const plain = atOnce(payload);
  return plain === null ? inPieces(payload, step) : stepThrough(splitEvents([plain]), step);
}

/** Type, length and value triples, ended by type 0 (MySQL internals: "Transaction_payload_event"). */
function readPayload(fields: Fields): Payload {
  let size: number | null = null;
  let plainBytes: number | null = null;
  let compressed = true;
  for (let type = fields.lengthEncoded(); type !== 0; type = fields.lengthEncoded()) {
    const value = fields.take(fields.lengthEncoded());
    const number = readFields(value, 0, value.length, 'TRANSACTION_PAYLOAD');
    if (type === 1) size = number.lengthEncoded();
    else if (type === 3) plainBytes = number.lengthEncoded();
    else if (type === 2) {
      const algorithm = number.lengthEncoded();
      if (algorithm !== 0 && algorithm !== 255)
        throw broken(`a payload compressed by algorithm ${algorithm}`);
      compressed = algorithm === 0;
    }
  }
  if (size === null) throw broken('a payload without its size');
  const bytes = fields.take(size);
  return { bytes, plainBytes: plainBytes ?? size, compressed };
}

/** Null where it must come in pieces. The one-shot call stops behind the first frame: then the pieces find the rest. */
function atOnce({ bytes, plainBytes, compressed }: Payload): Buffer | null {
  if (!compressed) return bytes;
  if (plainBytes > AT_ONCE_BYTES) return null;
  try {
    const plain = zstdDecompressSync(bytes, { maxOutputLength: Math.max(plainBytes, 1) });
    return plain.length === plainBytes ? plain : null;
  } catch (error) {
    throw unpacked(error);
  }
}

async function inPieces({ bytes, plainBytes }: Payload, step: (event: Buffer) => Wait): Promise<void> {
  const splitter = createSplitter();
  let rest = bytes;
  let out = 0;
  while (rest.length > 0) {
    const frame = createZstdDecompress({ chunkSize: PIECE_BYTES });
    frame.end(rest);
    try {
      for await (const piece of frame as AsyncIterable<Buffer>) {
        out += piece.length;
        if (out > plainBytes) throw broken('a payload that is longer than it says');
        const wait = stepThrough(splitter.push(piece), step);
        if (wait !== undefined) await wait;
      }
    } catch (error) {
      throw unpacked(error);
    }
    if (frame.bytesWritten === 0) throw broken('a payload that is no zstd frame');
    rest = rest.subarray(frame.bytesWritten);
  }
  if (out !== plainBytes) throw broken('a payload that is shorter than it says');
  splitter.end();
}

function* splitEvents(pieces: readonly Buffer[]): Generator<Buffer> {
  const splitter = createSplitter();
  for (const piece of pieces) yield* splitter.push(piece);
  splitter.end();
}

/** Cuts pieces into events; one that lies whole in a piece is handed over where it lies. */
function createSplitter() {
  let parts: Buffer[] = [];
  let gathered = 0;

  const gather = (bytes: Buffer): void => {
    parts.push(bytes);
    gathered += bytes.length;
  };
  const joined = (): Buffer => {
    if (parts.length !== 1) parts = [Buffer.concat(parts)];
    return parts[0]!;
  };

  return {
    *push(piece: Buffer): Generator<Buffer> {
      let at = 0;
      while (at < piece.length) {
        if (gathered > 0 && gathered < HEADER_BYTES) {
          const taken = piece.subarray(at, at + HEADER_BYTES - gathered);
          gather(taken);
          at += taken.length;
          if (gathered < HEADER_BYTES) return;
          joined();
          if (at === piece.length && sizeOf(parts[0]!, 0) > HEADER_BYTES) return;
        }
        if (gathered === 0) {
          if (piece.length - at < HEADER_BYTES) {
            gather(piece.subarray(at));
            return;
          }
          const size = sizeOf(piece, at);
          if (size <= piece.length - at) {
            at += size;
            yield piece.subarray(at - size, at);
            continue;
          }
          gather(piece.subarray(at));
          return;
        }
        const missing = sizeOf(parts[0]!, 0) - gathered;
        const taken = piece.subarray(at, at + missing);
        gather(taken);
        at += taken.length;
        if (taken.length < missing) return;
        const whole = joined();
        parts = [];
        gathered = 0;
        yield whole;
      }
    },
    end(): void {
      if (gathered > 0) throw broken('a payload that ends inside of an event');
    },
  };
}

function sizeOf(bytes: Buffer, at: number): number {
  const size = bytes.readUInt32LE(at + 9);
  if (size < HEADER_BYTES || size > MAX_EVENT_BYTES) throw broken(`an event of ${size} bytes in a payload`);
  return size;
}

/**
 * MariaDB's QUERY_COMPRESSED and compressed rows as the plain event: header and body, no checksum, the type as it was
 * (the sizes in the header are those of the compressed one).
 */
export function inflated(event: Buffer, bodyEnd: number): Buffer {
  const start =
    event[4] === EVENT.QUERY_COMPRESSED ? statementStart(event, bodyEnd) : rowsStart(event, bodyEnd);
  const fields = readFields(event, start, bodyEnd, 'a compressed event');
  // A bit that says so, three bits of algorithm (0: zlib), three of the length's length; the length, big-endian.
  const head = fields.u8();
  if ((head & 0x80) === 0 || (head & 0x70) !== 0) throw broken(`an event compressed by algorithm ${head}`);
  const lengthBytes = head & 0x07;
  if (lengthBytes < 1 || lengthBytes > 4) throw broken('a compressed event without its length');
  const length = fields.take(lengthBytes).readUIntBE(0, lengthBytes);
  try {
    const plain = inflateSync(fields.rest(), {
      maxOutputLength: Math.max(1, Math.min(length, MAX_EVENT_BYTES)),
    });
    if (plain.length !== length) throw broken('a compressed event of another length than it says');
    return Buffer.concat([event.subarray(0, start), plain]);
  } catch (error) {
    throw unpacked(error);
  }
}

/** Behind the columns that the images hold (one bitmap, two for updates), where the rows begin. */
function rowsStart(event: Buffer, bodyEnd: number): number {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'compressed rows');
  const type = event[4] as number;
  fields.take(8);
  if (type >= EVENT.WRITE_ROWS_COMPRESSED) fields.take(fields.u16() - 2);
  const bitmap = (fields.lengthEncoded() + 7) >> 3;
  const isUpdate = type === EVENT.UPDATE_ROWS_COMPRESSED || type === EVENT.UPDATE_ROWS_COMPRESSED_V1;
  fields.take(isUpdate ? bitmap * 2 : bitmap);
  return bodyEnd - fields.left();
}

/** zlib's errors say nothing that a reader can use. */
function unpacked(error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  const ofZlib = typeof code === 'string' && (code.startsWith('Z') || code.startsWith('ERR_'));
  return ofZlib ? broken('compressed bytes that can not be read', { code }) : error;
}
