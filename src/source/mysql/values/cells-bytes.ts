/**
 * Cells that are a length and bytes: character types, binary types, MariaDB's compressed columns, BIT. Binary becomes
 * `\x` and hex; characters become UTF-8 by their set.
 */
import { inflateRawSync, inflateSync } from 'node:zlib';
import { broken } from '../bytes/broken.ts';
import { type CellText, within } from '../text/cell-text.ts';
import type { PutText } from '../text/charsets-unicode.ts';
import type { ReadCell } from './column.ts';

const BACKSLASH = 0x5c;
const X = 0x78;
const ZERO = 0x30;

/** So many bytes of length (1–4, little-endian), then the value. */
export function bytesReader(lengthBytes: number, put: PutText): ReadCell {
  if (lengthBytes < 1 || lengthBytes > 4) throw broken(`a length of ${lengthBytes} bytes`);
  return (source, at, limit, out) => {
    const start = within(at, lengthBytes, limit);
    const end = within(start, lengthAt(source, at, lengthBytes), limit);
    put(source, start, end, out);
    return end;
  };
}

/** Bytes as `\x…`. */
export const putBinary: PutText = (source, start, end, out) => {
  out.ensure(2);
  out.bytes[out.length++] = BACKSLASH;
  out.bytes[out.length++] = X;
  out.hex(source, start, end);
};

/** BINARY(n): the server sends no trailing zeros; they belong to the value. */
export function putPadded(width: number): PutText {
  return (source, start, end, out) => {
    putBinary(source, start, end, out);
    const missing = (width - (end - start)) * 2;
    if (missing < 0) throw broken(`${end - start} bytes in BINARY(${width})`);
    out.ensure(missing);
    out.bytes.fill(ZERO, out.length, out.length + missing);
    out.length += missing;
  };
}

/**
 * MariaDB's COMPRESSED columns (MDEV-11371): a byte of flags, the length of the value in so many big-endian bytes,
 * the value deflated. Flags 0: not compressed.
 */
export function putCompressed(put: PutText): PutText {
  return (source, start, end, out) => {
    if (start === end) {
      put(source, start, end, out);
      return;
    }
    const flags = source[start]!;
    const method = flags >> 4;
    if (method === 0) {
      put(source, start + 1, end, out);
      return;
    }
    const lengthBytes = flags & 7;
    if (method !== 8 || lengthBytes < 1 || lengthBytes > 4 || lengthBytes > end - start - 1)
      throw broken(`a compressed value with flags ${flags}`);
    const length = source.readUIntBE(start + 1, lengthBytes);
    const value = inflated(source.subarray(start + 1 + lengthBytes, end), length, (flags & 8) !== 0);
    put(value, 0, value.length, out);
  };
}

function inflated(bytes: Buffer, length: number, raw: boolean): Buffer {
  let value: Buffer;
  try {
    value = (raw ? inflateRawSync : inflateSync)(bytes, { maxOutputLength: Math.max(length, 1) });
  } catch (cause) {
    throw broken(`a compressed value does not inflate (${(cause as { code?: string }).code ?? 'error'})`);
  }
  if (value.length !== length) throw broken('a compressed value of another length');
  return value;
}

/** BIT(n): big-endian, as n digits. */
export function bitReader(bits: number): ReadCell {
  if (bits < 1 || bits > 64) throw broken(`BIT(${bits})`);
  const size = (bits + 7) >> 3;
  return (source, at, limit, out) => {
    const end = within(at, size, limit);
    out.ensure(bits);
    for (let bit = bits - 1; bit >= 0; bit--) {
      out.bytes[out.length++] = ZERO + ((source[end - 1 - (bit >> 3)]! >> (bit & 7)) & 1);
    }
    return end;
  };
}

export function lengthAt(source: Buffer, at: number, bytes: number): number {
  let value = 0;
  for (let i = at + bytes - 1; i >= at; i--) value = value * 256 + source[i]!;
  return value;
}

/** A cell that was put together elsewhere. */
export function putKept(
  out: CellText,
  kept: { readonly bytes: Buffer; readonly kind: CellText['kind'] },
): void {
  out.copy(kept.bytes, 0, kept.bytes.length);
  out.kind = kept.kind;
}
