import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/support/runs.ts';
import { JsonRefusal } from '../../trail/strict-json.ts';
import { readRecord } from './record.ts';
import { scanChange, scanned } from './record-scan.ts';
import { createShapes } from './record-shape.ts';

const prefix = Buffer.from('t:');
type Row = Record<string, unknown>;

function change(more: Row = {}): Row {
  return {
    kind: 'change',
    id: 't:3:7',
    time: '2026-11-21T20:00:01.000000Z',
    actor: { type: 'user', id: 'u' },
    attribution: { tier: 'asserted' },
    action: 'update',
    target: { schema: 's', table: 't', key: { id: '1' } },
    outcome: 'success',
    transaction: { id: '9', position: '0/1', number: 3, index: 7 },
    image: 'full',
    patch: [
      { op: 'test', path: '/a', value: 1 },
      { op: 'replace', path: '/a', value: 'é\n"' },
    ],
    ...more,
  };
}

const line = (text: string): Buffer => Buffer.from(`${text}\n`);

/** 'plain', 'sound' (by the slow path), 'bad', or 'refused'. */
function judge(text: string): string {
  const bytes = line(text);
  try {
    if (scanChange(bytes, 0, bytes.length - 1, prefix)) return 'plain';
    const { problem, id, number, index } = readRecord(bytes.subarray(0, -1));
    return problem === null && id === `t:${number}:${index}` ? 'sound' : 'bad';
  } catch (error) {
    if (error instanceof JsonRefusal) return 'refused';
    throw error;
  }
}

/** Whether the slow path alone would take it. */
function soundSlowly(text: string): boolean {
  const bytes = line(text);
  scanChange(bytes, 0, bytes.length - 1, prefix);
  const { problem, id, number, index, kind } = readRecord(bytes.subarray(0, -1));
  return problem === null && kind === 'change' && id === `t:${number}:${index}`;
}

