/** The comparison of targets with the catalog sees what it is there for. */
import { expect, test } from 'vitest';
import { problemsOfTargets, type TableState } from './mysql-targets.ts';

const table = (rows: readonly string[], shape = 'id'): TableState => ({ shape, rows });
const tables = (all: Readonly<Record<string, TableState>>) => new Map(Object.entries(all));
const on = (name: string, ...effects: string[]) => ({ schema: 'd', table: name, kind: 'table', effects });
const renamed = (from: string, to: string) => ({
  ...on(from, 'renames'),
  becomes: { schema: 'd', table: to },
});
const [ONE, TWO, EMPTY] = [table(['1']), table(['2']), table([])];

test.each([
  ['nothing', { a: ONE }, { a: ONE }, [on('a', 'none')]],
  ['made', {}, { a: ONE }, [on('a', 'creates')]],
  ['gone', { a: ONE }, {}, [on('a', 'drops')]],
  ['emptied', { a: ONE }, { a: EMPTY }, [on('a', 'empties')]],
  ['other rows', { a: ONE }, { a: TWO }, [on('a', 'replaces')]],
  ['other columns', { a: ONE }, { a: table(['1'], 'id, n') }, [on('a', 'columns')]],
  ['another table', { a: ONE }, { a: table(['1'], 'n') }, [on('a', 'drops', 'creates')]],
  [
    'swapped',
    { a: ONE, b: TWO },
    { a: TWO, b: ONE },
    [renamed('a', 'c'), renamed('b', 'a'), renamed('c', 'b')],
  ],
  ['unknown', { a: ONE }, {}, [on('a', 'unknown')]],
  ['unknown as a whole', { a: ONE }, { b: TWO }, [{ effects: ['unknown'] }]],
])('right: %s', (_, before, after, targets) => {
  expect(problemsOfTargets('d', tables(before), tables(after), targets)).toEqual([]);
});

test.each([
  ['made, untold', {}, { a: ONE }, [], 'a is there'],
  ['made, it says, and was there', { a: ONE }, { a: ONE }, [on('a', 'creates')], 'a was there before'],
  ['made, it says, and is not', {}, {}, [on('a', 'creates')], 'a was not made'],
  ['gone, untold', { a: ONE }, {}, [on('a', 'none')], 'a is gone'],
  ['gone, it says', { a: ONE }, { a: ONE }, [on('a', 'drops')], 'a is still there'],
  ['renamed to nowhere', { a: ONE }, { c: ONE }, [renamed('a', 'b')], 'a is gone,c is there'],
  ['emptied, it says', { a: ONE }, { a: ONE }, [on('a', 'empties')], 'a has rows'],
  ['other rows, untold', { a: ONE }, { a: TWO }, [on('a', 'none')], 'a has other rows'],
  [
    'of another schema',
    { a: ONE },
    { a: TWO },
    [{ ...on('a', 'replaces'), schema: 'e' }],
    'a has other rows',
  ],
  [
    'other columns, untold',
    { a: ONE },
    { a: table(['1'], 'n') },
    [on('a', 'replaces')],
    'a has other columns',
  ],
  ['swapped, as one', { a: ONE, b: TWO }, { a: TWO, b: ONE }, [renamed('a', 'b')], 'b has other rows'],
])('wrong: %s', (_, before, after, targets, problem) => {
  expect(problemsOfTargets('d', tables(before), tables(after), targets).join()).toContain(problem);
});
