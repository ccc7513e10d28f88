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

const BEFORE = Buffer.alloc(16, 0xff).toString('base64');
const SALT = Buffer.alloc(8, 0xff).toString('base64');
/** What a common change of level 2 has beside. */
const LATER: Row = {
  actor: { type: 'agent', id: 'a', on_behalf_of: { type: 'user', id: 'u' } },
  attribution: { tier: 'logged' },
  before: BEFORE,
  salt: SALT,
};
const WHOLE = [
  { op: 'test', path: '', value: { a: 1 } },
  { op: 'replace', path: '', value: { a: 1 } },
];
const ROW = { op: 'add', path: '', value: { a: 1 } };
const BARE = { op: 'replace', path: '/a', value: 1 };
const keyless = (more: Row = {}): Row =>
  change({ target: { schema: 's', table: 't', key: null }, patch: WHOLE, ...more });

const line = (text: string): Buffer => Buffer.from(`${text}\n`);

/** What records of a level are held to. */
const rules = (level: number) => ({ level, trail: 't', leaf: 9 });

/** 'plain', 'sound' (by the slow path), 'bad', or 'refused'. */
function judge(text: string, level = 1): string {
  const bytes = line(text);
  try {
    if (scanChange(bytes, 0, bytes.length - 1, prefix, level)) return 'plain';
    const { problem, id, number, index } = readRecord(bytes.subarray(0, -1), rules(level));
    return problem === null && id === `t:${number}:${index}` ? 'sound' : 'bad';
  } catch (error) {
    if (error instanceof JsonRefusal) return 'refused';
    throw error;
  }
}

/** Whether the slow path alone would take it. */
function soundSlowly(text: string, level = 1): boolean {
  const bytes = line(text);
  scanChange(bytes, 0, bytes.length - 1, prefix, level);
  const { problem, id, number, index, kind } = readRecord(bytes.subarray(0, -1), rules(level));
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
const whole = fc.tuple(value, value, fc.constantFrom('', '', '/a')).map(([a, b, path]) => [
  { op: 'test', path: '', value: a },
  { op: 'replace', path, value: b },
]);
const patch = fc.oneof(
  whole,
  fc.array(operation, { maxLength: 4 }),
  fc.array(pair, { maxLength: 4 }).map((pairs) => pairs.flat()),
  value.map((v) => [{ op: 'add', path: '', value: v }]),
  value.map((v) => [
    { op: 'test', path: '', value: v },
    { op: 'remove', path: '' },
  ]),
);
/** Base64 of so many bytes, as a rule. */
const base64Of = (length: number) =>
  fc.oneof(
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => Buffer.from(bytes).toString('base64')),
    fc
      .uint8Array({ minLength: length - 1, maxLength: length + 1 })
      .map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.constantFrom<unknown>('AAAAAAAAAAB=', 'AAAAAAAAAAAAAAAAAAAAAB==', 'AAAAAAAAAA-=', '', 7, null),
  );
