/**
 * Text of the Unicode character sets as UTF-8 (RFC 3629): checked, copied or converted. Text that is not valid in its
 * set is kept as the bytes it is (RAW); a surrogate alone is not valid, whatever a server may have let in.
 */
import { isUtf8 } from 'node:buffer';
import { RAW } from '../../../change/change.ts';
import type { CellText } from './cell-text.ts';

/** Appends the text in `source[start, end)`. `out.kind` is TEXT before, and RAW afterwards where it is not valid. */
export type PutText = (source: Buffer, start: number, end: number, out: CellText) => void;

/** Up to here a loop that copies and looks for non-ASCII beats the calls into native code. */
const LOOP_BYTES = 64;

export const putUtf8: PutText = (source, start, end, out) => {
  const size = end - start;
  if (size > LOOP_BYTES) {
    out.copy(source, start, end);
    if (!isUtf8(source.subarray(start, end))) out.kind = RAW;
    return;
  }
  out.ensure(size);
  const bytes = out.bytes;
  let to = out.length;
  let seen = 0;
  for (let at = start; at < end; at++) {
    const value = source[at]!;
    bytes[to++] = value;
    seen |= value;
  }
  out.length = to;
  if (seen >= 0x80 && !isUtf8(source.subarray(start, end))) out.kind = RAW;
};

/** Bytes as they came, marked so. `from` is where the cell's text began. */
export function putRaw(source: Buffer, start: number, end: number, out: CellText, from: number): void {
  out.length = from;
  out.copy(source, start, end);
  out.kind = RAW;
}

/** ucs2 has no surrogate pairs; utf16 has. */
export function utf16Putter(order: 'big' | 'little', pairs: boolean): PutText {
  const high = order === 'big' ? 0 : 1;
  return (source, start, end, out) => {
    const from = out.length;
    if (((end - start) & 1) !== 0) return putRaw(source, start, end, out, from);
    out.ensure((end - start) * 2);
    for (let at = start; at < end; at += 2) {
      let code = (source[at + high]! << 8) | source[at + 1 - high]!;
      if (code >= 0xd800 && code < 0xe000) {
        const next = at + 3 < end ? (source[at + 2 + high]! << 8) | source[at + 3 - high]! : 0;
        if (!pairs || code >= 0xdc00 || next < 0xdc00 || next > 0xdfff)
          return putRaw(source, start, end, out, from);
        code = 0x1_0000 + ((code - 0xd800) << 10) + (next - 0xdc00);
        at += 2;
      }
      out.codePoint(code);
    }
  };
}

export const putUtf32: PutText = (source, start, end, out) => {
  const from = out.length;
  if (((end - start) & 3) !== 0) return putRaw(source, start, end, out, from);
  out.ensure(end - start);
  for (let at = start; at < end; at += 4) {
    const code = source.readUInt32BE(at);
    if (code > 0x10_ffff || (code >= 0xd800 && code < 0xe000)) return putRaw(source, start, end, out, from);
    out.codePoint(code);
  }
};
