import { expect, it } from 'vitest';
import { filterOf, needleOf } from './filter.ts';

const moved = {
  kind: 'change',
  action: 'update',
  time: '2026-11-21T20:18:33.123456Z',
  actor: { type: 'user', id: 'u_1' },
  target: { schema: 'public', table: 'orders', key: { id: '7' } },
  patch: [
    { op: 'test', path: '/id', value: '7' },
    { op: 'replace', path: '/id', value: '70' },
    { op: 'test', path: '/total', value: '1' },
    { op: 'replace', path: '/total', value: '8' },
  ],
};
const disabled = {
  kind: 'ddl',
  action: 'ddl',
  time: moved.time,
  actor: { type: 'login', id: 'postgres' },
  target: { schema: 'public', type: 'table', identity: 'public.orders' },
};

it('finds an update that changed the key by the old key and by the new one, not by another value', () => {
  for (const key of ['7', '70', 'id=7', 'id=70']) expect(filterOf({ key })(moved), key).toBe(true);
  for (const key of ['8', 'total=8', 'id=8']) expect(filterOf({ key })(moved), key).toBe(false);
});

it('hears of tables that have no key', () => {
  const keyless: string[] = [];
  const matches = filterOf({ table: 'eventlog', key: '1' }, (table) => keyless.push(table));
  expect(matches({ ...moved, target: { schema: 'public', table: 'eventlog', key: null } })).toBe(false);
  matches({ ...moved, target: { schema: 'public', table: 'other', key: null } });
  expect(keyless).toEqual(['public.eventlog']);
});

it('finds DDL by its table, and with ddl puts it between the changes of a row', () => {
  expect(filterOf({ table: 'public.orders', action: 'ddl' })(disabled)).toBe(true);
  expect(filterOf({ table: 'orders', key: '7' })(disabled)).toBe(false);
  expect(filterOf({ table: 'orders', key: '7', ddl: true })(disabled)).toBe(true);
  expect(filterOf({ table: 'public.other', key: '7', ddl: true })(disabled)).toBe(false);
  const trigger = { ...disabled, target: { ...disabled.target, identity: 'audit on public.orders' } };
  expect(filterOf({ table: 'public.orders', ddl: true })(trigger)).toBe(true);
  const ofMysql = (type: string, identity: string) => ({
    ...disabled,
    target: { schema: 'shop', type, identity },
  });
  const dropped = ofMysql('trigger', 'shop.audit');
  expect(filterOf({ table: 'shop.orders', ddl: true })(dropped)).toBe(true);
  expect(filterOf({ table: 'other.orders', ddl: true })(dropped)).toBe(false);
  expect(needleOf({ table: 'shop.orders', ddl: true })(Buffer.from(JSON.stringify(dropped)))).toBe(true);
  expect(filterOf({ table: 'shop.b', ddl: true })(ofMysql('table', 'shop.a,shop.b'))).toBe(true);
  expect(filterOf({ table: 'shop.a', ddl: true })(ofMysql('index', 'shop.a.i'))).toBe(true);
  expect(filterOf({ table: 'shop.i', ddl: true })(ofMysql('index', 'shop.a.i'))).toBe(false);
  const bytes = Buffer.from(JSON.stringify(disabled));
  expect(needleOf({ table: 'public.orders', action: 'update', ddl: true })(bytes)).toBe(true);
  expect(needleOf({ table: 'public.orders', action: 'update' })(bytes)).toBe(false);
});

// RENAME TABLE a TO b stood under the old name alone: whoever asked for b saw no birth.
it('finds DDL by all that it was about, under the old name and the new one', () => {
  const ddl = (type: string, identity: string | null, targets: unknown) => ({
    ...disabled,
    target: { schema: 'shop', type, identity },
    targets,
  });
  const shown = (value: object, ...tables: string[]) =>
    tables.filter((table) => filterOf({ table, ddl: true })({ ...value }));
  const place = (table: string, schema: string | null = 'shop') => ({ schema, table });
  const renames = { ...place('a'), kind: 'table', effects: ['renames'], becomes: place('b', 'other') };
  const asked = ['shop.a', 'a', 'other.b', 'b', 'shop.b', 'c'];
  expect(shown(ddl('table', 'shop.a', [renames]), ...asked)).toEqual(['shop.a', 'a', 'other.b', 'b']);
  // As Postgres tells it where the earlier name is not known.
  const { table: _, ...unnamed } = renames;
  expect(shown(ddl('table', null, [unnamed]), ...asked)).toEqual(['other.b', 'b']);
  const exchange = [
    { ...place('a'), effects: ['replaces'] },
    { ...place('c'), effects: ['replaces'] },
  ];
  expect(shown(ddl('table', 'shop.a', exchange), ...asked)).toEqual(['shop.a', 'a', 'c']);
  const trigger = { schema: 'shop', name: 'audit', kind: 'trigger', effects: ['creates'] };
  expect(shown(ddl('trigger', 'shop.audit', [trigger, place('a')]), 'shop.a', 'shop.c')).toEqual(['shop.a']);
  expect(shown(ddl('trigger', 'shop.audit', [trigger]), 'shop.a', 'shop.c')).toEqual(['shop.a', 'shop.c']);
  const gone = { schema: null, name: 'shop', kind: 'schema', effects: ['drops'] };
  expect(shown(ddl('database', 'shop', [gone]), 'shop.a', 'a', 'shopping.a')).toEqual(['shop.a', 'a']);
  const made = { ...gone, effects: ['creates'] };
  expect(shown(ddl('database', 'shop', [made]), 'shop.a', 'a')).toEqual([]);
  const dots = { ...place('b.c', 'a'), effects: ['empties'] };
  expect(shown(ddl('table', null, [dots, null, 5, { effects: 7, name: {} }]), 'a.b.c', 'b.c', 'c')).toEqual([
    'a.b.c',
    'b.c',
  ]);
});
