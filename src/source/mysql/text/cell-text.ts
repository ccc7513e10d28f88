/**
 * Where cells become text: growable scratch that is filled row after row. Reading a cell allocates nothing unless
 * this grows. It must never be kept beyond the row that filled it.
 */
import { type CellKind, TEXT } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';

/** Below this a loop beats the call into native code. */
const NATIVE_COPY_BYTES = 48;
const HEX = Buffer.from('0123456789abcdef');
/** What a row of usual size may leave behind; the memory of a larger one is given back. */
const KEPT_BYTES = 4 * 1024 * 1024;

export class CellText {
  /** Another object after it grew: take it anew after `ensure`. */
  bytes: Buffer;
  /** Bytes in use; what lies behind is undefined. */
  length = 0;
  /** Of the cell that was read last: TEXT or RAW. */
  kind: CellKind = TEXT;

  readonly #initialBytes: number;

  constructor(capacity = 16 * 1024) {
    this.#initialBytes = capacity;
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Begins anew. What was in use is undefined then. */
  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(this.#initialBytes);
  }

  /** Makes room for `extra` bytes behind `length`. */
  ensure(extra: number): void {
    if (this.length + extra > this.bytes.length) this.#grow(extra);
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  copy(source: Buffer, start: number, end: number): void {
    const size = end - start;
    this.ensure(size);
    const out = this.bytes;
    let at = this.length;
    this.length = at + size;
    if (size < NATIVE_COPY_BYTES) for (let i = start; i < end; i++) out[at++] = source[i]!;
    else source.copy(out, at, start, end);
  }

  /** ASCII only. */
  ascii(text: string): void {
    const size = text.length;
    this.ensure(size);
    const out = this.bytes;
    const at = this.length;
    for (let i = 0; i < size; i++) out[at + i] = text.charCodeAt(i);
    this.length = at + size;
  }

  /** Lower-case hex digits of the bytes. */
  hex(source: Buffer, start: number, end: number): void {
    this.ensure((end - start) * 2);
    const out = this.bytes;
    let at = this.length;
    for (let i = start; i < end; i++) {
      const value = source[i]!;
      out[at++] = HEX[value >> 4]!;
      out[at++] = HEX[value & 15]!;
    }
    this.length = at;
  }

  /** A code point as UTF-8 (RFC 3629); room for 4 bytes must be there. */
  codePoint(value: number): void {
    const out = this.bytes;
    let at = this.length;
    if (value < 0x80) out[at++] = value;
    else {
      if (value < 0x800) out[at++] = 0xc0 | (value >> 6);
      else {
        if (value < 0x10000) out[at++] = 0xe0 | (value >> 12);
        else {
          out[at++] = 0xf0 | (value >> 18);
          out[at++] = 0x80 | ((value >> 12) & 0x3f);
        }
        out[at++] = 0x80 | ((value >> 6) & 0x3f);
      }
      out[at++] = 0x80 | (value & 0x3f);
    }
    this.length = at;
  }

  #grow(extra: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + extra));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/** Throws unless `size` more bytes are there. Returns where they end. */
export function within(at: number, size: number, limit: number): number {
  if (size > limit - at) throw broken('a value is longer than its event');
  return at + size;
}
