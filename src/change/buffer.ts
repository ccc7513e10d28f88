/**
 * Growable bytes that records are written into. The hot path copies each cell once, from the source's buffer
 * to here. It must never write a byte that JSON forbids: `escaped` is the only way in for untrusted text.
 */

const GROWTH_CHUNK = 8192;
/** Doubling what is as large as a segment would make half of it room that nobody uses. */
const MOST_GROWTH = 4 * 1024 * 1024;
/** Below this a loop beats the call into native code. */
const NATIVE_COPY_BYTES = 48;
const HEX = Buffer.from('0123456789abcdef');
const BACKSLASH = 0x5c;

/** 0: copied as it is; 1: `\u00xx`; otherwise the byte after the backslash (RFC 8259 section 7). */
const ESCAPES = escapeTable();

export class RecordBuffer {
  /** In an ArrayBuffer of their own. */
  bytes: Buffer;
  /** Bytes in use; what lies behind is undefined. */
  length = 0;

  constructor(initialBytes = 64 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Makes room for `extra` bytes behind `length`. `bytes` may be another object afterwards. */
  ensure(extra: number): void {
    if (this.length + extra > this.bytes.length) this.#grow(extra);
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  /** Bytes that are JSON already. */
  put(piece: Uint8Array): void {
    const size = piece.length;
    this.ensure(size);
    const out = this.bytes;
    const at = this.length;
    if (size < NATIVE_COPY_BYTES) for (let i = 0; i < size; i++) out[at + i] = piece[i]!;
    else out.set(piece, at);
    this.length = at + size;
  }

  /** A range of bytes that are JSON already. */
  copy(source: Buffer, start: number, end: number): void {
    const size = end - start;
    this.ensure(size);
    const out = this.bytes;
    let at = this.length;
    if (size < NATIVE_COPY_BYTES) for (let i = start; i < end; i++) out[at++] = source[i]!;
    else source.copy(out, at, start, end);
    this.length += size;
  }

  /** Text that is JSON already; for the cold path. */
  json(text: string): void {
    const size = text.length * 3;
    this.ensure(size);
    this.length += this.bytes.write(text, this.length, size, 'utf8');
  }

  /** A non-negative safe integer. */
  integer(value: number): void {
    this.ensure(16);
    let digits = 1;
    for (let bound = 10; value >= bound && digits < 16; bound *= 10) digits++;
    const out = this.bytes;
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tenth = Math.floor(rest / 10);
      out[at] = 48 + (rest - tenth * 10);
      rest = tenth;
    }
    this.length += digits;
  }

  /** UTF-8 text as the inside of a JSON string, without the quotes. */
  escaped(source: Buffer, start: number, end: number): void {
    for (let from = start; from < end; from += GROWTH_CHUNK) {
      this.#escapedChunk(source, from, Math.min(end, from + GROWTH_CHUNK));
    }
  }

  /** UTF-8 text as a JSON string. */
  string(source: Buffer, start: number, end: number): void {
    this.byte(0x22);
    this.escaped(source, start, end);
    this.byte(0x22);
  }

  /** Bytes as lower-case hex digits. */
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

  reset(): void {
    this.length = 0;
  }

  #escapedChunk(source: Buffer, start: number, end: number): void {
    this.ensure((end - start) * 6);
    const out = this.bytes;
    let at = this.length;
    for (let i = start; i < end; i++) {
      const value = source[i]!;
      const letter = ESCAPES[value]!;
      if (letter === 0) {
        out[at++] = value;
        continue;
      }
      out[at++] = BACKSLASH;
      if (letter !== 1) {
        out[at++] = letter;
        continue;
      }
      out[at++] = 0x75;
      out[at++] = 48;
      out[at++] = 48;
      out[at++] = HEX[value >> 4]!;
      out[at++] = HEX[value & 15]!;
    }
    this.length = at;
  }

  #grow(extra: number): void {
    const more = Math.min(this.bytes.length, MOST_GROWTH);
    const grown = Buffer.allocUnsafeSlow(this.length + Math.max(more, extra));
    grown.set(this.bytes.subarray(0, this.length));
    (this.bytes.buffer as ArrayBuffer).transfer(0); // gives the memory back now, not when the collector comes
    this.bytes = grown;
  }
}

function escapeTable(): Uint8Array {
  const table = new Uint8Array(256);
  table.fill(1, 0, 0x20);
  for (const [value, letter] of ['\bb', '\ff', '\nn', '\rr', '\tt', '""', '\\\\']) {
    table[value!.charCodeAt(0)] = letter!.charCodeAt(0);
  }
  return table;
}
