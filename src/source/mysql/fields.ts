/**
 * Reads the fields of one binlog event in their order: little-endian integers, strings, MySQL's length-encoded integers
 * and the variable-length ones of its serialization library. Every read is checked against the end, and what doesn't
 * fit is `stream_not_understood`. For events that come once a transaction; rows have their own loops.
 */
import { broken } from './broken.ts';

export interface Fields {
  u8(): number;
  u16(): number;
  u32(): number;
  /** Three bytes. */
  u24(): number;
  u64(): bigint;
  /** The next `count` bytes: a view. */
  take(count: number): Buffer;
  /** Everything that is left: a view. */
  rest(): Buffer;
  /** Bytes up to the next zero, which is passed. */
  untilZero(): Buffer;
  /** Protocol: "Length-Encoded Integer". */
  lengthEncoded(): number;
  /** mysql::serialization, variable-length integer, unsigned. */
  varlen(): bigint;
  /** The same, signed: the lowest bit is the sign. */
  varlenSigned(): bigint;
  left(): number;
}

/** Of `bytes[start, end)`; `what` names the event in errors. */
export function readFields(bytes: Buffer, start: number, end: number, what: string): Fields {
  let at = start;

  const skip = (count: number): number => {
    if (count < 0 || count > end - at) throw broken(`${what} is shorter than it says`);
    at += count;
    return at - count;
  };
  const u8 = () => bytes[skip(1)] as number;
  const safe = (value: bigint): number => {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(`${what} holds a length beyond all bounds`);
    return Number(value);
  };
  const u64 = () => bytes.readBigUInt64LE(skip(8));

  /** As many trailing ones as bytes follow the first; eight ones, and the number follows whole. */
  const varlen = (): bigint => {
    const first = u8();
    let extra = 0;
    while (extra < 8 && ((first >> extra) & 1) === 1) extra++;
    const from = skip(extra);
    let value = 0n;
    for (let i = extra - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i] as number);
    if (extra === 8) return value;
    const low = first >> (extra + 1);
    return (value << BigInt(7 - extra)) | BigInt(low);
  };

  return {
    u8,
    u16: () => bytes.readUInt16LE(skip(2)),
    u32: () => bytes.readUInt32LE(skip(4)),
    u24: () => bytes.readUIntLE(skip(3), 3),
    u64,
    take: (count) => {
      const from = skip(count);
      return bytes.subarray(from, from + count);
    },
    rest: () => bytes.subarray(skip(end - at), end),
    untilZero: () => {
      const zero = bytes.indexOf(0, at);
      if (zero < 0 || zero >= end) throw broken(`${what} holds a name without end`);
      const from = skip(zero + 1 - at);
      return bytes.subarray(from, zero);
    },
    lengthEncoded: () => {
      const first = u8();
      if (first < 251) return first;
      if (first === 252) return bytes.readUInt16LE(skip(2));
      if (first === 253) return bytes.readUIntLE(skip(3), 3);
      if (first === 254) return safe(u64());
      throw broken(`${what} holds a length that is none`);
    },
    varlen,
    varlenSigned: () => {
      const value = varlen();
      return (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n;
    },
    left: () => end - at,
  };
}
