import { describe, expect, test } from 'vitest';
import { column, relation } from '../../../test/support/plain-record.ts';
import type { Relation, TableMove } from '../change.ts';
import { compilePolicy, type TableRule } from '../policy/policy.ts';
import { createCaptured } from './captured.ts';
import { type CapturedTable, fitting, tablesOf } from './table.ts';

const rules: TableRule[] = [
  { match: 'public.*' },
  { match: 'public.payments', columns: { card: 'mask', note: 'hmac' } },
  { match: 'public.tmp', exclude: true },
];
const policy = compilePolicy({ tables: rules, hmac: { id: 'k', key: Buffer.alloc(32) } });

/** `orders(id,b)`, of MySQL: known by its name. */
function named(text: string, more: Partial<Relation> = {}): Relation {
  const [, table, names] = /^(\w+)\(([^)]*)\)$/.exec(text)!;
  const columns = names!.split(',').map((each) => column(each, { as: 'string' }));
  return relation(columns, { table: table!, foldsColumns: true, ...more });
}
/** `orders(id=1,b=2)`, of Postgres; without numbers they are lost. */
function numbered(text: string, oid = 7): Relation {
  const [, table, names] = /^(\w+)\(([^)]*)\)$/.exec(text)!;
  const columns = names!.split(',').map((each) => {
    const [name, number] = each.split('=');
    return { ...column(name!, { as: 'string' }), ...(number ? { number: Number(number) } : {}) };
  });
  return relation(columns, { table: table!, oid, ...(text.includes('=') ? {} : { numbers: 'lost' }) });
}
/** `id=1,b=2`, with `lost` behind where they are. */
const shown = ({ columns, numbers }: Relation) =>
  [...columns.map(({ name, number }) => `${name}=${number ?? '?'}`), ...(numbers ? [numbers] : [])].join();

const move = (from: string, to: string | null, more: Partial<TableMove> = {}): TableMove => ({
  schema: 'public',
  table: from,
  to: to === null ? null : { schema: 'public', table: to },
  columns: [],
  foldsNames: false,
  ...more,
});
const again = (tables: readonly CapturedTable[]) =>
  tablesOf({ time: '', details: { captured: JSON.parse(JSON.stringify(tables)) } }, undefined);

describe('numbers that are given here', () => {
  test.each<[string, (string | TableMove[])[], string]>([
    ['begin at 1', ['orders(id,b)'], 'id=1,b=2'],
    ['are the names’, in any order and case', ['orders(id,b)', 'orders(B,id)'], 'B=2,id=1'],
    ['go on where columns came', ['orders(id,b)', 'orders(id,c,b)'], 'id=1,c=3,b=2'],
    ['stay where columns went, and are none’s again', ['orders(a,b)', 'orders(a)', 'orders(a,b)'], 'a=1,b=3'],
    [
      'are lost where some came and some went at once',
      ['orders(a,b,c)', 'orders(a,b,d)'],
      'a=4,b=5,d=6,lost',
    ],
    ['stay so', ['orders(a,b)', 'orders(a,c)', 'orders(a,c,d)'], 'a=3,c=4,d=5,lost'],
    [
      'go with a rename that was told',
      ['orders(a,b)', [move('orders', 'orders', { columns: [{ from: 'B', to: 'c' }] })], 'orders(a,c)'],
      'a=1,c=2',
    ],
    [
      'tell what came from what went where a statement does',
      ['orders(a,b,c)', [move('orders', 'orders', { gone: ['b'] })], 'orders(a,c,d)'],
      'a=1,c=3,d=4',
    ],
    [
      'are new for a column that came back under the name of one that went',
      ['orders(a,b)', [move('orders', 'orders', { gone: ['b'] })], 'orders(a,b)'],
      'a=1,b=3',
    ],
    [
      'go with the table, by way of a name that is left out',
      ['orders(a,b)', 'orders(a)', [move('orders', 'tmp')], [move('tmp', 'next')], 'next(a,c)'],
      'a=1,c=3',
    ],
    [
      'are another table’s where two change places',
      [
        'orders(a,b)',
        'next(b,a)',
        [move('orders', 'tmp'), move('next', 'orders'), move('tmp', 'next')],
        'orders(a,b)',
      ],
      'a=2,b=1',
    ],
    [
      'begin anew with another table',
      ['orders(a,b)', 'orders(b)', [move('orders', null)], 'orders(b)'],
      'b=1',
    ],
    [
      'begin anew behind a schema that went',
      ['orders(a,b)', 'orders(b)', [move('orders', null, { table: null })], 'orders(b)'],
      'b=1',
    ],
  ])('%s', (_, steps, expected) => {
    for (const restarts of [false, true]) {
      let captured = createCaptured(policy, []);
      let last = '';
      for (const step of steps) {
        if (restarts) captured = createCaptured(policy, again(captured.tables()));
        if (typeof step === 'string') last = shown(captured.meet(named(step)));
        else captured.moved(step);
      }
      expect(last).toBe(expected);
    }
  });

  test('folded names of tables', () => {
    const captured = createCaptured(policy, []);
    captured.meet(named('Orders(a,b)', { foldsNames: true }));
    expect(captured.moved([move('ORDERS', 'next', { foldsNames: true })])).toBe(true);
    expect(shown(captured.meet(named('NEXT(b)', { foldsNames: true })))).toBe('b=2');
  });

  test('lost: each column has the severest redaction of its rule, until the configuration is another one', () => {
    const captured = createCaptured(policy, []);
    captured.meet(named('payments(id,card,note,x)'));
    const lost = captured.meet(named('payments(id,card,note,y)'));
    expect(shown(lost)).toBe('id=5,card=6,note=7,y=8,lost');
    expect([...policy.table(lost)!.columns, policy.table(lost)!.others]).toEqual([
      ['card', 'mask'],
      ['note', 'mask'],
      'mask',
    ]);
    const details = { captured: captured.tables(), configuration: { tables: 1 } };
    const next = (configuration: unknown) => {
      const known = tablesOf({ time: '', details }, configuration);
      return createCaptured(policy, known).meet(named('payments(id,card,note,y)')).numbers;
    };
    expect(next({ tables: 1 })).toBe('lost');
    expect(next({ tables: 2 })).toBeUndefined();
    expect(policy.table({ ...lost, table: 'orders' })!.columns.size).toBe(0);
  });
});

