/**
 * A segment's bytes: exactly one zstd frame (RFC 8878) that ends with the object. Node's one-shot decompress
 * silently stops after the first frame, so the frame's headers and blocks are walked here first. It must never
 * decompress more than the seal says, plus one byte.
 */
import { constants, type ZstdOptions, zstdDecompressSync } from 'node:zlib';
import { refusal } from './refuse.ts';

/** At most 64 MiB of plain bytes in a segment. */
export const MAX_PLAIN_BYTES = 64 * 1024 * 1024;
/** What a reader takes of a segment's object: bytes that don't compress grow by their block headers. */
export const MAX_OBJECT_BYTES: number = MAX_PLAIN_BYTES + 1024 * 1024;
/** At most 16 MiB in a record, without its LF. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** At most 8 MiB of window, so that every stock decoder reads it. */
export const MAX_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * For zstdCompressSync, zstdCompress and zlib's streams. The window is fixed at 2 MiB, which is level 3's own,
 * whatever the level; so content over 2 MiB never becomes a single-segment frame.
 */
export function compressOptions(level = 3): ZstdOptions {
  return {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: 21,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  };
}

/** What a frame's header says. */
export interface Frame {
  readonly windowBytes: number;
  /** Null where the header does not say. */
  readonly contentBytes: number | null;
}

/** Checks that `object` is exactly one frame within our limits. Throws refusals `frame_…`. */
export function checkFrame(object: Buffer): Frame {
  const { frame, checksum, behind } = parseHeader(object);
  let at = behind;
  for (let last = false; !last; ) {
    if (at + 3 > object.length) throw malformed('a block header is cut off');
    const header = object.readUIntLE(at, 3);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === 3) throw malformed('a block of the reserved type');
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  if (checksum) at += 4;
  if (at > object.length) throw malformed('the frame is cut off');
  if (at < object.length) {
    throw refusal('frame_trailing', `${object.length - at} bytes follow the first zstd frame`);
  }
  return frame;
}

/** The plain bytes of a segment of exactly `plainBytes`. Throws refusals `frame_…` and `plain_bytes_mismatch`. */
export function decompressSegment(object: Buffer, plainBytes: number): Buffer {
  const { contentBytes } = checkFrame(object);
  if (contentBytes !== null && contentBytes !== plainBytes) {
    throw mismatch(`the frame announces ${contentBytes} plain bytes, the seal ${plainBytes}`);
  }
  let plain: Buffer;
  try {
    plain = zstdDecompressSync(object, {
      // One chunk of the right size: Node then hands it over as it is.
      chunkSize: Math.max(plainBytes + 1, 64),
      maxOutputLength: plainBytes + 1,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw mismatch(`the frame holds more than the ${plainBytes} bytes that the seal says`);
    }
    throw refusal('frame_corrupt', `zstd cannot decompress it: ${(cause as Error).message}`);
  }
  if (plain.length !== plainBytes) {
    throw mismatch(`the frame holds ${plain.length} plain bytes, the seal says ${plainBytes}`);
  }
  return plain;
}

const MAGIC = 0xfd2fb528;

/** RFC 8878 section 3.1.1.1. */
function parseHeader(object: Buffer): { frame: Frame; checksum: boolean; behind: number } {
  if (object.length < 6) throw malformed('it is too short');
  const magic = object.readUInt32LE(0);
  if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) throw refusal('frame_skippable', 'a skippable frame');
  if (magic !== MAGIC) throw malformed('it is not zstd');
  const descriptor = object[4]!;
  if ((descriptor & 0b1000) !== 0) throw malformed('the reserved bit is set');
  if ((descriptor & 0b11) !== 0) throw refusal('frame_dictionary', 'the frame names a dictionary');
  const single = (descriptor & 0b10_0000) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  const sizeAt = single ? 5 : 6;
  if (object.length < sizeAt + sizeBytes) throw malformed('its header is cut off');
  const contentBytes = readContentSize(object, sizeAt, sizeBytes);
  const windowBytes = single ? contentBytes! : windowOf(object[5]!);
  if (windowBytes > MAX_WINDOW_BYTES) {
    throw refusal('frame_window', `its window of ${windowBytes} bytes is over ${MAX_WINDOW_BYTES}`);
  }
  return {
    frame: { windowBytes, contentBytes },
    checksum: (descriptor & 0b100) !== 0,
    behind: sizeAt + sizeBytes,
  };
}

function readContentSize(object: Buffer, at: number, bytes: number): number | null {
  if (bytes === 0) return null;
  if (bytes === 1) return object[at]!;
  if (bytes === 2) return object.readUInt16LE(at) + 256;
  if (bytes === 4) return object.readUInt32LE(at);
  return Number(object.readBigUInt64LE(at));
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function malformed(message: string): Error {
  return refusal('frame_malformed', `the zstd frame is malformed: ${message}`);
}

function mismatch(message: string): Error {
  return refusal('plain_bytes_mismatch', message);
}
