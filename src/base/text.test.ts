import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  clean,
  cleaned,
  guarded,
  isClean,
  json,
  jsonLine,
  recordLine,
  screen,
  sqlText,
  text,
} from './text.ts';

const HIDDEN = [
  ['ESC', '\u001b'],
  ['BEL', '\u0007'],
  ['CR', '\r'],
  ['LF', '\n'],
  ['tab', '\t'],
  ['NUL', '\0'],
  ['DEL', '\u007f'],
  ['a C1 control', '\u009b'],
  ['NEL', '\u0085'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['a right-to-left override', '\u202e'],
  ['an isolate', '\u2066'],
  ['a right-to-left mark', '\u200f'],
  ['a zero-width space', '\u200b'],
  ['a joiner that joins nothing', '\u200d'],
  ['a variation selector', '\ufe0f'],
  ['a byte order mark', '\ufeff'],
  ['a soft hyphen', '\u00ad'],
  ['a Hangul filler', '\u3164'],
  ['a tag', '\u{e0041}'],
  ['a lone surrogate', '\ud800'],
] as const;

describe('clean', () => {
  it.each(HIDDEN)('shows %s as an escape', (_, hidden) => {
    const escaped = `\\u{${hidden.codePointAt(0)?.toString(16)}}`;
    expect(clean(`a${hidden}b`)).toBe(`a${escaped}b`);
    expect(isClean(`a${hidden}b`)).toBe(false);
  });

  it.each([
    'orders',
    'é',
    '表',
    'שלום',
    'مرحبا',
    'naïve café',
    '😀',
    '❤️',
    '👨‍👩‍👧',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '1️⃣',
    'q\'"`$&',
    '\\password',
    'C:\\users',
  ])('leaves %s as it is', (name) => expect(clean(name)).toBe(name));

  it('keeps names apart: what looks like an escape is escaped itself', () => {
    const names = ['a\u001b', 'a\\u{1b}', 'a\\u{5c}u{1b}', 'a\\\\u{1b}', 'a\\\u001b', 'a'];
    const shown = names.map((name) => clean(name));
    expect(new Set(shown).size).toBe(names.length);
    const read = (line: string) =>
      line.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)));
    expect(shown.map(read)).toEqual(names);
  });
});

it('cleaned may be said twice, clean is refused by the compiler', () => {
  expect(cleaned(clean('a\u001b'))).toBe('a\\u{1b}');
  // @ts-expect-error a Printable is clean already
  clean(text`x`);
  // @ts-expect-error a raw name
  text`table ${'orders' as string}`;
});

it('JSON means the same and steers nothing', () => {
  const value = { [`n${HIDDEN.map(([, c]) => c).join('|')}`]: ['\u{e0041}', '表', 'a\nb'] };
  const line = json(value);
  expect(isClean(line)).toBe(true);
  expect(JSON.parse(line)).toEqual(value);
  expect(line).toContain('\\udb40\\udc41');
  expect(jsonLine('{"a":"\u009b"}\n{"b":1}\n')).toBe('{"a":"\\u009b"}\n{"b":1}\n');
});

it('a record is its very bytes, but not on a terminal', () => {
  const bytes = Buffer.from('{"table":"a\u202e"}');
  expect(String(recordLine(bytes, false))).toBe(`${bytes}\n`);
  expect(recordLine(bytes, true)).toBe('{"table":"a\\u202e"}\n');
});

it('SQL that holds anything hidden is not printed', () => {
  expect(sqlText('SELECT 1;\nSELECT 2;')).toBe('SELECT 1;\nSELECT 2;');
  for (const hidden of ['\r', '\u001b', '\u202e', '\u2028'])
    expect(() => sqlText(`SELECT "${hidden}"`)).toThrow("can't be printed");
});

it('the net at the end lets lines, colours and the line of progress through, and nothing else', () => {
  expect(screen('\u001b[1;31mred\u001b[0m\n\r\u001b[Kprogress')).toBe(
    '\u001b[1;31mred\u001b[0m\n\r\u001b[Kprogress',
  );
  expect(screen('\u001b[2J\u001b]0;title\u0007\rx\u009b1m')).toBe(
    '\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{d}x\\u{9b}1m',
  );
  const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  guarded(stream).write(text`a\u0007\n`);
  guarded(stream).write(recordLine(Buffer.from('{"a":"\u009b"}'), false));
  expect(String(stream.read())).toBe('a\\u{7}\n{"a":"\u009b"}\n');
});
