/**
 * Text of the older character sets as UTF-8, by tables that are made on first use: iconv-lite is asked for each code
 * alone, then come the server's deviations. A code without a character makes the whole text RAW; no byte is ever
 * replaced by something like it.
 */
import iconv from 'iconv-lite';
import type { CellText } from './cell-text.ts';
import { MULTI_DEVIATIONS, SINGLE_DEVIATIONS } from './charsets-deviations.ts';
import { type PutText, putRaw } from './charsets-unicode.ts';

/** Byte ranges of a multi-byte set, as [first, last] pairs. */
interface Shape {
  readonly encoding: string;
  readonly lead: readonly (readonly [number, number])[];
  readonly trail: readonly (readonly [number, number])[];
  /** Two bytes of this kind follow 8F (the EUC sets of Japanese). */
  readonly three?: true;
  /** Four bytes, the second of them a digit (GB 18030). */
  readonly four?: true;
}

const EUC = [[0xa1, 0xfe]] as const;
const GBK: Shape = {
  encoding: 'gbk',
  lead: [[0x81, 0xfe]],
  trail: [
    [0x40, 0x7e],
    [0x80, 0xfe],
  ],
};
const SHIFT_JIS = {
  lead: [
    [0x81, 0x9f],
    [0xe0, 0xfc],
  ],
  trail: [
    [0x40, 0x7e],
    [0x80, 0xfc],
  ],
} as const;
const EUC_JP: Shape = { encoding: 'eucjp', lead: [[0x8e, 0x8e], ...EUC], trail: EUC, three: true };

const MULTI: Readonly<Record<string, Shape>> = {
  big5: {
    encoding: 'big5',
    lead: [[0xa1, 0xf9]],
    trail: [
      [0x40, 0x7e],
      [0xa1, 0xfe],
    ],
  },
  cp932: { encoding: 'cp932', ...SHIFT_JIS },
  eucjpms: EUC_JP,
  euckr: {
    encoding: 'euckr',
    lead: [[0x81, 0xfe]],
    trail: [
      [0x41, 0x5a],
      [0x61, 0x7a],
      [0x81, 0xfe],
    ],
  },
  gb18030: { ...GBK, encoding: 'gb18030', four: true },
  gb2312: { encoding: 'gb2312', lead: [[0xa1, 0xf7]], trail: EUC },
  gbk: GBK,
  sjis: { encoding: 'cp932', ...SHIFT_JIS },
  ujis: EUC_JP,
};

const SINGLE: Readonly<Record<string, string>> = {
  armscii8: 'armscii8',
  ascii: 'ascii',
  cp1250: 'cp1250',
  cp1251: 'cp1251',
  cp1256: 'cp1256',
  cp1257: 'cp1257',
  cp850: 'cp850',
  cp852: 'cp852',
  cp866: 'cp866',
  dec8: 'iso88591',
  geostd8: 'iso88591',
  greek: 'iso88597',
  hebrew: 'iso88598',
  hp8: 'hproman8',
  keybcs2: 'iso88591',
  koi8r: 'koi8r',
  koi8u: 'koi8u',
  latin1: 'cp1252',
  latin2: 'iso88592',
  latin5: 'iso88599',
  latin7: 'iso885913',
  macce: 'maccenteuro',
  macroman: 'macroman',
  swe7: 'iso88591',
  tis620: 'tis620',
};

/** Letters of Swedish in places of ASCII. */
const NOT_ASCII = 'swe7';

/** Where GB 18030 has U+FFFD itself (84 31 A4 37), which iconv-lite also gives for what it doesn't know. */
const REPLACEMENT_ORDER = 39_417;

/** What turns text of the set into UTF-8; null where the set is not known. */
export function tablePutter(charset: string): PutText | null {
  const single = SINGLE[charset];
  if (single !== undefined) return singlePutter(charset, single);
  const shape = MULTI[charset];
  return shape === undefined ? null : multiPutter(charset, shape);
}

function singlePutter(charset: string, encoding: string): PutText {
  let table: Uint32Array | null = null;
  return (source, start, end, out) => {
    const from = out.length;
    out.ensure((end - start) * 3);
    let at = charset === NOT_ASCII ? start : putAscii(source, start, end, out);
    if (at === end) return;
    table ??= singleTable(charset, encoding);
    for (; at < end; at++) {
      const code = table[source[at]!]!;
      if (code === 0 && source[at] !== 0) return putRaw(source, start, end, out, from);
      if (code < 0x80) out.bytes[out.length++] = code;
      else out.codePoint(code);
    }
  };
}

