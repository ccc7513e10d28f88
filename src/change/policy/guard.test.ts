/** Relations as the stream describes them one after another; which of them may be recorded. */
import { describe, expect, test } from 'vitest';
import { column, relation } from '../../../test/support/plain-record.ts';
import type { Relation, TableMove } from '../change.ts';
import { createRedactionGuard } from './guard.ts';
import { compilePolicy, type TableRule } from './policy.ts';

/** `payments(id,card)` in schema public, by its oid. */
function table(text: string, more: Partial<Relation> = {}): Relation {
  const [, name, names] = /^(\w+)\(([^)]*)\)$/.exec(text)!;
  const columns = names!.split(',').map((each) => column(each, { as: 'string' }));
  return relation(columns, { table: name!, oid: 1, ...more });
}
/** Of MySQL: known by its name. */
function named(text: string): Relation {
  const { oid: _, ...rest } = table(text);
  return { ...rest, foldsColumns: true };
}
const move = (from: string, to: string | null, columns: TableMove['columns'] = []): TableMove => ({
  schema: 'public',
  table: from,
  to: to === null ? null : { schema: 'public', table: to },
  columns,
  foldsNames: false,
});
/** What the guard says of each, until it stops. */
function judged(rules: readonly TableRule[], steps: readonly (Relation | readonly TableMove[])[]): string {
  const guard = createRedactionGuard(compilePolicy({ tables: rules }));
  for (const [place, step] of steps.entries()) {
    try {
      if ('columns' in step) guard.check(step);
      else guard.moved(step);
    } catch (error) {
      return `${place + 1}: ${(error as Error).message}`;
    }
  }
  return 'all';
}

const all: TableRule = { match: 'public.*' };
const payments: TableRule = { match: 'public.payments', columns: { card: 'mask' } };
const pattern: TableRule = { match: 'public.*', columns: { email: 'mask' } };

describe('a relation of the stream', () => {
  test.each<[string, TableRule[], Relation[], string]>([
    // The values of card stood in the trail as pan, locked for years, and health was green.
    [
      'whose column was renamed stops',
      [all, payments],
      [table('payments(id,card)'), table('payments(id,pan)')],
      '2: public.payments: card: redacted until now, not there any more',
    ],
    [
      'that never had the column stops, first of all',
      [all, payments],
      [table('payments(id,pan)')],
      '1: public.payments: card: redacted, but not there at this point of the log',
    ],
    [
      'that comes back under a name without redactions stops',
      [all, payments],
      [table('payments(id,card)'), table('payments2(id,card)')],
      '2: public.payments2: card: redacted until now, and no redaction names it',
    ],
    [
      'that came back so by way of a name that is not recorded, too',
      [all, payments, { match: 'public.tmp', exclude: true }],
      [table('payments(id,card)'), table('tmp(id,card)'), table('payments2(id,card)')],
      '3: public.payments2: card: redacted until now, and no redaction names it',
    ],
    [
      'that had it when the catalogs were looked at, stops without an earlier row',
      [all, payments],
      [table('payments2(id,card)', { redactedBefore: ['card'] })],
      '1: public.payments2: card: redacted until now, and no redaction names it',
    ],
    [
      'of a pattern that lost its column stops',
      [pattern],
      [table('a(id,email)'), table('b(id,email)', { oid: 2 }), table('a(id,mail)')],
      '3: public.a: email: redacted until now, not there any more',
    ],
    [
      'of a pattern whose column of now has another name than when the row was written, too',
      [pattern],
      [table('a(id,mail)', { redactedBefore: ['email'] })],
      '1: public.a: email: redacted, but not there at this point of the log',
    ],
    [
      'goes on under another name where its redaction does',
      [pattern],
      [table('a(id,email)'), table('b(id,email)')],
      'all',
    ],
    [
      'may gain columns, lose others, and change types',
      [all, payments],
      [
        table('payments(id,card,note)'),
        table('payments(id,card,note,amount)'),
        table('payments(card,amount)'),
      ],
      'all',
    ],
    [
      'of another table under the name is another',
      [pattern],
      [table('a(id,email)'), table('a(id)', { oid: 2 })],
      'all',
    ],
    [
      'that was created again is as good',
      [all, payments],
      [table('payments(id,card)'), table('payments(card,id)', { oid: 2 })],
      'all',
    ],
    [
      'may be older than the column',
      [all, payments],
      [table('payments(id)', { unsent: ['card'], redactedBefore: ['card'] }), table('payments(id,card)')],
      'all',
    ],
    [
      'of a partition is its parent’s',
      [all, payments],
      [table('p1(id,card)', { ancestors: ['public.payments'] })],
      'all',
    ],
    ['that is not recorded needs nothing', [{ ...payments, exclude: true }], [table('payments(id)')], 'all'],
    [
      'is masked whole where its ancestors are lost, and needs not stay so',
      [{ match: 'public.p1' }, { match: 'public.payments', columns: { card: 'mask' }, exclude: true }],
      [table('p1(id,card)', { ancestry: 'lost' }), table('p1(id,card)')],
      'all',
    ],
  ])('%s', (_, rules, steps, expected) => {
    expect(judged(rules, steps)).toBe(expected);
  });
});

