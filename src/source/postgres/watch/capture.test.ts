import { describe, expect, test } from 'vitest';
import { type Capture, type CapturedTable, compareCapture, problemsOf, remedyOf } from './capture.ts';

const TABLE: CapturedTable = {
  oid: 1,
  published: true,
  partitioned: false,
  unlogged: false,
  identity: 'default',
  rowFilter: null,
  columnList: null,
  ancestors: [],
  triggers: {},
};
const PUBLICATION = { insert: true, update: true, delete: true, truncate: true, via_partition_root: false };

function capture(tables: Record<string, Partial<CapturedTable>>, publication = {}, oid = '1'): Capture {
  return {
    oid,
    publication: { ...PUBLICATION, ...publication },
    tables: new Map(Object.entries(tables).map(([name, table]) => [name, { ...TABLE, ...table }])),
  };
}
const everything = () => true;
const words = (before: Capture, after: Capture) =>
  compareCapture(before, after, 'p', everything).map((each) =>
    each.kind === 'tamper' ? `tamper ${each.what}` : each.kind === 'lifecycle' ? each.event : each.kind,
  );
const problems = (of: Capture, matches = everything as Parameters<typeof problemsOf>[2]) =>
  problemsOf(of, 'p', matches).map(({ what, object }) => `${what} ${object}`);

describe('what is told of a change of the capture', () => {
  const t = (change: Partial<CapturedTable>) => capture({ 's.t': change });
  test.each<[string, Capture, Capture, string[]]>([
    ['nothing', t({}), t({}), []],
    ['unpublished', t({}), t({ published: false }), ['tamper table_unpublished']],
    ['dropped', t({}), capture({}), ['table_dropped']],
    ['published', t({ published: false }), t({}), ['table_published']],
    ['created, published', capture({}), t({}), ['table_published']],
    ['created, not published', capture({}), t({ published: false }), ['table_not_published']],
    [
      'created with a filter',
      capture({}),
      t({ rowFilter: '(id > 1)' }),
      ['table_published', 'tamper row_filter_altered'],
    ],
    ['a filter taken off', t({ rowFilter: '(id > 1)' }), t({}), ['tamper row_filter_altered']],
    ['a column list', t({}), t({ columnList: 'id' }), ['tamper column_list_altered']],
    ['identity lowered', t({ identity: 'full' }), t({}), ['tamper replica_identity_lowered']],
    ['key dropped', t({}), t({ identity: 'nothing' }), ['tamper replica_identity_lowered']],
    ['identity raised', t({}), t({ identity: 'full' }), ['replica_identity_changed']],
    ['publish list shrunk', t({}), capture({ 's.t': {} }, { delete: false }), ['tamper publication_altered']],
    ['recreated', t({}), capture({ 's.t': {} }, {}, '2'), ['tamper publication_recreated']],
    [
      'trigger disabled',
      t({ triggers: { rowseal_context_after: 'A' } }),
      t({ triggers: { rowseal_context_after: 'D' } }),
      ['tamper context_trigger_disabled'],
    ],
    [
      'trigger fires as origin only',
      t({ triggers: { rowseal_context_after: 'A' } }),
      t({ triggers: { rowseal_context_after: 'O' } }),
      ['tamper context_trigger_disabled'],
    ],
    [
      'trigger dropped',
      t({ triggers: { rowseal_context_after: 'A' } }),
      t({}),
      ['tamper context_trigger_dropped'],
    ],
    ['trigger enabled', t({}), t({ triggers: { rowseal_context_before: 'A' } }), ['context_trigger_enabled']],
    [
      'made unlogged while unpublished',
      t({ published: false }),
      t({ published: false, unlogged: true }),
      ['table_not_published'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(words(before, after)).toEqual(expected);
  });
});

describe('problems', () => {
  test('a matching leaf that is not published, unless its root brings its rows', () => {
    const tables = { 's.p': { partitioned: true }, 's.p1': { published: false, ancestors: ['s.p'] } };
    expect(problems(capture(tables))).toEqual(['table_not_published s.p1']);
    expect(problems(capture(tables, { via_partition_root: true }))).toEqual([
      'publication_via_partition_root p',
    ]);
    expect(problems(capture(tables), () => false)).toEqual([]);
  });

  test('each says what to do, beside the fact that is sealed', () => {
    const [problem] = problemsOf(capture({ 's.t': { published: false } }), 'p', everything);
    expect(problem?.text).toBe('s.t is not captured (table not published)');
    expect(remedyOf(problem!, 'rowseal.yaml')).toBe('rowseal setup -c rowseal.yaml');
    expect(remedyOf({ ...problem!, what: 'row_filter' }, 'f')).toBe('rowseal doctor -c f');
    expect(remedyOf({ ...problem!, what: 'capture_not_seen' }, 'f')).toBeNull();
  });

  test('what is left out of published tables', () => {
    const spoiled = { rowFilter: '(id > 1)', columnList: 'id', triggers: { rowseal_context_before: 'D' } };
    expect(
      problems(capture({ 's.t': spoiled, 's.u': { published: false, unlogged: true } }, { truncate: false })),
    ).toEqual([
      'publication_without_action p',
      'row_filter s.t',
      'column_list s.t',
      'context_trigger_disabled s.t',
      'table_unlogged s.u',
    ]);
  });
});