describe('numbers that the source tells', () => {
  test('are taken, and carried by name where the source can’t tell them, while no statement may have touched them', () => {
    const captured = createCaptured(policy, []);
    expect(shown(captured.meet(numbered('orders(id=1,b=4)')))).toBe('id=1,b=4');
    expect(shown(captured.meet(numbered('orders(id,b)')))).toBe('id=1,b=4');
    expect(shown(captured.meet(numbered('orders(id,c)')))).toBe('id=?,c=?,lost');
    expect(shown(captured.meet(numbered('orders(id)')))).toBe('id=?,lost');
    captured.blur();
    const later = createCaptured(policy, again(captured.tables()));
    expect(shown(later.meet(numbered('orders(id,b)')))).toBe('id=?,b=?,lost');
    expect(shown(later.meet(numbered('orders(id=1,b=4)')))).toBe('id=1,b=4');
    expect(shown(later.meet(numbered('orders(id,b)')))).toBe('id=1,b=4');
    expect(shown(captured.meet(numbered('orders(id,b)', 8)))).toBe('id=?,b=?,lost');
    expect(captured.tables().at(-1)).toMatchObject({ oid: 8, numbers: 'lost' });
  });
  // Two renames in one transaction, and card's values stood under a name that no rule knew, while note's were masked.
  test('a column that is redacted under another name than it had stops', () => {
    const captured = createCaptured(policy, []);
    captured.meet(numbered('payments(id=1,card=2,other=3)'));
    expect(() => captured.meet(numbered('payments(id=1,x=2,card=3)'))).toThrow(
      'public.payments: card, now x: redacted until now, and no redaction names it',
    );
  });
});

// In a hole that was accepted a column may have gone and another come under its name.
test('behind a hole, and on another server, nothing is carried by name, and no number is given again', () => {
  const captured = createCaptured(policy, []);
  captured.meet(named('payments(id,card)'));
  captured.meet(numbered('orders(id=1,b=2)'));
  captured.forget('statements');
  expect(shown(captured.meet(numbered('orders(id,b)')))).toBe('id=?,b=?,lost');
  expect(shown(captured.meet(named('payments(id,card)')))).toBe('id=3,card=4');
  captured.meet(numbered('orders(id=1,b=2)'));
  captured.forget('oids');
  expect(captured.tables().map(({ table }) => table)).toEqual(['payments']);
  expect(shown(captured.meet(named('payments(id,card)')))).toBe('id=3,card=4');
});

describe('what a later daemon is told', () => {
  test('every table, when something of it changed', () => {
    const captured = createCaptured(policy, []);
    expect(captured.changed).toBe(false);
    captured.meet(named('payments(id,card)'));
    captured.meet(numbered('orders(id=1,b=4)'));
    captured.meet(named('tmp(id)'));
    expect(captured.changed).toBe(true);
    expect(captured.tables()).toEqual([
      {
        schema: 'public',
        table: 'payments',
        rule: 'public.payments',
        class: 'default',
        columns: [
          { name: 'id', number: 1 },
          { name: 'card', number: 2, redaction: 'mask' },
        ],
        next: 3,
      },
      {
        schema: 'public',
        table: 'orders',
        oid: 7,
        rule: 'public.*',
        class: 'default',
        columns: [
          { name: 'id', number: 1 },
          { name: 'b', number: 4 },
        ],
      },
    ]);
    expect(captured.changed).toBe(false);
    captured.meet(named('payments(id,card)'));
    captured.moved([move('unknown', 'tmp')]);
    expect(captured.changed).toBe(false);
    captured.moved([move('payments', 'paid')]);
    expect(captured.changed).toBe(true);
  });
  test('of more than a record holds, the older ones without their columns: those are told anew', () => {
    const captured = createCaptured(policy, []);
    for (const name of ['a', 'b', 'c']) captured.meet(named(`${name}(id,${'x'.repeat(400)})`));
    const told = fitting(captured.tables(), 1500);
    expect(told.map(({ table, columns, next }) => [table, columns.length, next])).toEqual([
      ['a', 0, 3],
      ['b', 2, 3],
      ['c', 2, 3],
    ]);
    expect(shown(createCaptured(policy, again(told)).meet(named('a(id,b)')))).toBe('id=3,b=4,lost');
  });
  test('whatever else the record holds is passed over', () => {
    const odd = [null, 1, {}, { schema: 's', table: 't', rule: 'r', class: 'c', columns: [{ name: 1 }] }];
    for (const captured of [odd, {}, undefined, 'x'])
      expect(tablesOf({ time: '', details: { captured } }, {})).toEqual([]);
    expect(tablesOf(null, {})).toEqual([]);
  });
});
