/** The vectors of test/vectors/row-1, which were computed from FORMAT.md by another hand, and what holds for any rows. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/support/runs.ts';
import { createRange, EMPTY_ROOT, rootOf } from '../merkle.ts';
import { findingOf } from '../refuse.ts';
import { JsonRefusal } from '../strict-json.ts';
import { canonicalJson, canonicalMembers, compareUtf8 } from './canonical-json.ts';
import { parseCell, parseRow, type Row, rowOf, rowTexts } from './row.ts';
import { createRowTree, rowEntry, rowLeaf } from './row-tree.ts';

interface VectorRow {
  readonly row: string;
  readonly encoded?: Record<string, string>;
  readonly row_text: string;
  readonly key_text: string;
  readonly leaf: string;
}

interface Vector {
  readonly about: string;
  readonly salt: string;
  readonly key: readonly string[] | null;
  readonly rows: readonly VectorRow[];
  readonly root: string;
}

interface Refused {
  readonly about: string;
  readonly row: string;
  readonly encoded: Record<string, string>;
  readonly finding: string;
}

const folder = new URL('../../../test/vectors/row-1/', import.meta.url);
const read = <T>(name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T;
const names = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'refused.json');
const parsed = (row: string, encoded: Record<string, string> = {}): Row =>
  parseRow(Buffer.from(row), new Map(Object.entries(encoded)));

describe('the vectors', () => {
  it('are there', () => expect(names.length).toBeGreaterThan(15));

  it.each(names)('%s', (name) => {
    const { salt: text, key, rows, root } = read<Vector>(name);
    const salt = Buffer.from(text, 'base64');
    const tree = createRowTree(salt);
    for (const { row, encoded, row_text, key_text, leaf } of rows) {
      const texts = rowTexts(parsed(row, encoded), new Set(key));
      expect(texts.row.toString()).toBe(row_text);
      expect(texts.key.toString()).toBe(key_text);
      expect(rowLeaf(salt, texts).toString('base64')).toBe(leaf);
      tree.add(texts);
    }
    expect(tree.root().toString('base64')).toBe(root);
    expect(tree.count()).toBe(rows.length);
    const leaves = tree.leaves().map((leaf) => leaf.toString('base64'));
    expect(leaves.toSorted()).toEqual(rows.map(({ leaf }) => leaf).toSorted());
  });

  it.each(read<Refused[]>('refused.json'))('refuse $about: $row', ({ row, encoded, finding }) => {
    let found: string | null = null;
    try {
      parsed(row, encoded);
    } catch (error) {
      found = findingOf(error);
    }
    expect(found).toBe(finding);
  });
});

describe('a row', () => {
  it('may be put together of columns, each by itself', () => {
    const whole = parsed('{"b":[1.0],"a":"\\u0041","c":"\\\\x00","d":null}', { c: 'bytes', d: 'mask' });
    const cells = [
      parseCell('c', Buffer.from('"\\\\x00"'), 'bytes'),
      parseCell('a', Buffer.from('"A"')),
      parseCell('d', Buffer.from('null'), 'mask'),
      parseCell('b', Buffer.from(' [ 1.0 ] ')),
    ];
    expect(rowOf(cells.filter((cell) => cell !== null))).toEqual(whole);
  });

  it('has no column twice', () => {
    const cell = parseCell('a', Buffer.from('1'))!;
    expect(() => rowOf([cell, parseCell('b', Buffer.from('1'))!, cell])).toThrow('column a is there twice');
  });

  it('is of what it is given and not of what follows in the buffer', () => {
    const record = Buffer.from('{"rows":[{"a":[1,2]},{}],"n":123}');
    expect(canonicalMembers(record, 9, 20)).toEqual([{ name: 'a', value: '[1,2]' }]);
    expect(canonicalJson(record, 29, 31)).toBe('12');
    expect(() => canonicalJson(record, 9, 19)).toThrow(JsonRefusal);
  });

  it('has values of one form, whose own form is the same', () => {
    const json = fc.json({ maxDepth: 4, stringUnit: 'binary' });
    fc.assert(
      fc.property(json, (text) => {
        const bytes = Buffer.from(text);
        const once = canonicalJson(bytes);
        const again = Buffer.from(once, 'latin1');
        // The same value, in a form that does not change any more.
        expect(JSON.parse(again.toString())).toEqual(JSON.parse(text));
        expect(canonicalJson(again)).toBe(once);
        expect(canonicalJson(Buffer.from(JSON.stringify(JSON.parse(text), null, 3)))).toBe(
          canonicalJson(Buffer.from(JSON.stringify(JSON.parse(text)))),
        );
      }),
    );
  });

  it('ends on any bytes, with a refusal', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some)),
      fc
        .array(fc.constantFrom(...'{}[]",:0.eE-\\utnrf a1\u00e9\u0001'), { maxLength: 14 })
        .map((some) => Buffer.from(`{"a":${some.join('')}}`)),
    );
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(null, 'mask', 'hmac', 'sealed', 'json', '__proto__'),
        (some, kind) => {
          try {
            parseRow(some, kind === null ? undefined : new Map([['a', kind]]));
          } catch (error) {
            expect(findingOf(error)).toMatch(/^row_/);
          }
        },
      ),
      { numRuns: runs(3000) },
    );
    expect(() => canonicalJson(Buffer.from('{'))).toThrow(JsonRefusal);
  });

  it('has its members in the order of UTF-8', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 });
    const near = fc.array(fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          near.map((units) => units.join('')),
        ),
        near,
        (a, units) => {
          const b = units.join('');
          expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        },
      ),
    );
  });
});

describe('the tree', () => {
  const salt = Buffer.alloc(16, 3);
  const key = new Set(['id']);
  const value = fc.oneof(
    fc.constantFrom('1', '1.0', 'null', '[]', '{"b":1,"a":2}', '{"a":2,"b":1}'),
    fc.json({ maxDepth: 2 }),
  );
  /** Few keys and values, so that some rows are equal. */
  const rows = fc.array(fc.record({ id: fc.nat(6).map(String), v: value, w: fc.constantFrom('"x"', '0') }), {
    maxLength: 60,
  });

  it('is the same whatever the order of rows, of columns, and of parts', () => {
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat()), (list, numbers) => {
        const next = () => numbers.next().value as number;
        const plain = createRowTree(salt);
        const shuffled = createRowTree(salt);
        const parts = Array.from({ length: 4 }, () => createRowTree(salt));
        const text = (members: [string, string][]) =>
          Buffer.from(`{${members.map(([name, json]) => `"${name}":${json}`).join(',')}}`);
        for (const row of list) plain.add(rowTexts(parseRow(text(Object.entries(row))), key));
        for (const [row] of list.map((each) => [each, next()] as const).sort((a, b) => a[1] - b[1])) {
          const turned = next() % 3;
          const members = Object.entries(row);
          const texts = rowTexts(
            parseRow(text([...members.slice(turned), ...members.slice(0, turned)])),
            key,
          );
          shuffled.add(texts);
          const entry = rowEntry(texts);
          parts[entry[0]! >> 6]!.addEntry(entry);
        }
        const whole = createRange(0);
        for (const part of parts) part.appendTo(whole);
        expect(shuffled.root()).toEqual(plain.root());
        expect(whole.root()).toEqual(plain.root());
        expect(whole.count()).toBe(list.length);
      }),
    );
  });

  it('has its leaves by the hash of the key, then of the row, however many share their beginning', () => {
    // Entries of equal first bytes are what hashes hardly ever give.
    const bytes = fc.array(fc.constantFrom(0, 1, 255), { minLength: 8, maxLength: 8 });
    const entry = bytes.map(([a, b, c, d, e, f, g, h]) => {
      const made = Buffer.alloc(64);
      made.set([a!, b!], 0);
      made.set([c!, d!], 4);
      made.set([e!], 5);
      made.set([f!], 31);
      made.set([g!], 32);
      made.set([h!], 63);
      return made;
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 300 }), (entries) => {
        const tree = createRowTree(salt);
        for (const each of entries) tree.addEntry(each);
        const range = createRange(0);
        for (const each of entries.toSorted(Buffer.compare)) range.append(Buffer.concat([salt, each]));
        expect(tree.root()).toEqual(range.root());
      }),
    );
  });

  it('holds more rows than a block', () => {
    const tree = createRowTree(salt);
    const range = createRange(0);
    const entries = Array.from({ length: 20_000 }, (_, i) =>
      rowEntry({ row: Buffer.from(`${i % 19_990}`), key: Buffer.from(`${i % 15_000}`) }),
    );
    for (const each of entries) tree.addEntry(each);
    for (const each of entries.toSorted(Buffer.compare)) range.append(Buffer.concat([salt, each]));
    expect(tree.root()).toEqual(range.root());
    expect(tree.leaves()).toHaveLength(20_000);
  });

  it('has the empty root without rows, and a salt of 16 bytes', () => {
    expect(createRowTree(salt).root()).toEqual(EMPTY_ROOT);
    expect(rootOf([])).toEqual(EMPTY_ROOT);
    for (const bytes of [0, 8, 15, 17]) {
      expect(() => createRowTree(Buffer.alloc(bytes))).toThrow('a salt has 16 bytes');
    }
  });
});
