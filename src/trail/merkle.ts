/**
 * The tree of RFC 6962 section 2.1 over SHA-256, and compact ranges: the hashes of the maximal aligned perfect
 * subtrees that cover leaves [first, first + count), left to right. Pure and fast; it must never keep leaves.
 *
 * Hashes travel as 'latin1' ('binary') strings of 32 characters in the hot loop: Node's one-shot hash gives those
 * twice as fast as Buffers. Indexes go up to 2^53 - 1, so there is no bit arithmetic on them.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;
/** Hashes of 32 bytes each, left to right. */
export type Range = readonly Buffer[];

/** Root of the tree without leaves (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Buffer = hash('sha256', '', 'buffer');

/** SHA-256(0x00 || bytes). */
export function leafHash(bytes: Uint8Array): Buffer {
  return Buffer.from(latin1Leaf(bytes), 'latin1');
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Uint8Array.of(1), left, right]), 'buffer');
}

/** Number of hashes in the compact range of `count` leaves from `first` on. */
export function rangeLength(first: number, count: number): number {
  let hashes = 0;
  for (const _ of subtrees(first, count)) hashes++;
  return hashes;
}

/** A compact range that grows at its right end. */
export interface RangeBuilder {
  readonly first: number;
  count(): number;
  /** Appends a leaf by its bytes. */
  append(leaf: Uint8Array): void;
  /** Appends a whole range that begins where this one ends; `count` is its number of leaves. */
  merge(range: Range, count: number): void;
  /** The hashes so far. */
  range(): Buffer[];
  /** Root of the tree; only meaningful where `first` is 0. */
  root(): Buffer;
}

/** Builds on the range of [first, first + count), by default an empty one. */
export function createRange(first: number, range: Range = [], count = 0): RangeBuilder {
  const stack = range.map((node) => node.toString('latin1'));
  let end = first + count;
  return {
    first,
    count: () => end - first,
    append(leaf) {
      end += 1;
      push(stack, first, end, 1, latin1Leaf(leaf));
    },
    merge(right, rightCount) {
      let at = 0;
      for (const size of subtrees(end, rightCount)) {
        end += size;
        push(stack, first, end, size, right[at++]!.toString('latin1'));
      }
    },
    range: () => stack.map((node) => Buffer.from(node, 'latin1')),
    root: () => rootOf(stack.map((node) => Buffer.from(node, 'latin1'))),
  };
}

/** Root of the tree whose leaves [0, n) this compact range covers. */
export function rootOf(range: Range): Buffer {
  if (range.length === 0) return EMPTY_ROOT;
  return range.reduceRight((right, left) => nodeHash(left, right));
}

/**
 * Hashes LF-ended records in `bytes[start, end)` as leaves `first`, `first + 1`, … The last byte must be an LF.
 * It borrows the LF before each record for the 0x00 prefix and puts it back, so no record is copied but the
 * first, where `start` has no byte before it.
 */
export function hashRecords(
  bytes: Buffer,
  first: number,
  start = 0,
  end: number = bytes.length,
): { count: number; range: Buffer[] } {
  const stack: string[] = [];
  let index = first;
  for (let at = start; at < end; ) {
    const lf = bytes.indexOf(LF, at);
    if (lf === -1 || lf >= end) throw new RangeError('records must end with LF');
    index += 1;
    push(stack, first, index, 1, recordLeaf(bytes, at, lf));
    at = lf + 1;
  }
  return { count: index - first, range: stack.map((node) => Buffer.from(node, 'latin1')) };
}

const LF = 0x0a;

/** Leaf hash of `bytes[at, end)` as latin1, borrowing the byte before it where there is one. */
export function recordLeaf(bytes: Buffer, at: number, end: number): string {
  if (at === 0) return latin1Leaf(bytes.subarray(0, end));
  const borrowed = bytes[at - 1]!;
  bytes[at - 1] = 0;
  // Not `subarray`: a Buffer takes longer to make.
  const leaf = hash(
    'sha256',
    new Uint8Array(bytes.buffer, bytes.byteOffset + at - 1, end - at + 1),
    'binary',
  );
  bytes[at - 1] = borrowed;
  return leaf;
}

/**
 * Pushes a perfect subtree of `size` leaves that ends at `end`, then joins it with left siblings for as long as
 * they lie inside the range. The left sibling of a subtree that ends the range is always on top of the stack.
 */
export function push(stack: string[], first: number, end: number, size: number, node: string): void {
  let joined = node;
  for (let width = size * 2; end % width === 0 && end - width >= first; width *= 2) {
    joined = latin1Node(stack.pop()!, joined);
  }
  stack.push(joined);
}

/** Sizes of the maximal aligned perfect subtrees of [first, first + count), left to right. */
function* subtrees(first: number, count: number): Generator<number> {
  const end = first + count;
  for (let at = first; at < end; ) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 <= end) size *= 2;
    yield size;
    at += size;
  }
}

/** 0x01, then room for two hashes. Node has latin1Write on every Buffer; its types leave it out. */
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 1) as Buffer & {
  latin1Write(text: string, offset: number, length: number): number;
};

function latin1Node(left: string, right: string): string {
  nodeInput.latin1Write(left, 1, HASH_BYTES);
  nodeInput.latin1Write(right, 1 + HASH_BYTES, HASH_BYTES);
  return hash('sha256', nodeInput, 'binary');
}

function latin1Leaf(bytes: Uint8Array): string {
  const input = Buffer.allocUnsafe(1 + bytes.length);
  input[0] = 0;
  input.set(bytes, 1);
  return hash('sha256', input, 'binary');
}
