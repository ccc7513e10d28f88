import { describe, expect, test } from 'vitest';
import type { BinlogState } from '../wire/server.ts';
import { compareKit, type Kit, kitOf } from './kit.ts';
import { type Capture, compareCapture, problemsOf } from './settings.ts';
import { lostOf, retentionProblem, retentionSeconds } from './watch.ts';

const A = '11111111-1111-1111-1111-111111111111';
const KIT: Kit = {
  objects: new Map([
    ['table rowseal.context', 'BLACKHOLE'],
    ['procedure rowseal.set_context', 'a1'],
  ]),
  tableOf: new Map(),
  present: null,
  tables: new Set(),
  whole: new Set(),
};
const CAPTURE: Capture = {
  settings: { binlog_format: 'ROW', binlog_row_image: 'FULL', binlog_row_metadata: 'FULL', log_bin: 'ON' },
  filters: '',
  kit: KIT,
  logBinUses: 3,
};
const with_ = (settings: Record<string, string>): Capture => ({
  ...CAPTURE,
  settings: { ...CAPTURE.settings, ...settings },
});

describe('what changed between two looks', () => {
  test('nothing', () => {
    expect(compareCapture(CAPTURE, { ...CAPTURE, kit: { ...KIT } })).toEqual([]);
  });

  test('a setting was lowered, and raised again', () => {
    const low = with_({ binlog_row_image: 'MINIMAL' });
    expect(compareCapture(CAPTURE, low)).toEqual([
      {
        kind: 'tamper',
        what: 'setting_lowered',
        details: { setting: 'binlog_row_image', before: 'FULL', after: 'MINIMAL' },
      },
    ]);
    expect(compareCapture(low, CAPTURE)).toMatchObject([{ kind: 'lifecycle', event: 'setting_changed' }]);
  });

  test('a filter, a dropped procedure, sessions without binlog', () => {
    const after: Capture = {
      ...CAPTURE,
      filters: 'shop',
      kit: { ...KIT, objects: new Map([['table rowseal.context', 'InnoDB']]) },
      logBinUses: 5,
    };
    expect(compareCapture(CAPTURE, after)).toMatchObject([
      { what: 'binlog_filter_altered' },
      { what: 'context_object_altered', details: { object: 'table rowseal.context' } },
      { what: 'context_object_dropped', details: { object: 'procedure rowseal.set_context' } },
      { what: 'sql_log_bin_set', details: { statements: 2 } },
    ]);
    // Counted anew, or not seen before: nothing can be said.
    expect(compareCapture(CAPTURE, { ...CAPTURE, logBinUses: 0 })).toEqual([]);
    expect(compareCapture({ ...CAPTURE, logBinUses: null }, CAPTURE)).toEqual([]);
  });

  test('the kit is gone, and back', () => {
    const without: Capture = { ...CAPTURE, kit: null };
    expect(compareCapture(CAPTURE, without)).toMatchObject([{ what: 'context_kit_gone' }]);
    expect(compareCapture(without, CAPTURE)).toMatchObject([{ event: 'context_kit_seen' }]);
    expect(compareCapture(without, without)).toEqual([]);
  });

  test('problems are what keeps rows out', () => {
    expect(problemsOf(CAPTURE)).toEqual([]);
    const problems = problemsOf({
      ...with_({ binlog_format: 'MIXED', binlog_row_image: 'MINIMAL' }),
      filters: 'a',
    });
    expect(problems.map(({ what, object }) => [what, object])).toEqual([
      ['setting_too_low', 'binlog_format'],
      ['setting_too_low', 'binlog_row_image'],
      ['binlog_filter', 'binlog_do_db, binlog_ignore_db'],
    ]);
  });
});

