/**
 * Text that the server did not turn into UTF-8 itself: from a SQL_ASCII server, which knows no encodings, and
 * from the one transaction that it could not convert (RowImage cells become TEXT in UTF-8, or RAW as they came).
 * A byte is never replaced by something like it.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { RAW, type RowImage, TEXT } from '../../../change/change.ts';
import { isConversionFailure } from '../wire/failure.ts';
import type { SideSession } from '../wire/sessions.ts';

/** UTF-8 of the bytes, or null where they are not valid in their encoding. */
export type Convert = (bytes: Buffer) => Buffer | null;

/** From a SQL_ASCII server: what is UTF-8 is taken for it. */
export const asUtf8: Convert = (bytes) => (isUtf8(bytes) ? bytes : null);

/** Server encodings that TextDecoder knows under these names and that the server converts the same way. */
const MULTIBYTE: Readonly<Record<string, string>> = { EUC_JP: 'euc-jp', EUC_KR: 'euc-kr', EUC_CN: 'gb2312' };

/**
 * How text of the server's encoding becomes UTF-8. Single-byte encodings are asked from the server, byte by byte,
 * so that the table is its own; a byte without a mapping fails there too, with an error that is the answer.
 */
export async function converterFor(encoding: string, side: SideSession): Promise<Convert> {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return asUtf8;
  if (encoding === 'LATIN1') return (bytes) => Buffer.from(bytes.toString('latin1'));
  const multibyte = MULTIBYTE[encoding];
  if (multibyte !== undefined) {
    const decoder = new TextDecoder(multibyte, { fatal: true, ignoreBOM: true });
    return (bytes) => {
      try {
        return Buffer.from(decoder.decode(bytes));
      } catch {
        return null;
      }
    };
  }
  const [row] = await side.query('select pg_encoding_max_length(pg_char_to_encoding($1))::text as width', [
    encoding,
  ]);
  if (row?.['width'] !== '1') return (bytes) => (isAscii(bytes) ? bytes : null);
  return byTable(await byteTable(encoding, side));
}

/** Makes every TEXT cell of an image valid UTF-8, or RAW. The image then views bytes of its own. */
export function settleWith(convert: Convert): (image: RowImage) => void {
  return (image) => {
    const { bytes, kinds, starts, ends } = image;
    const converted: (Buffer | null)[] = [];
    for (let i = 0; i < image.count; i++) {
      if (kinds[i] !== TEXT) continue;
      const cell = bytes.subarray(starts[i], ends[i]);
      if (isAscii(cell)) continue;
      const text = convert(cell);
      if (text === null) kinds[i] = RAW;
      else if (text !== cell) converted[i] = text;
    }
    if (converted.length === 0) return;
    const cells: Buffer[] = [];
    let used = 0;
    for (let i = 0; i < image.count; i++) {
      if (kinds[i] !== TEXT && kinds[i] !== RAW) continue;
      const cell = converted[i] ?? bytes.subarray(starts[i], ends[i]);
      cells.push(cell);
      starts[i] = used;
      used += cell.length;
      ends[i] = used;
    }
    image.bytes = Buffer.concat(cells, used);
  };
}

/** A name; where its bytes say nothing in their encoding, their hexadecimal digits. */
export function nameWith(convert: Convert): (bytes: Buffer) => string {
  return (bytes) => convert(bytes)?.toString('utf8') ?? `\\x${bytes.toString('hex')}`;
}

async function byteTable(encoding: string, side: SideSession): Promise<readonly (Buffer | null)[]> {
  const table: (Buffer | null)[] = Array.from({ length: 128 }, (_, byte) => Buffer.from([byte]));
  for (let byte = 128; byte < 256; byte++) {
    const hex = `\\x${byte.toString(16)}`;
    table[byte] = await side.query('select convert_from($1::bytea, $2::name) as text', [hex, encoding]).then(
      ([row]) => Buffer.from(row?.['text'] ?? ''),
      (error: { details?: { code?: unknown } }) => {
        if (isConversionFailure(error.details?.code)) return null;
        throw error;
      },
    );
  }
  return table;
}

function byTable(table: readonly (Buffer | null)[]): Convert {
  return (bytes) => {
    const parts: Buffer[] = [];
    for (const byte of bytes) {
      const part = table[byte];
      if (!part) return null;
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
}
