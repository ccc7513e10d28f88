import { describe, expect, test } from 'vitest';
import { compilePolicy, type TableRule } from '../../../change/policy/policy.ts';
import type { Capture } from './capture.ts';
import { judge } from './redacted-columns.ts';

const ALL: TableRule = { match: 'public.*' };
const PAYMENTS: TableRule = { match: 'public.payments', columns: { card: 'mask' } };

/** `7 public.payments 1 id 2 card`: the table's oid and name, its columns by number. */
function catalog(...texts: readonly string[]) {
  const tables = new Map<string, object>();
  const columns = texts.flatMap((text) => {
    const [oid, name, ...rest] = text.split(' ');
    tables.set(name!, { oid: Number(oid), ancestors: [] });
    const pairs = Array.from({ length: rest.length / 2 }, (_, i) => rest.slice(2 * i, 2 * i + 2));
    return pairs.map(([number, column]) => ({ oid: Number(oid), number: Number(number), name: column! }));
  });
  return { capture: { oid: '1', publication: {}, tables } as unknown as Capture, columns };
}

/** What each look finds, one after another. */
function looks(rules: readonly TableRule[], ...catalogs: readonly (readonly string[])[]): (string | null)[] {
  const policy = compilePolicy({ tables: rules });
  let seen: ReturnType<typeof judge>['seen'] = [];
  return catalogs.map((texts) => {
    const { capture, columns } = catalog(...texts);
    const judged = judge(policy, capture, seen, columns);
    seen = judged.seen;
    return judged.unmatched?.message ?? null;
  });
}

describe('two looks at the catalogs', () => {
  const before = ['7 public.payments 1 id 2 card'];
  const plain = 'redacted until now, and no redaction names it';
  test.each<[string, readonly string[], string | null]>([
    ['nothing changed', before, null],
    ['a column was renamed', ['7 public.payments 1 id 2 pan'], `public.payments: card, now pan: ${plain}`],
    [
      'a column was renamed, and another has its name',
      ['7 public.payments 1 id 2 pan 3 card'],
      `public.payments: card, now pan: ${plain}`,
    ],
    ['a table was renamed', ['7 public.bills 1 id 2 card'], `public.bills: card: ${plain}`],
    [
      'a column was dropped',
      ['7 public.payments 1 id'],
      'public.payments: card: the table has no such column',
    ],
    ['a table was dropped', [], 'public.payments: card: there is no such table'],
    ['another table has its place', ['8 public.payments 1 card', '7 old.payments 1 id 2 card'], null],
    ['another column has its place', ['7 public.payments 1 id 5 card'], null],
  ])('%s', (_, behind, expected) => {
    expect(looks([ALL, PAYMENTS], before, behind)).toEqual([null, expected]);
  });

  test('what was found is found again, also by way of a table that is left out', () => {
    const renamed = ['7 public.payments 1 id 2 pan'];
    const found = `public.payments: card, now pan: ${plain}`;
    expect(looks([ALL, PAYMENTS], before, renamed, renamed)).toEqual([null, found, found]);
    const pattern: TableRule = { match: 'public.pay*', columns: { card: 'mask' } };
    const other = '9 public.pay2 1 card';
    expect(
      looks([ALL, pattern], [...before, other], ['7 old.x 2 card', other], ['7 public.x 2 card', other]),
    ).toEqual([null, null, `public.x: card: ${plain}`]);
  });
});