// A table was dropped, or renamed as tools for online changes do, and the next look took its three triggers for taken away:
// tamper, where nobody had done anything to them.
describe('a trigger that is gone', () => {
  const row = (kind: string, schema: string, table: string | null, rest: Record<string, string> = {}) => ({
    kind,
    schema_name: schema,
    table_name: table,
    name: null,
    event: null,
    security: null,
    definer: null,
    mode: null,
    body: null,
    ...rest,
  });
  const triggersOf = (schema: string, table: string) =>
    ['INSERT', 'UPDATE', 'DELETE'].map((event) =>
      row('trigger', schema, table, { event: `AFTER ${event}`, body: 'x' }),
    );
  const table = (schema: string, name: string) => row('table', schema, name);
  const grant = row('grant', 'shop', null, { name: 'TRIGGER' });
  type Rows = Parameters<typeof kitOf>[0];
  const change = (before: Rows, after: Rows, folds = false) =>
    compareKit(kitOf(before, 'BLACKHOLE', folds), kitOf(after, 'BLACKHOLE', folds)).map((each) => [
      each.kind === 'tamper' ? each.what : each.kind === 'lifecycle' ? each.event : each.kind,
      'details' in each ? each.details['object'] : null,
    ]);
  const three = (what: string, on: string) =>
    ['INSERT', 'UPDATE', 'DELETE'].map((event) => [what, `trigger ${on} AFTER ${event}`]);
  const attached = [...triggersOf('shop', 'orders'), table('shop', 'orders'), grant];

  test('went with its table', () => {
    expect(change(attached, [grant])).toEqual(three('context_object_gone', 'shop.orders'));
    const renamed = [...triggersOf('shop', 'old'), table('shop', 'old'), grant];
    expect(change(attached, renamed)).toEqual([
      ...three('context_object_gone', 'shop.orders'),
      ...three('context_object_created', 'shop.old'),
    ]);
    expect(compareKit(kitOf(attached, null, false), kitOf([grant], null, false))[0]).toEqual({
      kind: 'lifecycle',
      event: 'context_object_gone',
      details: { object: 'trigger shop.orders AFTER INSERT' },
    });
  });

  test('is tamper where its table is there, or one that was made anew', () => {
    const bare = [table('shop', 'orders'), grant];
    expect(change(attached, bare)).toEqual(three('context_object_dropped', 'shop.orders'));
    expect(change(attached, attached.slice(1))).toEqual(
      three('context_object_dropped', 'shop.orders').slice(0, 1),
    );
  });

  test('is tamper where the owner may not see any more what is there', () => {
    expect(change([...attached, row('grant', 'b', 'c', { name: 'TRIGGER' })], [grant])).toEqual([
      ...three('context_object_dropped', 'shop.orders'),
      ['context_object_dropped', 'grant TRIGGER ON b.c'],
    ]);
    expect(change(attached, [])).toEqual([
      ...three('context_object_dropped', 'shop.orders'),
      ['context_object_dropped', 'grant TRIGGER ON shop.*'],
    ]);
  });

  test('is tamper where the installed kit does not tell tables', () => {
    const older = triggersOf('shop', 'orders');
    expect(change(older, [])).toEqual(three('context_object_dropped', 'shop.orders'));
    // Renewed in between: what the later look saw decides.
    expect(change(older, [grant])).toEqual([
      ...three('context_object_gone', 'shop.orders'),
      ['context_object_created', 'grant TRIGGER ON shop.*'],
    ]);
  });

  test('names are compared as the server does', () => {
    const capital = [...triggersOf('Shop', 'Orders'), table('Shop', 'Orders'), grant];
    const bare = [table('shop', 'orders'), grant];
    expect(change(capital, bare, true)).toEqual(three('context_object_dropped', 'Shop.Orders'));
    expect(change(capital, bare, false)).toEqual(three('context_object_gone', 'Shop.Orders'));
  });

  test('of ten thousand tables', () => {
    const names = Array.from({ length: 10_000 }, (_, each) => `t${each}`);
    const all = [...names.flatMap((name) => [...triggersOf('shop', name), table('shop', name)]), grant];
    const told = change(all, [...names.slice(5000).map((name) => table('shop', name)), grant]);
    expect(told.filter(([what]) => what === 'context_object_gone')).toHaveLength(15_000);
    expect(told.filter(([what]) => what === 'context_object_dropped')).toHaveLength(15_000);
  });
});

describe('a log that was begun anew', () => {
  const state = (change: Partial<BinlogState>): BinlogState => ({
    executed: null,
    purged: null,
    history: null,
    files: [],
    ...change,
  });

  test('MySQL', () => {
    const before = state({ executed: `${A}:1-9` });
    expect(lostOf(before, state({ executed: `${A}:1-12` }))).toBeNull();
    expect(lostOf(before, state({ executed: `${A}:1-3` }))).toBe(`${A}:4-9`);
  });

  test('MariaDB', () => {
    const before = state({ executed: '0-1-9', history: '0-1-9,0-2-4' });
    expect(lostOf(before, state({ executed: '0-1-12', history: '0-1-12,0-2-4' }))).toBeNull();
    expect(lostOf(before, state({ executed: '', history: '' }))).toBe('0-1-9,0-2-4');
  });

  test('files', () => {
    const before = state({ files: [{ name: 'bin.000003', size: 50 }] });
    const newest = (name: string, size: number) => state({ files: [{ name, size }] });
    expect(lostOf(before, newest('bin.000003', 51))).toBeNull();
    expect(lostOf(before, newest('bin.000009', 4))).toBeNull(); // purged meanwhile
    expect(lostOf(before, newest('bin.000003', 49))).toBe('bin.000003:50');
    expect(lostOf(before, newest('bin.000001', 400))).toBe('bin.000003:50');
  });
});

test('the alarm comes when half of the retention is used up', () => {
  const hour = 3_600_000;
  expect(retentionProblem({ binlog_expire_logs_seconds: '7200' }, hour - 1)).toEqual([]);
  expect(retentionProblem({ binlog_expire_logs_seconds: '7200' }, hour)).toMatchObject([
    { what: 'binlog_at_risk', text: expect.stringContaining('2.0 h') },
  ]);
  expect(retentionProblem({ binlog_expire_logs_seconds: '0' }, 1e12)).toEqual([]);
  expect(retentionProblem({ binlog_expire_logs_seconds: '7200' }, null)).toEqual([]);
  expect(retentionSeconds({ expire_logs_days: '1.500000', binlog_expire_logs_seconds: '0' })).toBe(129_600);
  expect(retentionSeconds({ binlog_expire_logs_auto_purge: 'OFF', binlog_expire_logs_seconds: '60' })).toBe(
    0,
  );
});
