import { describe, expect, test } from 'vitest';
import { type TableWish, wishFor } from '../../preflight.ts';
import type { PublicationFacts, TableFacts } from './facts.ts';
import { tableChecks } from './table-checks.ts';
import { judgeTables } from './tables.ts';

const table = (facts: Partial<TableFacts> = {}): TableFacts => ({
  schema: 'public',
  table: 'orders',
  kind: 'r',
  unlogged: false,
  identity: 'd',
  key: true,
  identityIndex: false,
  stored: [],
  virtual: [],
  columns: ['id'],
  ancestors: [],
  attached: false,
  published: true,
  rowFilter: false,
  columnList: false,
  ...facts,
});
const wish = (match: string, more: Partial<TableWish> = {}): TableWish => ({
  match,
  exclude: false,
  context_trigger: false,
  replica_identity: 'keep',
  ...more,
});
const publication: PublicationFacts = {
  allTables: false,
  viaRoot: false,
  schemas: [],
  unpublished: [],
  generated: null,
};
const judge = (
  facts: Partial<TableFacts>,
  wishes = [wish('public.*')],
  version = 160_000,
  pub = publication,
) => judgeTables([table(facts)], wishes, pub, version)[0];

describe('wishFor', () => {
  test('the last match wins, exclude takes out, partitions match by an ancestor', () => {
    const wishes = [wish('public.*'), wish('public.secret*', { exclude: true }), wish('public.secret_2')];
    expect(wishFor(table(), wishes)).toBe(wishes[0]);
    expect(wishFor(table({ table: 'secret_1' }), wishes)).toBeNull();
    expect(wishFor(table({ table: 'secret_2' }), wishes)).toBe(wishes[2]);
    expect(wishFor(table({ schema: 'x', ancestors: ['public.secret'] }), wishes)).toBeNull();
    expect(wishFor(table({ schema: 'x', ancestors: ['public.log'] }), wishes)).toBe(wishes[0]);
  });
});

describe('judgeTables', () => {
  test.each<[string, Partial<TableFacts>, RegExp | null]>([
    ['a primary key', {}, null],
    ['no key', { key: false }, /no key that serves/],
    ['no key, FULL', { key: false, identity: 'f' }, null],
    ['NOTHING in spite of a key', { identity: 'n' }, /REPLICA IDENTITY NOTHING/],
    ['an identity index', { key: false, identity: 'i', identityIndex: true }, null],
    ['an identity index that was dropped', { identity: 'i' }, /no key that serves/],
    ['an unlogged table without a key', { key: false, unlogged: true }, null],
    ['a partitioned root without a key', { key: false, kind: 'p' }, null],
    ['FULL and a virtual column', { identity: 'f', virtual: ['v'] }, /virtual generated column \(v\)/],
    ['a key and a virtual column', { virtual: ['v'] }, null],
    ['FULL and a stored column before 18', { identity: 'f', stored: ['s'] }, null],
  ])('%s', (_, facts, why) => {
    const verdict = judge(facts);
    if (why === null) expect(verdict?.refused).toBeNull();
    else expect(verdict?.refused?.why).toMatch(why);
  });

  test('18: a stored column under FULL is refused where the publication hides it', () => {
    const facts = { identity: 'f', stored: ['s'] } as const;
    expect(judge(facts, undefined, 180_000, { ...publication, generated: false })?.refused?.why).toContain(
      'stored',
    );
    expect(judge(facts, undefined, 180_000, { ...publication, generated: true })?.refused).toBeNull();
  });

  test('replica_identity: full mends a missing key, and breaks a virtual column', () => {
    const full = [wish('public.*', { replica_identity: 'full' })];
    expect(judge({ key: false }, full)).toMatchObject({ needsFull: true, refused: null });
    expect(judge({ virtual: ['v'] }, full)?.refused?.why).toContain('virtual');
    expect(judge({ identity: 'f' }, full)?.needsFull).toBe(false);
  });

  test('a leaf that wants triggers brings its ancestors along, since a statement names those', () => {
    const root = table({ table: 'p', kind: 'p' });
    const leaf = table({ table: 'p_1', ancestors: ['public.p'] });
    const verdicts = judgeTables(
      [root, leaf],
      [wish('public.p_1', { context_trigger: true })],
      publication,
      160_000,
    );
    expect(
      verdicts.map(({ name, needsTrigger, needsPublishing }) => [name, needsTrigger, needsPublishing]),
    ).toEqual([
      ['public.p', true, false],
      ['public.p_1', true, false],
    ]);
  });

  test('what no WAL holds is told apart from what would break', () => {
    expect(judge({ unlogged: true })?.uncapturable?.fix).toContain('SET LOGGED');
    expect(judge({ kind: 'f' })?.uncapturable?.why).toContain('foreign');
    expect(judge({ kind: 'f' }, [wish('public.*', { exclude: true })])).toBeUndefined();
  });
});