/** Members that fit each other. */
const done: fc.Arbitrary<Row> = fc.oneof(
  fc.constantFrom<Row>(
    { action: 'update', image: 'full', patch: WHOLE },
    { action: 'update', image: 'full', patch: [] },
    { action: 'update', image: 'key', patch: [BARE] },
    { action: 'insert', image: 'changed', patch: [ROW] },
    { action: 'insert', image: 'full', patch: [ROW] },
    { action: 'delete', image: 'full', patch: [WHOLE[0], { op: 'remove', path: '' }] },
  ),
  pair.map((both) => ({ action: 'update', image: 'full', patch: both })),
);
/** A record that follows the rules, as a rule of both levels. */
const sound: fc.Arbitrary<Row> = fc.record(
  {
    done,
    actor: fc.constantFrom({ type: 'user' }, { type: 'agent' }, LATER['actor']),
    attribution: fc.constantFrom({ tier: 'none' }, { tier: 'logged' }),
    target: fc.constantFrom(
      { schema: 's', table: 't', key: null },
      { schema: 's', table: 't', key: { id: '1' } },
    ),
    before: fc.constant(BEFORE),
    salt: fc.constant(SALT),
    extra: fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text) as unknown),
  },
  { requiredKeys: ['done'] },
);
/** Any one member, as often as not against the rules. */
const oddMember: fc.Arbitrary<Row> = fc.oneof(
  ...Object.entries<fc.Arbitrary<unknown>>({
    action: fc.constantFrom('insert', 'update', 'delete', 'truncate', 'x'),
    image: fc.constantFrom('full', 'key', 'changed', 'x'),
    patch,
    time: fc.constantFrom(
      '2026-11-21T20:00:01.000000Z',
      '2026-11-21T20:00:02.000000Z',
      '2026-11-21T20:00:01Z',
      7,
    ),
    actor: fc.constantFrom<unknown>(
      { type: 'login' },
      { type: 'robot' },
      { type: 1 },
      [],
      { type: 'agent', on_behalf_of: { type: 'agent' } },
      { on_behalf_of: { type: 'robot' }, type: 'agent' },
      { type: 'agent', on_behalf_of: 'u' },
      { type: 'agent', on_behalf_of: { type: 'agent', on_behalf_of: { type: 'user' } } },
      { type: 'user', on_behalf_of: { type: 'robot' } },
    ),
    attribution: fc.constantFrom({ tier: 'asserted' }, { tier: 'x' }, {}),
    target: fc.constantFrom<unknown>(
      { schema: 's', table: 't', key: {} },
      { schema: 's', table: 't' },
      { schema: 1, table: 't', key: {} },
      { schema: 's', table: 't', key: 1 },
    ),
    before: base64Of(16),
    salt: base64Of(8),
    outcome: fc.constantFrom('success', 'failure', null),
    transaction: fc.constantFrom(
      { id: '9', position: '0/1', number: 3, index: 7 },
      { id: '', position: '0/1', number: 3, index: 7 },
      { id: '9', position: '', number: 3, index: 7 },
      { position: '0/1', number: 3, index: 7 },
      { id: 9, position: '0/1', number: 3, index: 7 },
    ),
  }).map(([member, values]) => values.map((value): Row => ({ [member]: value }))),
);
const record = fc
  .tuple(sound, fc.array(oddMember, { maxLength: 2 }))
  .map(([{ done: all, ...more }, odd]) =>
    JSON.stringify(change(Object.assign({}, all, more, ...odd) as Row)),
  );

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

  const cases: [string, Row, string, string][] = [
    ['an agent', change({ actor: { type: 'agent' } }), 'bad', 'plain'],
    ['an agent for a user', change(LATER), 'bad', 'plain'],
    [
      'an agent for an agent',
      change({ actor: { type: 'agent', on_behalf_of: { type: 'agent' } } }),
      'bad',
      'plain',
    ],
    ['an agent for nobody of a type', change({ actor: { type: 'agent', on_behalf_of: {} } }), 'bad', 'bad'],
    ['an agent for a text', change({ actor: { type: 'agent', on_behalf_of: 'u' } }), 'bad', 'bad'],
    [
      'an agent for one who acts for another',
      change({ actor: { type: 'agent', on_behalf_of: { type: 'agent', on_behalf_of: { type: 'user' } } } }),
      'bad',
      'bad',
    ],
    [
      'a member of a user that means nothing',
      change({ actor: { type: 'user', on_behalf_of: 7 } }),
      'plain',
      'sound',
    ],
    ['the tier logged', change({ attribution: { tier: 'logged' } }), 'bad', 'plain'],
    ['an empty key', change({ target: { schema: 's', table: 't', key: {} } }), 'plain', 'bad'],
    ['before', change({ before: BEFORE }), 'plain', 'plain'],
    ['before of 15 bytes', change({ before: Buffer.alloc(15).toString('base64') }), 'plain', 'bad'],
    ['before that is not canonical', change({ before: BEFORE.replace('w==', 'x==') }), 'plain', 'bad'],
    ['before of an insert', change({ action: 'insert', patch: [ROW], before: BEFORE }), 'plain', 'bad'],
    ['salt', change({ salt: SALT }), 'plain', 'plain'],
    ['salt of 16 bytes', change({ salt: BEFORE }), 'plain', 'bad'],
    ['salt that is not canonical', change({ salt: SALT.replace('8=', '9=') }), 'plain', 'bad'],
    ['salt of another type', change({ salt: 7 }), 'plain', 'bad'],
    ['a whole row, before and after', keyless(), 'bad', 'plain'],
    ['a whole row of a table with a key', change({ patch: WHOLE }), 'bad', 'bad'],
    ['a whole row where not all was sent', keyless({ image: 'changed' }), 'bad', 'bad'],
    ['a whole row without its test', keyless({ patch: [WHOLE[1]] }), 'bad', 'bad'],
    [
      'a whole row and more',
      keyless({ patch: [...WHOLE, { op: 'add', path: '/b', value: 1 }] }),
      'bad',
      'bad',
    ],
    [
      'a whole row that is none',
      keyless({ patch: [WHOLE[0], { op: 'replace', path: '', value: 1 }] }),
      'bad',
      'bad',
    ],
    ['columns where no key is', keyless({ patch: change()['patch'] }), 'plain', 'bad'],
    ['no column where no key is', keyless({ patch: [] }), 'plain', 'bad'],
    [
      'columns where no key is and not all was sent',
      keyless({ image: 'key', patch: [BARE] }),
      'plain',
      'plain',
    ],
  ];
  it.each(cases)('of one level and the next: %s', (_what, row, first, second) => {
    expect([1, 2].map((level) => judge(JSON.stringify(row), level))).toEqual([first, second]);
  });

  it('has its members of level 2 whatever the spelling of their names', () => {
    const text = JSON.stringify(change({ ...LATER, before: 'x' })).replace('"before"', '"befor\\u0065"');
    expect(judge(text, 2)).toBe('bad');
    const agent = JSON.stringify(change({ actor: { type: 'agent', on_behalf_of: 7 } }));
    expect(judge(agent.replace('on_behalf_of', 'on_behalf\\u005fof'), 2)).toBe('bad');
    const named = JSON.stringify(change({ target: { schema: 's', table: 't', key: {} } }));
    expect(judge(named.replace('"key":{}', '"k\\u0065y":{ }'), 2)).toBe('bad');
    expect(judge(named.replace('"key":{}', '"key": { }'), 2)).toBe('bad');
  });

  it.each([1, 2])('that the scan takes for plain is sound by the slow path, at level %i', (level) => {
    let plain = 0;
    fc.assert(
      fc.property(record, (text) => {
        if (judge(text, level) !== 'plain') return;
        plain += 1;
        expect(soundSlowly(text, level), text).toBe(true);
      }),
      { numRuns: runs(5000) },
    );
    expect(plain).toBeGreaterThan(runs(100));
  });

  it.each([1, 2])(
    'with any one member spoiled is never plain unless the slow path takes it, at level %i',
    (level) => {
      const text = JSON.stringify(change(level === 1 ? {} : LATER));
      expect(judge(text, level)).toBe('plain');
      fc.assert(
        fc.property(
          fc.nat(text.length),
          fc.nat(3),
          fc.constantFrom('', '"', '0', 'x', '{', '}', '\\u0061', ',', ' '),
          (at, cut, put) => {
            const spoiled = text.slice(0, at) + put + text.slice(at + cut);
            if (judge(spoiled, level) === 'plain') expect(soundSlowly(spoiled, level), spoiled).toBe(true);
          },
        ),
        { numRuns: runs(5000) },
      );
    },
  );

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
  readonly before: string;
  /** Where a text is cut, by how much, and what is put there. */
  readonly spoil: readonly [number, number, string] | null;
}

