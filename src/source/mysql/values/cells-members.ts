/**
 * ENUM and SET: numbers in the binlog, members in the TABLE_MAP, text in the trail. A number that no member belongs to
 * is not understood, but for an ENUM's 0, the empty string of the error value.
 */
import { type CellKind, RAW, TEXT } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { CellText, within } from '../text/cell-text.ts';
import type { PutText } from '../text/charsets-unicode.ts';
import { lengthAt, putKept } from './cells-bytes.ts';
import type { ReadCell } from './column.ts';

interface Member {
  readonly bytes: Buffer;
  readonly kind: CellKind;
}

const COMMA = 0x2c;

/** `size`: 1 or 2 bytes. Without members (binlog_row_metadata is not FULL) the number's bytes stay bytes. */
export function enumReader(size: number, members: readonly Buffer[] | null, put: PutText): ReadCell {
  if (size < 1 || size > 2) throw broken(`an ENUM of ${size} bytes`);
  const texts = members?.map((member) => textOf(member, put)) ?? null;
  return (source, at, limit, out) => {
    const end = within(at, size, limit);
    if (texts === null) return rawNumber(source, at, end, out);
    const ordinal = lengthAt(source, at, size);
    if (ordinal === 0) return end;
    const member = texts[ordinal - 1];
    if (member === undefined) throw broken(`member ${ordinal} of an ENUM of ${texts.length}`);
    putKept(out, member);
    return end;
  };
}

/** `size`: 1 to 8 bytes, a bit for each member. */
export function setReader(size: number, members: readonly Buffer[] | null, put: PutText): ReadCell {
  if (size < 1 || size > 8) throw broken(`a SET of ${size} bytes`);
  const texts = members?.map((member) => textOf(member, put)) ?? null;
  const separator = textOf(Buffer.from([COMMA]), (_s, _a, _b, out) => out.byte(COMMA));
  return (source, at, limit, out) => {
    const end = within(at, size, limit);
    if (texts === null) return rawNumber(source, at, end, out);
    let kind: CellKind = TEXT;
    let first = true;
    for (let bit = 0; bit < size * 8; bit++) {
      if (((source[at + (bit >> 3)]! >> (bit & 7)) & 1) === 0) continue;
      const member = texts[bit];
      if (member === undefined) throw broken(`member ${bit + 1} of a SET of ${texts.length}`);
      if (!first) putKept(out, separator);
      first = false;
      putKept(out, member);
      if (member.kind === RAW) kind = RAW;
    }
    out.kind = kind;
    return end;
  };
}

function textOf(bytes: Buffer, put: PutText): Member {
  const out = new CellText(bytes.length * 4);
  put(bytes, 0, bytes.length, out);
  return { bytes: out.bytes.subarray(0, out.length), kind: out.kind };
}

function rawNumber(source: Buffer, at: number, end: number, out: CellText): number {
  out.copy(source, at, end);
  out.kind = RAW;
  return end;
}
