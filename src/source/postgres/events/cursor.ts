/**
 * Reads the parts of one pgoutput message: integers, names, rows. Every read is checked against the message's end,
 * and what doesn't fit is `stream_not_understood`. Rows are filled into a reusable image, not built.
 */
import { RowsealError } from '../../../base/errors.ts';
import { ABSENT, NULL, type RowImage, TEXT, UNCHANGED } from '../../../change/change.ts';

export interface Cursor {
  /** Goes on with the message in `bytes[start, end)`. */
  set(bytes: Buffer, start: number, end: number): void;
  u8(): number;
  u16(): number;
  u32(): number;
  /** The bytes up to the next zero, which is passed. */
  name(): Buffer;
  /** The next `count` bytes: a view. */
  take(count: number): Buffer;
  /** TupleData (manual: "TupleData"). In a key tuple the columns outside of the key are sent as null. */
  row(image: RowImage, columns: number, isKey: boolean): void;
  /** Throws where bytes are left. */
  finish(): void;
}

export function createCursor(): Cursor {
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  let end = 0;

  const skip = (count: number): number => {
    if (count > end - at) throw broken('a message is shorter than it says');
    at += count;
    return at - count;
  };
  const u16 = () => bytes.readUInt16BE(skip(2));

  const row = (image: RowImage, columns: number, isKey: boolean): void => {
    const count = u16();
    if (count !== columns) throw broken(`a row of ${count} columns for a relation of ${columns}`);
    image.resize(count);
    image.bytes = bytes;
    const { kinds, starts, ends } = image;
    const source = bytes;
    let p = at;
    for (let i = 0; i < count; i++) {
      if (p >= end) throw broken('a row is cut short');
      const kind = source[p++] as number;
      if (kind === 0x74 /* t */) {
        if (p + 4 > end) throw broken('a row is cut short');
        const length =
          ((source[p] as number) << 24) |
          ((source[p + 1] as number) << 16) |
          ((source[p + 2] as number) << 8) |
          (source[p + 3] as number);
        p += 4;
        if (length < 0 || length > end - p) throw broken('a value is longer than its message');
        kinds[i] = TEXT;
        starts[i] = p;
        p += length;
        ends[i] = p;
      } else if (kind === 0x6e /* n */) {
        kinds[i] = isKey ? ABSENT : NULL;
      } else if (kind === 0x75 /* u */) {
        kinds[i] = UNCHANGED;
      } else throw broken(`a value of kind ${kind}`);
    }
    at = p;
  };

  return {
    set: (source, from, to) => {
      bytes = source;
      at = from;
      end = to;
    },
    u8: () => bytes[skip(1)] as number,
    u16,
    u32: () => bytes.readUInt32BE(skip(4)),
    name: () => {
      const zero = bytes.indexOf(0, at);
      if (zero < 0 || zero >= end) throw broken('a name without end');
      const start = skip(zero + 1 - at);
      return bytes.subarray(start, zero);
    },
    take: (count) => {
      const start = skip(count);
      return bytes.subarray(start, start + count);
    },
    row,
    finish: () => {
      if (at !== end) throw broken('bytes after a message');
    },
  };
}

export function broken(what: string): RowsealError {
  return new RowsealError('stream_not_understood', `pgoutput: ${what}`);
}