function multiPutter(charset: string, shape: Shape): PutText {
  let tables: { readonly two: Uint32Array; readonly more: Uint32Array } | null = null;
  return (source, start, end, out) => {
    const from = out.length;
    out.ensure((end - start) * 3);
    for (let at = start; at < end; at++) {
      at = putAscii(source, at, end, out);
      if (at === end) return;
      const first = source[at]!;
      tables ??= multiTables(charset, shape);
      const second = at + 1 < end ? source[at + 1]! : 0;
      let code = tables.two[first]!;
      if (code !== 0) {
        // A byte alone.
      } else if (shape.three && first === 0x8f) {
        code = at + 2 < end ? tables.more[(second << 8) | source[at + 2]!]! : 0;
        at += 2;
      } else if (shape.four && second >= 0x30 && second <= 0x39) {
        code = at + 3 < end ? fourBytes(tables.more, source, at) : 0;
        at += 3;
      } else {
        code = second === 0 ? 0 : tables.two[(first << 8) | second]!;
        at++;
      }
      if (code === 0) return putRaw(source, start, end, out, from);
      out.codePoint(code);
    }
  };
}

/** Copies up to the first byte that is not ASCII, and returns where that is. Room must be there. */
function putAscii(source: Buffer, start: number, end: number, out: CellText): number {
  const bytes = out.bytes;
  let to = out.length;
  let at = start;
  for (; at < end; at++) {
    const value = source[at]!;
    if (value >= 0x80) break;
    bytes[to++] = value;
  }
  out.length = to;
  return at;
}

/** GB 18030: 1.6 million codes in order; those of the basic plane by table, the others' order is Unicode's. */
function fourBytes(basic: Uint32Array, source: Buffer, at: number): number {
  const third = source[at + 2]!;
  const fourth = source[at + 3]!;
  if (third < 0x81 || third > 0xfe || fourth < 0x30 || fourth > 0x39) return 0;
  const order =
    (((source[at]! - 0x81) * 10 + source[at + 1]! - 0x30) * 126 + third - 0x81) * 10 + fourth - 0x30;
  if (order < basic.length) return basic[order]!;
  const code = order - 189_000 + 0x1_0000;
  return order >= 189_000 && code <= 0x10_ffff ? code : 0;
}

function singleTable(charset: string, encoding: string): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte++) table[byte] = ask(encoding, byte);
  deviate(SINGLE_DEVIATIONS[charset], (code, to) => {
    table[code] = to;
  });
  return table;
}

/** `two`: by the byte alone, or by both bytes. `more`: by the last two of three bytes, or in order of the four. */
function multiTables(charset: string, shape: Shape) {
  const { encoding } = shape;
  const two = new Uint32Array(0x1_0000);
  const more = new Uint32Array(shape.three ? 0x1_0000 : shape.four ? 39_420 : 0);
  const trails = shape.trail.flatMap(([first, last]) => range(first, last));
  if (SHIFT_JIS.lead === shape.lead) for (const byte of range(0xa1, 0xdf)) two[byte] = ask(encoding, byte);
  for (const lead of shape.lead.flatMap(([first, last]) => range(first, last))) {
    for (const trail of trails) two[(lead << 8) | trail] = ask(encoding, lead, trail);
  }
  if (shape.three) {
    for (const second of trails)
      for (const third of trails) more[(second << 8) | third] = ask(encoding, 0x8f, second, third);
  }
  if (shape.four) {
    for (let order = 0; order < more.length; order++) {
      const [a, b, c] = [
        Math.floor(order / 12_600),
        Math.floor(order / 1260) % 10,
        Math.floor(order / 10) % 126,
      ];
      more[order] = ask(encoding, 0x81 + a, 0x30 + b, 0x81 + c, 0x30 + (order % 10));
    }
    more[REPLACEMENT_ORDER] = 0xfffd;
  }
  deviate(MULTI_DEVIATIONS[charset], (code, to) => {
    if (code > 0xffff) more[code & 0xffff] = to;
    else two[code] = to;
  });
  return { two, more };
}

/** The one character of a code; 0 where there is none, or more than one. */
function ask(encoding: string, ...code: number[]): number {
  const text = iconv.decode(Buffer.from(code), encoding);
  const point = text.codePointAt(0) ?? 0;
  return point === 0xfffd || text.length !== (point > 0xffff ? 2 : 1) ? 0 : point;
}

function deviate(runs: string | undefined, set: (code: number, to: number) => void): void {
  for (const run of runs?.split(' ') ?? []) {
    const [codes = '', to] = run.split(':');
    const [first = '', count = '1'] = codes.split('+');
    for (let i = 0; i < Number.parseInt(count, 16); i++) {
      set(Number.parseInt(first, 16) + i, to === undefined ? 0 : Number.parseInt(to, 16) + i);
    }
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
