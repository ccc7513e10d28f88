/**
 * The tree over a table's rows (FORMAT.md section 13). Rows come in any order and leave 64 bytes each: SHA-256 of the key
 * text, then of the row text, by which the leaves are sorted. It must never keep a row.
 */
import { hash } from 'node:crypto';
import { createRange, HASH_BYTES, leafHash, type RangeBuilder } from '../merkle.ts';
import { refusal } from '../refuse.ts';
import type { RowTexts } from './row.ts';

export const SALT_BYTES = 16;
/** SHA-256 of a row's key text and of its row text: what the tree keeps of it, and what sorts it. */
export const ENTRY_BYTES: number = 2 * HASH_BYTES;

export interface RowTree {
  count(): number;
  add(texts: RowTexts): void;
  /** Adds a row by its entry, which is copied. */
  addEntry(entry: Uint8Array): void;
  /**
   * Appends the leaves in order to a tree that is larger: where rows were parted by the first bytes of their entries,
   * the parts in ascending order make the tree of the whole.
   */
  appendTo(range: RangeBuilder): void;
  /** Hashes of the leaves in order, for proofs. */
  leaves(): Buffer[];
  root(): Buffer;
}

/** The entry of a row, of 64 bytes. As in merkle.ts, hashes as strings take less time than as buffers. */
export function rowEntry({ row, key }: RowTexts): Buffer {
  const ofRow = hash('sha256', row, 'binary');
  return Buffer.from((row === key ? ofRow : hash('sha256', key, 'binary')) + ofRow, 'latin1');
}

/** The hash of a row's leaf. */
export function rowLeaf(salt: Uint8Array, texts: RowTexts): Buffer {
  return leafHash(Buffer.concat([checkedSalt(salt), rowEntry(texts)]));
}

/** A tree without rows. Throws a refusal `row_salt`. */
export function createRowTree(salt: Uint8Array): RowTree {
  const leaf = Buffer.concat([checkedSalt(salt), Buffer.alloc(ENTRY_BYTES)]);
  const blocks: Buffer[] = [];
  let count = 0;
  const addEntry = (entry: Uint8Array): void => {
    if (entry.length !== ENTRY_BYTES) throw new RangeError(`an entry has ${ENTRY_BYTES} bytes`);
    if (count % BLOCK === 0) blocks.push(Buffer.allocUnsafeSlow(BLOCK * ENTRY_BYTES));
    blocks.at(-1)!.set(entry, (count % BLOCK) * ENTRY_BYTES);
    count += 1;
  };
  /** The leaf in place `i` as it was added, in a buffer that the next call fills anew. */
  const leafOf = (i: number): Buffer => {
    const at = (i % BLOCK) * ENTRY_BYTES;
    blocks[Math.floor(i / BLOCK)]!.copy(leaf, SALT_BYTES, at, at + ENTRY_BYTES);
    return leaf;
  };
  const appendTo = (range: RangeBuilder): void => {
    for (const i of sorted(blocks, count)) range.append(leafOf(i));
  };
  return {
    count: () => count,
    add: (texts) => addEntry(rowEntry(texts)),
    addEntry,
    appendTo,
    leaves: () => Array.from(sorted(blocks, count), (i) => leafHash(leafOf(i))),
    root() {
      const range = createRange(0);
      appendTo(range);
      return range.root();
    },
  };
}

/** Entries in a block: 1 MiB of them. */
const BLOCK = 16_384;

/**
 * Places of the entries in ascending order. Numbers of an entry's first bits and its place are sorted by themselves, which
 * is many times faster than to compare entries; those alike in these bits, all of them in a table of equal rows, follow.
 */
function sorted(blocks: readonly Buffer[], count: number): Float64Array {
  // 53 bits in all: the place, and before it as many of the entry's first 48 as there is room for.
  const places = 2 ** Math.ceil(Math.log2(Math.max(count, 2)));
  const dropped = Math.max(1, (2 ** 48 * places) / 2 ** 53);
  const order = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const first = blocks[Math.floor(i / BLOCK)]!.readUIntBE((i % BLOCK) * ENTRY_BYTES, 6);
    order[i] = Math.floor(first / dropped) * places + i;
  }
  order.sort();
  for (let from = 0; from < count; ) {
    const prefix = Math.floor(order[from]! / places);
    let to = from + 1;
    while (to < count && Math.floor(order[to]! / places) === prefix) to += 1;
    for (let i = from; i < to; i++) order[i]! %= places;
    if (to - from > 1) order.subarray(from, to).sort((a, b) => compareEntries(blocks, a, b));
    from = to;
  }
  return order;
}

function compareEntries(blocks: readonly Buffer[], a: number, b: number): number {
  const [left, right] = [(a % BLOCK) * ENTRY_BYTES, (b % BLOCK) * ENTRY_BYTES];
  const block = blocks[Math.floor(a / BLOCK)]!;
  const other = blocks[Math.floor(b / BLOCK)]!;
  return block.compare(other, right, right + ENTRY_BYTES, left, left + ENTRY_BYTES);
}

function checkedSalt(salt: Uint8Array): Uint8Array {
  if (salt.length !== SALT_BYTES) throw refusal('row_salt', `a salt has ${SALT_BYTES} bytes`);
  return salt;
}