describe('tableChecks', () => {
  const kit = {
    version: 2,
    digest: 'd1',
    eventTriggers: [],
    publicMayEmit: false,
    emitters: [],
    attachNew: [],
  };
  const setting = (facts: Partial<TableFacts>) => ({
    tables: [table(facts)],
    publication,
    kit,
    server: { version: 160_000 },
  });
  const checks = (facts: Partial<TableFacts>, wishes = [wish('public.*')]) =>
    tableChecks(setting(facts), { tables: wishes, publication: 'rowseal' }).filter(
      ({ status }) => status !== 'ok',
    );

  test.each<[string, Partial<TableFacts>, string, string]>([
    ['unpublished', { published: false }, 'fail', 'ADD TABLE ONLY "public"."orders"'],
    ['breaks', { key: false }, 'fail', 'REPLICA IDENTITY FULL'],
    ['refused', { key: false, published: false }, 'fail', 'REPLICA IDENTITY FULL'],
    ['filtered', { rowFilter: true }, 'fail', 'DROP TABLE'],
    ['columns', { columnList: true }, 'fail', 'DROP TABLE'],
    ['uncapturable', { unlogged: true, published: false }, 'fail', 'SET LOGGED'],
    ['generated', { stored: ['s'] }, 'warn', ''],
  ])('%s', (what, facts, status, fix) => {
    const found = checks(facts);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ id: `table.public.orders.${what}`, status });
    expect(found[0]?.fix).toContain(fix);
  });

  test('a redaction that no column has, in this very case, is told', () => {
    const wishes = [wish('public.*', { columns: { id: 'mask', Id: 'drop' } })];
    expect(checks({}, wishes)).toMatchObject([
      {
        id: 'tables.redaction.public.*',
        status: 'fail',
        what: 'public.*: Id: no table of it has such a column',
      },
    ]);
    // A partition is its parent's.
    const ofParent = [wish('public.*'), wish('shop.orders', { columns: { id: 'mask' } })];
    expect(checks({ ancestors: ['shop.orders'] }, ofParent)).toEqual([]);
  });

  test('says no SQL that cannot work yet: neither without the kit nor without the publication', () => {
    const wishes = [wish('public.*', { replica_identity: 'full', context_trigger: true })];
    const ids = (change: object) =>
      tableChecks({ ...setting({ published: false }), ...change }, { tables: wishes, publication: 'p' })
        .filter(({ status }) => status !== 'ok')
        .map(({ id }) => id.split('.').at(-1));
    expect(ids({})).toEqual(['identity', 'unpublished', 'trigger']);
    expect(ids({ kit: null })).toEqual(['unpublished']);
    expect(ids({ publication: null })).toEqual(['identity', 'trigger']);
  });

  test('a table without a key is counted as one, and its mending repeats what the general rule asks', () => {
    const wishes = [wish('public.*', { context_trigger: true })];
    const found = tableChecks(setting({ key: false }), { tables: wishes, publication: 'p' });
    expect(found.find(({ id }) => id === 'tables.identity')?.what).toBe(
      'replica identity: 0 FULL, 0 by key, 1 without key',
    );
    expect(found.find(({ id }) => id.endsWith('.breaks'))?.fix).toContain(
      '{ match: public.orders, replica_identity: full, context_trigger: true }',
    );
  });

  test('nothing that matches fails; published and unasked warns; all well is silent', () => {
    expect(checks({}, [wish('shop.*')]).map(({ id }) => id)).toEqual([
      'tables.matched',
      'table.public.orders.unasked',
    ]);
    expect(checks({})).toEqual([]);
  });
});
