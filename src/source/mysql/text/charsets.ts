/**
 * Which character set a collation id means, and what turns its text into UTF-8. Ids as information_schema.COLLATIONS
 * of MySQL 9.7 and MariaDB 10.11 and 11.8 list them: they never change. A collation that is not known is no character
 * set: its text stays bytes.
 */

import { tablePutter } from './charsets-tables.ts';
import { type PutText, putRaw, putUtf8, putUtf32, utf16Putter } from './charsets-unicode.ts';

export interface Charset {
  readonly name: string;
  /** Bytes that a character takes at most. */
  readonly width: number;
  readonly put: PutText;
}

export const BINARY_COLLATION = 63;

/** Collation ids by character set: single ones and ranges. */
const COLLATIONS: Readonly<Record<string, string>> = {
  armscii8: '32 64',
  ascii: '11 65',
  big5: '1 84',
  cp1250: '26 34 44 66 99',
  cp1251: '14 23 50-52',
  cp1256: '57 67',
  cp1257: '29 58 59',
  cp850: '4 80',
  cp852: '40 81',
  cp866: '36 68',
  cp932: '95 96',
  dec8: '3 69',
  eucjpms: '97 98',
  euckr: '19 85',
  gb18030: '248-250',
  gb2312: '24 86',
  gbk: '28 87',
  geostd8: '92 93',
  greek: '25 70',
  hebrew: '16 71',
  hp8: '6 72',
  keybcs2: '37 73',
  koi8r: '7 74',
  koi8u: '22 75',
  latin1: '5 8 15 31 47-49 94',
  latin2: '2 9 21 27 77',
  latin5: '30 78',
  latin7: '20 41 42 79',
  macce: '38 43',
  macroman: '39 53',
  sjis: '13 88',
  swe7: '10 82',
  tis620: '18 89',
  ucs2: '35 90 128-159 640-671',
  ujis: '12 91',
  utf16: '54 55 101-127 672-703',
  utf16le: '56 62',
  utf32: '60 61 160-191 736-767',
  utf8mb3: '33 76 83 192-223 576-607',
  utf8mb4: '45 46 224-247 255-323 608-639',
};

const WIDTHS: Readonly<Record<string, number>> = {
  big5: 2,
  cp932: 2,
  eucjpms: 3,
  euckr: 2,
  gb18030: 4,
  gb2312: 2,
  gbk: 2,
  sjis: 2,
  ucs2: 2,
  ujis: 3,
  utf16: 4,
  utf16le: 4,
  utf32: 4,
  utf8mb3: 3,
  utf8mb4: 4,
};

/** MariaDB gives each UCA-14.0.0 collation an id in a block of 256 per character set, from 2048. */
const UCA_1400 = ['utf8mb3', 'utf8mb4', 'ucs2', 'utf16', 'utf32'];
/** MariaDB's NOPAD collations: the id of the padding one and this. */
const NOPAD = 1024;

const byCollation = listed();
const charsets = new Map<string, Charset>();

/** Null where the collation is not known. */
export function charsetOf(collation: number): Charset | null {
  const name =
    collation < NOPAD
      ? byCollation.get(collation)
      : collation < 2 * NOPAD
        ? byCollation.get(collation - NOPAD)
        : UCA_1400[(collation - 2 * NOPAD) >> 8];
  return name === undefined ? null : charsetNamed(name);
}

/** What keeps text of an unknown set as bytes. */
export const putUnknown: PutText = (source, start, end, out) => putRaw(source, start, end, out, out.length);

function charsetNamed(name: string): Charset {
  let found = charsets.get(name);
  if (found === undefined) {
    found = { name, width: WIDTHS[name] ?? 1, put: putterOf(name) };
    charsets.set(name, found);
  }
  return found;
}

function putterOf(name: string): PutText {
  switch (name) {
    case 'utf8mb3':
    case 'utf8mb4':
      return putUtf8;
    case 'ucs2':
      return utf16Putter('big', false);
    case 'utf16':
      return utf16Putter('big', true);
    case 'utf16le':
      return utf16Putter('little', true);
    case 'utf32':
      return putUtf32;
    default:
      return tablePutter(name) ?? putUnknown;
  }
}

function listed(): Map<number, string> {
  const found = new Map<number, string>();
  for (const [name, ids] of Object.entries(COLLATIONS)) {
    for (const part of ids.split(' ')) {
      const [first = '', last = first] = part.split('-');
      for (let id = Number(first); id <= Number(last); id++) found.set(id, name);
    }
  }
  return found;
}
