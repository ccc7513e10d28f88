/**
 * The thread that turns a segment's plain bytes into its object: leaf hashes, compact range, zstd, SHA-256.
 * It touches nothing else; a crash here loses nothing that was acknowledged.
 */
import { hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { zstdCompressSync } from 'node:zlib';
import { hashRecords } from '../../trail/merkle.ts';
import { compressOptions } from '../../trail/segment.ts';

/** Plain bytes of one segment (records, each ended by LF) and the leaf index of its first record. */
export interface SegmentJob {
  readonly id: number;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly first: number;
}

/** The segment's object. */
export interface SegmentResult {
  readonly id: number;
  readonly object: Uint8Array<ArrayBuffer>;
  /** Lower-case hex of the object. */
  readonly sha256: string;
  readonly count: number;
  /** Compact range of the records' leaves, 32 bytes each. */
  readonly range: readonly Uint8Array[];
}

parentPort?.on('message', (job: SegmentJob) => {
  const bytes = Buffer.from(job.plain.buffer, job.plain.byteOffset, job.plain.byteLength);
  const { count, range } = hashRecords(bytes, job.first);
  const object = ownMemory(zstdCompressSync(bytes, compressOptions()));
  job.plain.buffer.transfer(0); // gives its memory back now, not when the collector comes
  const result: SegmentResult = {
    id: job.id,
    object,
    sha256: hash('sha256', object),
    count,
    range,
  };
  parentPort?.postMessage(result, [object.buffer]);
});

/** The same bytes in an ArrayBuffer of their own, so that they can be transferred. */
function ownMemory(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  return whole && bytes.buffer instanceof ArrayBuffer ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}