const name = fc.constantFrom('a', 'b', 'c/d', 'a~b', 'data', '0');
const path = fc.oneof(
  name.map((n) => `/${n.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  fc
    .tuple(name, fc.constantFrom('x', '0', 'y'))
    .map(([n, m]) => `/${n.replaceAll('~', '~0').replaceAll('/', '~1')}/${m}`),
  fc.constantFrom('', '/'),
);
const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.constant({ x: 1 }),
  fc.constant([1, 2]),
);
const operation = fc.record(
  { op: fc.constantFrom('test', 'replace', 'add', 'remove', 'move'), path, value },
  { requiredKeys: ['op', 'path'] },
);
const pair = fc.tuple(path, value, value).map(([p, a, b]) => [
  { op: 'test', path: p, value: a },
  { op: 'replace', path: p, value: b },
]);
const patch = fc.oneof(
  fc.array(operation, { maxLength: 4 }),
  fc.array(pair, { maxLength: 4 }).map((pairs) => pairs.flat()),
  value.map((v) => [{ op: 'add', path: '', value: v }]),
  value.map((v) => [
    { op: 'test', path: '', value: v },
    { op: 'remove', path: '' },
  ]),
);
const record = fc
  .record(
    {
      action: fc.constantFrom('insert', 'update', 'delete', 'truncate', 'x'),
      image: fc.constantFrom('full', 'key', 'changed', 'x'),
      patch,
      time: fc.constantFrom(
        '2026-11-21T20:00:01.000000Z',
        '2026-11-21T20:00:02.000000Z',
        '2026-11-21T20:00:01Z',
        7,
      ),
      actor: fc.constantFrom({ type: 'user' }, { type: 'login' }, { type: 'robot' }, { type: 1 }, []),
      attribution: fc.constantFrom({ tier: 'none' }, { tier: 'asserted' }, { tier: 'x' }, {}),
      target: fc.constantFrom(
        { schema: 's', table: 't', key: null },
        { schema: 's', table: 't' },
        { schema: 1, table: 't', key: {} },
        { schema: 's', table: 't', key: 1 },
      ),
      outcome: fc.constantFrom('success', 'failure', null),
      transaction: fc.constantFrom(
        { id: '9', position: '0/1', number: 3, index: 7 },
        { id: '', position: '0/1', number: 3, index: 7 },
        { id: '9', position: '', number: 3, index: 7 },
        { position: '0/1', number: 3, index: 7 },
        { id: 9, position: '0/1', number: 3, index: 7 },
      ),
      extra: fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text) as unknown),
    },
    { requiredKeys: ['action', 'image', 'patch'] },
  )
  .map((more) => JSON.stringify(change(more)));

describe('a record', () => {
  it('of the common kinds is plain', () => {
    const row = { id: '1', n: 2, j: { a: [1, { b: null }] } };
    expect(judge(JSON.stringify(change()))).toBe('plain');
    expect(judge(JSON.stringify(change({ patch: [] })))).toBe('plain');
    expect(
      judge(JSON.stringify(change({ action: 'insert', patch: [{ op: 'add', path: '', value: row }] }))),
    ).toBe('plain');
    const gone = [
      { op: 'test', path: '', value: row },
      { op: 'remove', path: '' },
    ];
    expect(judge(JSON.stringify(change({ action: 'delete', patch: gone })))).toBe('plain');
    const bare = [{ op: 'replace', path: '/a', value: 1 }];
    expect(judge(JSON.stringify(change({ image: 'key', patch: bare })))).toBe('plain');
    expect(judge(JSON.stringify(change({ encoded: { '/patch/1/value': 'json' } })))).toBe('sound');
  });

  it('that the scan takes for plain is sound by the slow path', () => {
    fc.assert(
      fc.property(record, (text) => {
        if (judge(text) === 'plain') expect(soundSlowly(text), text).toBe(true);
      }),
      { numRuns: runs(3000) },
    );
  });

  it('with any one member spoiled is never plain unless the slow path takes it', () => {
    const text = JSON.stringify(change());
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.nat(3),
        fc.constantFrom('', '"', '0', 'x', '{', '}', '\\u0061', ',', ' '),
        (at, cut, put) => {
          const spoiled = text.slice(0, at) + put + text.slice(at + cut);
          if (judge(spoiled) === 'plain') expect(soundSlowly(spoiled), spoiled).toBe(true);
        },
      ),
      { numRuns: runs(5000) },
    );
  });

  it('is read the same with escaped names and odd white space', () => {
    const text = JSON.stringify(change());
    expect(judge(text.replace('"transaction"', '"tr\\u0061nsaction"'))).toBe('sound');
    expect(judge(text.replace('"number"', '"n\\u0075mber"'))).toBe('sound');
    expect(judge(` ${text.replaceAll('":', '" : ')} `)).toBe('sound');
    expect(judge(text.replace('"number":3', '"number":3.0'))).toBe('bad');
    expect(judge(text.replace('"tr', '"kind":"x","tr'))).toBe('refused');
  });
});

interface Made {
  readonly number: number;
  readonly index: number;
  readonly time: string;
  readonly position: string;
  readonly note: string;
  readonly n: number;
  /** Where a text is cut, by how much, and what is put there. */
  readonly spoil: readonly [number, number, string] | null;
}

describe('shapes', () => {
  const fits = (learned: string, text: string): boolean => {
    const shapes = createShapes();
    const bytes = line(learned);
    if (!scanChange(bytes, 0, bytes.length - 1, prefix)) return false;
    shapes.learn(bytes, 0, bytes.length - 1);
    const other = line(text);
    return shapes.fit(other, 0, prefix) === other.length - 1;
  };

  it('take another record of the same members, and read its transaction', () => {
    const other = change({
      id: 't:12:345',
      transaction: { id: '1', position: '0/é', number: 12, index: 345 },
    });
    expect(fits(JSON.stringify(change()), JSON.stringify(other))).toBe(true);
    expect([scanned.number, scanned.index]).toEqual([12, 345]);
    const bytes = line(JSON.stringify(other));
    expect(bytes.toString('utf8', scanned.positionAt, scanned.positionEnd)).toBe('0/é');
    expect(fits(JSON.stringify(change()), JSON.stringify(change({ id: 't:3:8' })))).toBe(false);
    expect(fits(JSON.stringify(change()), JSON.stringify(change({ kind: 'gap' })))).toBe(false);
  });

  it('never take what the scan would not', () => {
    const spoil = fc.tuple(
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', '"', '0', '-', '.', 'e', '\\', '\u0001', '1', '{', '}', ' '),
    );
    fc.assert(
      fc.property(record, record, spoil, (learned, text, [at, cut, put]) => {
        const i = at % (text.length + 1);
        for (const each of [
          text,
          text.slice(0, i) + put + text.slice(i + cut),
          learned.slice(0, i) + put + learned.slice(i + cut),
        ]) {
          let taken = false;
          try {
            taken = fits(learned, each);
          } catch (error) {
            if (!(error instanceof JsonRefusal)) throw error;
            expect(judge(each)).toBe('refused');
          }
          if (taken) expect(judge(each), each).toBe('plain');
        }
      }),
      { numRuns: runs(4000) },
    );
  });

  /** Reads lines as a segment's check does; says of each what a fit read, or null where none fitted. */
  const readAll = (texts: readonly string[]) => {
    const shapes = createShapes();
    const b = Buffer.from(texts.map((text) => `${text}\n`).join(''));
    let at = 0;
    return texts.map((text) => {
      const end = at + Buffer.byteLength(text);
      const fitted = shapes.fit(b, at, prefix);
      const read = fitted === -1 ? null : { end: fitted - at, ...readHere(b) };
      try {
        if (fitted === -1 && scanChange(b, at, end, prefix)) shapes.learn(b, at, end);
      } catch (error) {
        if (!(error instanceof JsonRefusal)) throw error;
      }
      at = end + 1;
      return read;
    });
  };
  const readHere = (b: Buffer) => ({
    number: scanned.number,
    index: scanned.index,
    position: b.toString('utf8', scanned.positionAt, scanned.positionEnd),
    id: b.toString('utf8', scanned.idAt, scanned.idEnd),
    time: b.toString('utf8', scanned.timeAt, scanned.timeEnd),
    shape: scanned.shape,
  });

  /** A row of some transaction; what stays the same over a run of records is up to the arbitrary. */
  const rowOf: fc.Arbitrary<Made> = fc.record({
    number: fc.integer({ min: 1, max: 3 }),
    index: fc.integer({ min: 1, max: 200 }),
    time: fc.constantFrom('2026-11-21T20:00:01.000000Z', '2026-11-21T20:00:02.000000Z'),
    position: fc.constantFrom('0/1', '0/2', '0/10', 'é"'),
    note: fc.constantFrom('same', 'same', 'same', 'other', 'a\\"b', 'x'.repeat(40), ''),
    n: fc.oneof(fc.constant(7), fc.integer(), fc.double({ noNaN: true })),
    spoil: fc.option(
      fc.tuple(fc.nat(400), fc.nat(2), fc.constantFrom('', '"', '0', '-', '\\', '\u0001', '}', ' ')),
      { freq: 12, nil: null },
    ),
  });
  const textOf = ({ number, index, time, position, note, n, spoil }: Made): string => {
    const text = JSON.stringify(
      change({
        id: `t:${number}:${index}`,
        time,
        transaction: { id: `x${number}`, position, number, index },
        patch: [
          { op: 'test', path: '/a', value: note },
          { op: 'replace', path: '/a', value: n },
        ],
      }),
    );
    return spoil === null ? text : text.slice(0, spoil[0]) + spoil[2] + text.slice(spoil[0] + spoil[1]);
  };

  it('narrowed by what records have in common, take and read what the scan does', () => {
    let narrow = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(rowOf, fc.integer({ min: 1, max: 30 })), { maxLength: 8 }), (rows) => {
        const texts = rows.flatMap(([row, count]) =>
          Array.from({ length: count }, (_, i) => textOf({ ...row, index: row.index + i })),
        );
        let last: ReturnType<typeof readAll>[number] = null;
        readAll(texts).forEach((read, i) => {
          const text = texts[i]!;
          if (read !== null) {
            expect(judge(text), text).toBe('plain');
            const { shape, end, ...rest } = read;
            expect(end).toBe(Buffer.byteLength(text));
            const { shape: _, ...scan } = readHere(line(text));
            expect(rest).toEqual(scan);
            if (shape !== null) narrow += 1;
            if (shape !== null && shape === last?.shape) {
              expect([last.position, last.id, last.time]).toEqual([read.position, read.id, read.time]);
            }
          }
          last = read;
        });
      }),
      { numRuns: runs(500) },
    );
    expect(narrow).toBeGreaterThan(2 * runs(500));
  });

  it('follow the transactions: of a thousand records, all but a few are taken by a narrow shape', () => {
    const row = { time: '2026-11-21T20:00:01.000000Z', note: 'same', n: 7, spoil: null };
    const texts = Array.from({ length: 1000 }, (_, i) => {
      const number = 1 + Math.floor(i / 100);
      return textOf({ ...row, n: i, number, index: 1 + (i % 100), position: `0/${number}` });
    });
    const read = readAll(texts);
    expect(read.filter((each) => each === null)).toHaveLength(1);
    expect(read.filter((each) => each?.shape !== null && each !== null).length).toBeGreaterThan(950);
  });
});