describe('the way out', () => {
  test('of a renamed column: both names, the former one where it is still there', () => {
    const corrected: TableRule = { ...payments, columns: { pan: 'mask' }, former_columns: { card: 'mask' } };
    const [before, behind] = [table('payments(id,card)'), table('payments(id,pan)')];
    expect(judged([all, corrected], [before, behind])).toBe('all');
    // Renamed once more.
    expect(judged([all, corrected], [before, behind, table('payments(id,number)')])).toBe(
      '3: public.payments: pan: redacted until now, not there any more',
    );
    expect(judged([all, { ...payments, columns: { pan: 'mask' } }], [before])).toBe(
      '1: public.payments: pan: redacted, but not there at this point of the log',
    );
  });
  test('one former column stands for one of now', () => {
    const two: TableRule = {
      match: 'public.payments',
      columns: { pan: 'mask', cvv: 'drop' },
      former_columns: { card: 'mask' },
    };
    expect(judged([two], [table('payments(id,card)')])).toBe(
      '1: public.payments: pan, cvv: redacted, but not there at this point of the log',
    );
    expect(judged([two], [table('payments(id,card,cvv)')])).toBe('all');
  });
  test('of a renamed table: the former entry keeps former columns alone', () => {
    const rules: TableRule[] = [
      all,
      { match: 'public.payments', former_columns: { card: 'mask' } },
      { match: 'public.payments2', columns: { card: 'mask' } },
    ];
    expect(judged(rules, [table('payments(id,card)'), table('payments2(id,card)')])).toBe('all');
    const moves = [move('payments', 'payments2')];
    expect(judged(rules, [named('payments(id,card)'), moves, named('payments2(id,card)')])).toBe('all');
  });
  test('of a column that was dropped', () => {
    const rules: TableRule[] = [{ ...pattern, former_columns: { email: 'mask' } }];
    expect(judged(rules, [table('a(id,email)'), table('a(id)')])).toBe('all');
  });
});

describe('a table that is known by its name', () => {
  const before = named('payments(id,card)');
  test.each<[string, TableRule[], (Relation | TableMove[])[], string]>([
    [
      'was renamed',
      [all, payments],
      [before, [move('payments', 'payments2')]],
      '2: public.payments2: card: redacted until now, and no redaction names it',
    ],
    [
      'was renamed before a row of it came',
      [all, payments],
      [[move('payments', 'payments2')], named('payments2(id,CARD)')],
      '2: public.payments2: card: redacted until now, and no redaction names it',
    ],
    [
      'was renamed by way of an excluded name',
      [all, payments, { match: 'public.tmp', exclude: true }],
      [before, [move('payments', 'tmp')], [move('tmp', 'payments2')]],
      '3: public.payments2: card: redacted until now, and no redaction names it',
    ],
    [
      'had its column renamed',
      [all, payments],
      [[move('payments', 'payments', [{ from: 'Card', to: 'pan' }])]],
      '1: public.payments: Card, now pan: redacted until now, and no redaction names it',
    ],
    [
      'changed places with another',
      [all, payments],
      [before, [move('payments', 'tmp'), move('next', 'payments'), move('tmp', 'old')]],
      '2: public.old: card: redacted until now, and no redaction names it',
    ],
    [
      'changed places under one rule',
      [{ match: 'public.*', columns: { card: 'mask' } }],
      [
        before,
        [move('payments', 'old'), move('next', 'payments')],
        named('payments(id,card)'),
        named('old(id,card)'),
      ],
      'all',
    ],
    [
      'was dropped, and made anew without the column',
      [pattern],
      [named('a(id,email)'), [move('a', null)], named('a(id)')],
      'all',
    ],
    [
      'went with its schema',
      [pattern],
      [named('a(id,email)'), [{ ...move('a', null), table: null }], named('a(id)')],
      'all',
    ],
    [
      'lost its column otherwise',
      [pattern],
      [named('a(id,email)'), named('a(id)')],
      '2: public.a: email: redacted until now, not there any more',
    ],
    [
      'had others renamed, and the case of this one',
      [all, payments],
      [
        before,
        [
          move('payments', 'payments', [
            { from: 'note', to: 'remark' },
            { from: 'card', to: 'CARD' },
          ]),
        ],
        named('payments(id,CARD)'),
      ],
      'all',
    ],
  ])('%s', (_, rules, steps, expected) => {
    expect(judged(rules, steps)).toBe(expected);
  });
});
