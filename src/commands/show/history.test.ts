import { expect, it } from 'vitest';
import { createHistory, type HistoryOptions } from './history.ts';

const base = {
  kind: 'change',
  id: 'orders:1:3',
  time: '2026-11-21T20:18:33.123456Z',
  action: 'update',
  target: { schema: 'public', table: 'orders', key: { id: '42' } },
  actor: { type: 'user', id: 'u_1' },
  attribution: { tier: 'session' },
};
const show = (record: object, options: Partial<HistoryOptions> = {}) =>
  createHistory({ color: false, target: false, ids: false, ...options }).render(
    record as Readonly<Record<string, unknown>>,
  );
/** The column `what`. */
const what = (record: object, options: Partial<HistoryOptions> = {}) =>
  show(record, options)
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(62));

it('shows when, who, how sure, what from → to, one line a value, paths unescaped', () => {
  const record = {
    ...base,
    patch: [
      { op: 'test', path: '/status', value: 'open' },
      { op: 'replace', path: '/status', value: 'paid' },
      { op: 'test', path: '/details/a~1b', value: 1 },
      { op: 'remove', path: '/details/a~1b' },
      { op: 'add', path: '/details/c', value: null },
    ],
  };
  expect(show(record).split('\n')[0]).toBe(
    '2026-11-21 20:18:33.123456  user u_1              session     update  status: "open" → "paid"',
  );
  expect(what(record)).toEqual([
    'update  status: "open" → "paid"',
    '        details.a/b: 1 → (gone)',
    '        details.c: → null',
  ]);
  expect(what(record, { target: true, ids: true })[0]).toBe('orders:1:3  update  public.orders id=42');
});

it('never takes a bare replace (image key) for a change from something', () => {
  const patch = [{ op: 'replace', path: '/status', value: 'paid' }];
  expect(what({ ...base, patch })).toEqual(['update  status: → "paid"']);
});

it('shows of two whole rows what differs', () => {
  const patch = (now: object) => [
    { op: 'test', path: '', value: { id: '1', v: 'x', gone: 1 } },
    { op: 'replace', path: '', value: now },
  ];
  const keyless = { ...base, target: { schema: 'public', table: 'log', key: null } };
  expect(what({ ...keyless, patch: patch({ id: '1', v: 'y', gone: null }) })).toEqual([
    'update  v: "x" → "y"',
    '        gone: 1 → null',
  ]);
  expect(what({ ...keyless, patch: patch({ id: '1', v: 'x', gone: 1 }) })).toEqual([
    'update  (no column changed)',
  ]);
});

it('shows a deleted row whole, or by its key where no more was sent', () => {
  const gone = (...tests: object[]) => ({
    ...base,
    action: 'delete',
    patch: [...tests, { op: 'remove', path: '' }],
  });
  expect(what(gone({ op: 'test', path: '', value: { id: '1', v: 'x' } }))).toEqual(['delete  id "1", v "x"']);
  expect(what(gone({ op: 'test', path: '/a', value: '1' }, { op: 'test', path: '/b', value: '2' }))).toEqual([
    'delete  a: "1" → (gone)',
    '        b: "2" → (gone)',
  ]);
});

it('shows a masked value as masked, and an unknown actor with the login, if it is known', () => {
  const record = {
    ...base,
    actor: { type: 'unknown' },
    attribution: { tier: 'none', via: null },
    patch: [
      { op: 'test', path: '/card', value: null },
      { op: 'replace', path: '/card', value: null },
    ],
    encoded: { '/patch/0/value': 'mask', '/patch/1/value': 'mask' },
  };
  expect(what(record)).toEqual(['update  card: (masked) → (masked)']);
  expect(show(record)).toContain('  unknown  ');
  expect(show({ ...record, connection: { user: 'app' } })).toContain('  unknown, login app  ');
});

it('shows a ddl record with its statement, its object once, and the application that sent it', () => {
  const record = {
    ...base,
    kind: 'ddl',
    action: 'ddl',
    tag: 'ALTER TABLE',
    target: { schema: 'public', type: 'table', identity: 'public.orders' },
    actor: { type: 'login', id: 'postgres' },
    connection: { user: 'postgres', application: 'psql' },
    statement: 'ALTER TABLE orders\n  DISABLE TRIGGER USER',
  };
  expect(show(record)).toContain('  login postgres, psql  ');
  expect(what(record)).toEqual(['ddl     ALTER TABLE orders DISABLE TRIGGER USER']);
  expect(what(record, { target: true })[0]).toMatch(/^ddl {5}public\.orders {2}ALTER TABLE/);
  expect(what({ ...record, tag: 'CREATE TRIGGER' })[0]).toContain('CREATE TRIGGER, in: ALTER TABLE orders');
  expect(what({ ...record, statement: null })[0]).toContain('ALTER TABLE (its statement is not kept)');
});

it('tells every member of other kinds, and lets no text steer a terminal', () => {
  const gap = { kind: 'gap', time: base.time, from: '0/1', to: '0/2', reason: 'a\u001b[2Jb' };
  expect(what(gap)).toEqual(['gap     from: "0/1"', '        to: "0/2"', '        reason: "a\\u001b[2Jb"']);
  const hostile = { ...base, actor: { type: 'user', id: '\u001b]0;x' }, patch: [] };
  expect(show(hostile)).not.toContain('\u001b');
});
