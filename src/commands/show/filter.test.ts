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
