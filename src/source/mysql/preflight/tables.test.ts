import { describe, expect, test } from 'vitest';
import { cascade, good, server, wish, wrong } from '../../../../test/support/mysql-preflight.ts';
import { preflight } from './preflight.ts';
import { judgeTables, triggerName } from './tables.ts';
import { namedSchemas, type PreflightWish } from './wish.ts';

describe('names in another case', () => {
  const capital = [{ ...wish.tables[0]!, match: 'Shop.Orders' }];
  const ids = (foldsNames: boolean) =>
    wrong(preflight({ ...server({ foldsNames }), cascades: [cascade] }, { ...wish, tables: capital }));
  test('are the same on a server that makes no difference', () =>
    expect(ids(true)).toEqual(['foreign_key.shop.orders.fk warn']));
  test('are not on another', () =>
    expect(ids(false)).toEqual(['account.visibility warn', 'tables.matched fail']));
});

describe('redactions that no column has', () => {
  const rule = { ...wish.tables[0]!, columns: { email: 'mask', 'e-mail': 'drop' } } as const;
  const found = (tables: PreflightWish['tables']) =>
    preflight(good, { ...wish, tables })
      .filter(({ id }) => id.startsWith('tables.redaction'))
      .map(({ status, what }) => `${status} ${what}`);
  test('are told, by the entry', () => {
    expect(found([{ ...rule, columns: { EMAIL: 'mask', ID: 'drop' } }])).toEqual([]);
    expect(found([rule])).toEqual(['fail shop.*: e-mail: no table of it has such a column']);
    expect(found([{ ...rule, columns: { email: 'mask' }, former_columns: { 'e-mail': 'drop' } }])).toEqual(
      [],
    );
  });
  test('are no certain thing where tables may be hidden', () => {
    const hidden = preflight(
      { ...good, sawAll: false },
      { ...wish, tables: [{ ...rule, match: 'sales.orders' }] },
    );
    expect(hidden.find(({ id }) => id.startsWith('tables.redaction'))).toMatchObject({
      status: 'warn',
      what: 'sales.orders: email, e-mail: no table that can be seen is its',
    });
  });
  test('of an entry that a later one replaces, too; of one that leaves tables out, not', () => {
    expect(found([rule, wish.tables[0]!])).toEqual([
      'fail shop.*: email, e-mail: the entry holds for no table',
    ]);
    expect(found([{ ...rule, exclude: true }])).toEqual([]);
  });
});

test('a context trigger on a table that takes no part in transactions', () => {
  const old = { ...good, tables: good.tables.map((table) => ({ ...table, engine: 'MyISAM' })) };
  const strict = (value: string) => ({
    ...old,
    variables: { ...good.variables, enforce_gtid_consistency: value },
  });
  expect(wrong(preflight(strict('ON'), wish))).toEqual(['table.shop.orders.engine fail']);
  expect(wrong(preflight(strict('WARN'), wish))).toEqual(['table.shop.orders.engine warn']);
  const without = { ...wish, tables: [{ ...wish.tables[0]!, context_trigger: false }] };
  expect(wrong(preflight(strict('ON'), without))).toEqual([]);
});

test('names of triggers fit, and stay apart', () => {
  expect(triggerName('orders', 'INSERT')).toBe('rowseal_i_orders');
  const [one, other] = [`${'x'.repeat(63)}1`, `${'x'.repeat(63)}2`].map((name) =>
    triggerName(name, 'DELETE'),
  );
  expect(one).toHaveLength(64);
  expect(one).not.toBe(other);
  const found = judgeTables(
    { ...good, tables: [{ ...good.tables[0]!, table: 'o' }] },
    [...wish.tables, { match: 'shop.o', exclude: false, context_trigger: false, replica_identity: 'keep' }],
    [],
  );
  expect(found).toMatchObject([{ lacks: [] }]); // the last match wins as a whole
});

test('the schemas that are named outright', () => {
  const rule = { exclude: false, context_trigger: false, replica_identity: 'keep' } as const;
  expect(
    namedSchemas([
      { ...rule, match: 'b.*' },
      { ...rule, match: 'a.t' },
      { ...rule, match: '*.x', exclude: true },
    ]),
  ).toEqual(['a', 'b']);
  expect(namedSchemas([{ ...rule, match: 's?.x' }])).toBeNull();
});
