import { expect, test } from 'vitest';
import { type ExactObject, parseExact } from './exact-json.ts';
import { replayProblems } from './mysql-replay.ts';

let index = 0;
const record = (members: object) => ({
  tree: parseExact(JSON.stringify({ ...members, transaction: { number: 1, index: ++index } })) as ExactObject,
});
const change = (action: string, table: string) =>
  record({ kind: 'change', action, target: { schema: 'd', table } });
const ddl = (table: string, effect: string, becomes?: string) =>
  record({
    kind: 'ddl',
    tag: 'DDL',
    targets: [
      {
        schema: 'd',
        table,
        effects: [effect],
        ...(becomes === undefined ? {} : { becomes: { schema: 'd', table: becomes } }),
      },
    ],
  });
const records = [
  change('insert', 'a'),
  ddl('a', 'empties'),
  change('insert', 'a'),
  ddl('b', 'creates'),
  change('insert', 'b'),
  change('update', 'b'),
  ddl('b', 'renames', 'c'),
  change('insert', 'c'),
  ddl('e', 'drops'),
];
const problems = (from: typeof records, counts: Record<string, number>) =>
  replayProblems(from, 'd', new Map(Object.entries(counts)));

test('a trail that is played leaves what the database has', () => {
  const counts = { a: 1, c: 2, quiet: 0 };
  expect(problems(records, counts)).toEqual([]);
  // In the order of its transactions, however it was read.
  expect(problems([...records].reverse(), counts)).toEqual([]);
});

test('and is found out where it does not', () => {
  const counts = { a: 1, c: 2 };
  const without = (at: number) => records.filter((_, each) => each !== at);
  expect(problems(without(1), counts)).toEqual(['a has 1 rows, its trail 2']);
  expect(problems(without(6), counts)).toEqual([
    'c has 2 rows, its trail 1',
    'b is gone, and its trail says that it is there',
  ]);
  expect(problems(records, { ...counts, e: 0 })).toEqual(['e is there, and its trail says that it is gone']);
  expect(problems([...records, ddl('a', 'unknown')], counts)).toEqual(['DDL: what it did to a is not known']);
});