describe('shapes', () => {
  const fits = (learned: string, text: string, level = 1): boolean => {
    const shapes = createShapes(level);
    const bytes = line(learned);
    if (!scanChange(bytes, 0, bytes.length - 1, prefix, level)) return false;
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

  it('take what they hold beside from level 2 on, and nothing else in its place', () => {
    const learned = JSON.stringify(change(LATER));
    const other = {
      before: Buffer.alloc(16, 7).toString('base64'),
      salt: Buffer.alloc(8, 7).toString('base64'),
    };
    const with_ = (more: Row) => fits(learned, JSON.stringify(change({ ...LATER, ...more })), 2);
    expect(with_(other)).toBe(true);
    for (const before of ['', 'AAAA', BEFORE.replace('w==', 'x=='), BEFORE.replace('/', '-')]) {
      expect(with_({ before }), before).toBe(false);
    }
    expect(with_({ salt: BEFORE })).toBe(false);
    expect(with_({ salt: SALT.replace('8=', '9=') })).toBe(false);
    expect(with_({ actor: { type: 'agent', id: 'a', on_behalf_of: { type: 'robot', id: 'u' } } })).toBe(
      false,
    );
    // At level 1 these members mean nothing.
    const plain = JSON.stringify(change({ before: 'x', salt: 'y' }));
    expect(fits(plain, JSON.stringify(change({ before: 'z', salt: '' })), 1)).toBe(true);
    expect(fits(JSON.stringify(keyless()), JSON.stringify(keyless({ before: BEFORE })), 2)).toBe(false);
    expect(fits(JSON.stringify(keyless()), JSON.stringify(keyless({ patch: WHOLE })), 2)).toBe(true);
  });

  it.each([1, 2])('never take what the scan would not, at level %i', (level) => {
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
            taken = fits(learned, each, level);
          } catch (error) {
            if (!(error instanceof JsonRefusal)) throw error;
            expect(judge(each, level)).toBe('refused');
          }
          if (taken) expect(judge(each, level), each).toBe('plain');
        }
      }),
      { numRuns: runs(4000) },
    );
  });

  /** Reads lines as a segment's check does; says of each what a fit read, or null where none fitted. */
  const readAll = (texts: readonly string[], level: number) => {
    const shapes = createShapes(level);
    const b = Buffer.from(texts.map((text) => `${text}\n`).join(''));
    let at = 0;
    return texts.map((text) => {
      const end = at + Buffer.byteLength(text);
      const fitted = shapes.fit(b, at, prefix);
      const read = fitted === -1 ? null : { end: fitted - at, ...readHere(b) };
      try {
        if (fitted === -1 && scanChange(b, at, end, prefix, level)) shapes.learn(b, at, end);
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
    before: fc.constantFrom(BEFORE, BEFORE, BEFORE, SALT, Buffer.alloc(16, 7).toString('base64')),
    spoil: fc.option(
      fc.tuple(fc.nat(430), fc.nat(2), fc.constantFrom('', '"', '0', '-', '\\', '\u0001', '}', ' ')),
      { freq: 12, nil: null },
    ),
  });
  const textOf = ({ number, index, time, position, note, n, before, spoil }: Made): string => {
    const text = JSON.stringify(
      change({
        id: `t:${number}:${index}`,
        time,
        before,
        transaction: { id: `x${number}`, position, number, index },
        patch: [
          { op: 'test', path: '/a', value: note },
          { op: 'replace', path: '/a', value: n },
        ],
      }),
    );
    return spoil === null ? text : text.slice(0, spoil[0]) + spoil[2] + text.slice(spoil[0] + spoil[1]);
  };

  it.each([1, 2])(
    'narrowed by what records have in common, take and read what the scan does, at level %i',
    (level) => {
      let narrow = 0;
      fc.assert(
        fc.property(fc.array(fc.tuple(rowOf, fc.integer({ min: 1, max: 30 })), { maxLength: 8 }), (rows) => {
          const texts = rows.flatMap(([row, count]) =>
            Array.from({ length: count }, (_, i) => textOf({ ...row, index: row.index + i })),
          );
          let last: ReturnType<typeof readAll>[number] = null;
          readAll(texts, level).forEach((read, i) => {
            const text = texts[i]!;
            if (read !== null) {
              expect(judge(text, level), text).toBe('plain');
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
    },
  );

  it('follow the transactions: of a thousand records, all but a few are taken by a narrow shape', () => {
    const row = { time: '2026-11-21T20:00:01.000000Z', note: 'same', n: 7, before: BEFORE, spoil: null };
    const texts = Array.from({ length: 1000 }, (_, i) => {
      const number = 1 + Math.floor(i / 100);
      return textOf({ ...row, n: i, number, index: 1 + (i % 100), position: `0/${number}` });
    });
    const read = readAll(texts, 1);
    expect(read.filter((each) => each === null)).toHaveLength(1);
    expect(read.filter((each) => each?.shape !== null && each !== null).length).toBeGreaterThan(950);
  });
});
