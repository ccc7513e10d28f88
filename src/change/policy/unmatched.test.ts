import { describe, expect, test } from 'vitest';
import { compilePolicy, type TableRule } from './policy.ts';
import { type Server, unmatchedError, unmatchedRedactions } from './unmatched.ts';

const postgres: Server = { foldsColumns: false, hidesTables: false };
const mysql: Server = { foldsColumns: true, hidesTables: true };

/** `public.orders(id,email)`, `public.leaf(id)<public.root`. */
function tables(...texts: readonly string[]) {
  return texts.map((text) => {
    const [, schema, table, columns, ancestor] = /^(\w+)\.(\w+)\(([^)]*)\)(?:<(.*))?$/.exec(text)!;
    const names = columns!.split(',');
    return { schema: schema!, table: table!, columns: names, ancestors: ancestor ? [ancestor] : [] };
  });
}
const found = (rules: readonly TableRule[], there: readonly string[], server = postgres) =>
  unmatchedRedactions(compilePolicy({ tables: rules }), tables(...there), server).map(
    ({ rule, columns, why }) => `${rule}: ${columns}: ${why}`,
  );

describe('redactions that no column has', () => {
  const all = { match: 'public.*' };
  const payments = { match: 'public.payments', columns: { card: 'mask' } } as const;
  test.each<[string, TableRule[], string[], string[]]>([
    ['all is there', [all, payments], ['public.payments(id,card)'], []],
    [
      'a column was renamed',
      [all, payments],
      ['public.payments(id,pan)'],
      ['public.payments: card: the table has no such column'],
    ],
    [
      'a table was renamed',
      [all, payments],
      ['public.payments2(id,card)'],
      ['public.payments: card: there is no such table'],
    ],
    [
      'a later entry holds for the table, and names no column',
      [payments, all],
      ['public.payments(id,card)'],
      ['public.payments: card: a later entry holds for this table, as a whole'],
    ],
    [
      'a pattern’s column is nowhere',
      [{ match: 'public.*', columns: { email: 'mask', fax: 'drop' } }],
      ['public.a(id,email)', 'public.b(id)'],
      ['public.*: fax: no table of it has such a column'],
    ],
    [
      'it is only where another rule holds',
      [{ match: 'public.*', columns: { email: 'mask' } }, { match: 'public.a' }],
      ['public.a(id,email)', 'public.b(id)'],
      ['public.*: email: no table of it has such a column'],
    ],
    ['what is excluded needs nothing', [{ ...payments, exclude: true }], [], []],
    ['nor do former columns', [{ match: 'public.payments', former_columns: { card: 'mask' } }], [], []],
    [
      'a name that is in both may be missing',
      [{ match: 'public.*', columns: { fax: 'drop' }, former_columns: { fax: 'drop' } }],
      ['public.a(id)'],
      [],
    ],
    ['a partition is its parent’s', [all, payments], ['public.p1(id,card)<public.payments'], []],
    [
      'in this very case',
      [{ match: 'public.*', columns: { Id: 'mask' } }],
      ['public.a(id)'],
      ['public.*: Id: no table of it has such a column'],
    ],
  ])('%s', (_, rules, there, expected) => {
    expect(found(rules, there)).toEqual(expected);
  });

  test('where columns have no case', () => {
    expect(found([{ match: 'shop.*', columns: { Email: 'mask' } }], ['shop.a(id,eMail)'], mysql)).toEqual([]);
  });
  test('nothing is said where no table is shown', () => {
    const rules = [
      { match: 'shop.payments', columns: { card: 'mask' } },
      { match: 'crm.*', columns: { email: 'mask' } },
    ] as const;
    expect(found(rules, ['other.a(id)'], mysql)).toEqual([]);
    expect(found(rules, ['shop.b(id)', 'crm.c(id)'], mysql)).toEqual([
      'shop.payments: card: there is no such table',
      'crm.*: email: no table of it has such a column',
    ]);
  });
  test('stop the trail for good, with what to do', () => {
    const error = unmatchedError([{ rule: 'public.payments', columns: ['card'], why: 'gone' }]);
    expect(error).toMatchObject({ code: 'redaction_unmatched', retryable: false, exit: 3 });
    expect(error.message).toBe('public.payments: card: gone');
    expect(error.hint).toContain('former_columns');
  });
});
