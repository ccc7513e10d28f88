/**
 * Cuts the server's byte stream into messages (protocol: "Message Formats": one type byte, an int32 length that
 * counts itself). A message that lies whole in a chunk is handed over where it lies; one that is cut is put
 * together in one allocation of its own size, which goes back at once. It must never hold more than one message and
 * what `hold` caught, nor a chunk that its caller has back.
 */
import { RowsealError } from '../../../base/errors.ts';
import { type ChunkGate, createChunkGate } from '../../chunk-gate.ts';

/** `bytes[start, end)` is the message's body, only valid during the call. */
export type OnFrame = (type: number, bytes: Buffer, start: number, end: number) => void;

export type FrameReader = Omit<ChunkGate, 'held'>;

/** Postgres builds no message of a gigabyte or more (MaxAllocSize). */
const MAX_LENGTH = 0x3fff_ffff;
const HEADER = 5;
/** A message from this size on has memory of its own, which is given back at once, not when the collector comes. */
const LARGE = 64 * 1024;

export function createFrameReader(onFrame: OnFrame): FrameReader {
  /** The message that is being put together: only its header while `frame.length` is 5. */
  let frame: Buffer | null = null;
  let filled = 0;

  /** Consumes a chunk up to its end or until held; returns what is left. */
  const consume = (chunk: Buffer): Buffer | null => {
    let at = frame === null ? 0 : complete(chunk);
    while (!gate.held && chunk.length - at >= HEADER && frame === null) {
      const end = at + 1 + lengthAt(chunk, at + 1);
      if (end > chunk.length) break;
      onFrame(chunk[at] as number, chunk, at + HEADER, end);
      at = end;
    }
    if (at === chunk.length) return null;
    if (gate.held) return chunk.subarray(at);
    begin(chunk, at);
    return null;
  };

  const begin = (chunk: Buffer, at: number) => {
    const whole = chunk.length - at >= HEADER;
    frame = memoryFor(whole ? 1 + lengthAt(chunk, at + 1) : HEADER);
    filled = chunk.copy(frame, 0, at);
  };

  /** Fills the message that is being put together; returns how much of the chunk that took. */
  const complete = (chunk: Buffer): number => {
    let at = 0;
    while (frame !== null) {
      const taken = chunk.copy(frame, filled, at, Math.min(chunk.length, at + frame.length - filled));
      at += taken;
      filled += taken;
      if (filled < frame.length) return at;
      const size = 1 + lengthAt(frame, 1);
      if (frame.length < size) {
        const larger = memoryFor(size);
        frame.copy(larger);
        frame = larger;
        continue;
      }
      const done: Buffer = frame;
      frame = null;
      onFrame(done[0] as number, done, HEADER, size);
      if (size >= LARGE) (done.buffer as ArrayBuffer).transfer(0);
    }
    return at;
  };

  const gate = createChunkGate(consume);
  return gate;
}

function memoryFor(size: number): Buffer {
  return size < LARGE ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size);
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readInt32BE(at);
  if (length < 4 || length > MAX_LENGTH) {
    throw new RowsealError('stream_not_understood', `a message of ${length} bytes from the server`);
  }
  return length;
}
