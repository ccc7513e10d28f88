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
  return new FieldReader(bytes, start, end, what);
}

/** A class, since closures would be made anew for each event. */
class FieldReader implements Fields {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #what: string;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number, what: string) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#what = what;
  }

  u8(): number {
    return this.#bytes[this.#skip(1)] as number;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#skip(2));
  }

  u24(): number {
    return this.#bytes.readUIntLE(this.#skip(3), 3);
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#skip(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#skip(8));
  }

  take(count: number): Buffer {
    const from = this.#skip(count);
    return this.#bytes.subarray(from, from + count);
  }

  rest(): Buffer {
    return this.take(this.left());
  }

  untilZero(): Buffer {
    const zero = this.#bytes.indexOf(0, this.#at);
    if (zero < 0 || zero >= this.#end) throw broken(`${this.#what} holds a name without end`);
    const from = this.#skip(zero + 1 - this.#at);
    return this.#bytes.subarray(from, zero);
  }

  lengthEncoded(): number {
    const first = this.u8();
    if (first < 251) return first;
    if (first === 252) return this.u16();
    if (first === 253) return this.u24();
    if (first === 254) return this.#safe(this.u64());
    throw broken(`${this.#what} holds a length that is none`);
  }

  /** As many trailing ones as bytes follow the first; eight ones, and the number follows whole. */
  varlen(): bigint {
    const first = this.u8();
    let extra = 0;
    while (extra < 8 && ((first >> extra) & 1) === 1) extra++;
    const from = this.#skip(extra);
    let value = 0n;
    for (let i = extra - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[from + i] as number);
    if (extra === 8) return value;
    const low = first >> (extra + 1);
    return (value << BigInt(7 - extra)) | BigInt(low);
  }

  varlenSigned(): bigint {
    const value = this.varlen();
    return (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n;
  }

  left(): number {
    return this.#end - this.#at;
  }

  /** Passes so many bytes; returns where they begin. */
  #skip(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.#end - at) throw broken(`${this.#what} is shorter than it says`);
    this.#at = at + count;
    return at;
  }

  #safe(value: bigint): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw broken(`${this.#what} holds a length beyond all bounds`);
    return Number(value);
  }
}
