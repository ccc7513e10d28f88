/** Binary JSON from hostile hands, and paths of differences. What real servers write is compared in integration. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { RowsealError } from '../../../base/errors.ts';
import { CellText } from '../text/cell-text.ts';
import { putDocument } from './json.ts';
import { putPatched } from './json-diff.ts';
import { parsePath } from './json-path.ts';

function text(bytes: number[]): string {
  const out = new CellText();
  putDocument(out, Buffer.from(bytes), 0, bytes.length);
  return out.bytes.toString('utf8', 0, out.length);
}

/** {"a": 1} and ["b", null] */
const OBJECT = [0x00, 1, 0, 12, 0, 11, 0, 1, 0, 0x05, 1, 0, 0x61];
const ARRAY = [0x02, 2, 0, 12, 0, 0x0c, 10, 0, 0x04, 0, 0, 1, 0x62];

describe('documents', () => {
  test('small ones', () => {
    expect(text([])).toBe('null');
    expect(text([0x04, 1])).toBe('true');
    expect(text([0x0c, 1, 0x0a])).toBe('"\\n"');
    expect(text(OBJECT)).toBe('{"a": 1}');
    expect(text(ARRAY)).toBe('["b", null]');
  });

  test.each([
    ['an array that is its own element', [0x02, 2, 0, 10, 0, 0x02, 0, 0, 0x02, 0, 0], /deep|itself/],
    ['an offset outside', [0x02, 1, 0, 7, 0, 0x0c, 9, 0], /longer|outside/],
    ['more elements than bytes', [0x02, 0xff, 0xff, 4, 0], /longer/],
    ['a key outside', [0x00, 1, 0, 11, 0, 11, 0, 1, 0, 0x04, 0, 0], /longer/],
    ['a string without end', [0x0c, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /length/],
    ['a literal that is none', [0x04, 9], /literal/],
    ['a type that is none', [0x0d, 0], /type/],
    ['a time of three bytes', [0x0f, 12, 3, 1, 2, 3], /time/],
  ])('%s is not understood', (_what, bytes, message) => {
    expect(() => text(bytes)).toThrow(message);
  });

  test('strings that many elements share end before they fill the memory', () => {
    const count = 2000;
    const size = 4 + 3 * count;
    const entries = Array.from({ length: count }, () => [0x0c, size & 255, size >> 8]).flat();
    const shared = [0xe8, 0x07, ...Array.from({ length: 1000 }, () => 0x61)];
    const total = size + shared.length;
    const bytes = [0x02, count & 255, count >> 8, total & 255, total >> 8, ...entries, ...shared];
    expect(() => text(bytes)).toThrow(/itself/);
  });

  test('ends on any bytes', () => {
    fc.assert(
      fc.property(
        fc.nat(15),
        fc.array(fc.oneof(fc.nat(12), fc.nat(255)), { maxLength: 80 }),
        (type, rest) => {
          try {
            text([type, ...rest]);
          } catch (error) {
            expect(error).toBeInstanceOf(RowsealError);
          }
        },
      ),
      { numRuns: runs(20_000) },
    );
  });
});

describe('differences', () => {
  const difference = (operation: number, path: string, value?: number[]) => [
    operation,
    path.length,
    ...Buffer.from(path),
    ...(value === undefined ? [] : [value.length, ...value]),
  ];
  const patched = (document: number[], diffs: number[]) => {
    const out = new CellText();
    const bytes = Buffer.from(diffs);
    putPatched(out, Buffer.from(document), 0, document.length, bytes, 0, bytes.length);
    return out.bytes.toString('utf8', 0, out.length);
  };
  const TRUE = [0x04, 1];

  test('replace, insert and remove', () => {
    expect(patched(OBJECT, [])).toBe('{"a": 1}');
    expect(patched(OBJECT, difference(0, '$.a', ARRAY))).toBe('{"a": ["b", null]}');
    expect(patched(OBJECT, difference(1, '$."b c"', TRUE))).toBe('{"a": 1, "b c": true}');
    expect(patched(OBJECT, difference(1, '$.A', TRUE))).toBe('{"A": true, "a": 1}');
    expect(patched(ARRAY, difference(1, '$[1]', TRUE))).toBe('["b", true, null]');
    expect(patched(ARRAY, difference(1, '$[9]', TRUE))).toBe('["b", null, true]');
    expect(patched(ARRAY, difference(2, '$[last]'))).toBe('["b"]');
    expect(patched(OBJECT, [...difference(0, '$.a', ARRAY), ...difference(2, '$.a[0]')])).toBe(
      '{"a": [null]}',
    );
  });

  test.each([
    ['a member that is not there', difference(0, '$.b', TRUE)],
    ['a member that is there already', difference(1, '$.a', TRUE)],
    ['a cell of an object', difference(2, '$[0]')],
    ['something inside a number', difference(0, '$.a.b', TRUE)],
    ['the whole document', difference(0, '$', TRUE)],
    ['an operation that is none', difference(3, '$.a', TRUE)],
    ['a value that is cut short', difference(0, '$.a', TRUE).slice(0, -1)],
  ])('%s is not understood', (_what, diffs) => {
    expect(() => patched(OBJECT, diffs)).toThrow(RowsealError);
  });
});

describe('paths', () => {
  test('names, quoted names, cells', () => {
    expect(parsePath('$')).toEqual([]);
    expect(parsePath('$.a_1."x \\" ].y"[12][last][last-3]')).toEqual([
      { member: Buffer.from('a_1') },
      { member: Buffer.from('x " ].y') },
      { index: 12, fromEnd: false },
      { index: 0, fromEnd: true },
      { index: 3, fromEnd: true },
    ]);
  });

  test.each(['', 'a', '$.', '$x', '$[', '$[*]', '$[1', '$."a', '$**.a', '$.a b'])('%j is none', (path) => {
    expect(() => parsePath(path)).toThrow(RowsealError);
  });
});
