/** Which number a column had, by what the catalogs have of now. */
import { describe, expect, test } from 'vitest';
import { numbersNow, numbersThen } from './column-numbers.ts';

const XID = 100;
const OLD = 'always';
const message = (names: string) => ({
  xid: XID,
  columns:
    names === ''
      ? []
      : names.split(',').map((name) => ({ name, typeOid: 25, typeModifier: -1, identity: false })),
});
/** `1 id always`, `2 -`: dropped, its row proves nothing; `3 b . seen`: it was seen before. */
const facts = (...rows: string[]) => ({
  attributes: JSON.stringify(
    rows.map((row) => {
      const [number, name, proof, seen = ''] = row.split(' ');
      return [
        Number(number),
        name === '-' ? `...${number}...` : name,
        name === '-',
        proof === '.' ? null : (proof ?? null),
        seen,
      ];
    }),
  ),
});

describe('as of the message', () => {
  test.each<[string, string, string[], number[] | null]>([
    ['rows that are as old as the table', 'id,b', [`1 id ${OLD}`, `2 b ${OLD}`], [1, 2]],
    ['a creator that committed before', 'id,b', ['1 id 99', '2 b 99'], [1, 2]],
    [
      'a creator that is this very transaction proves nothing, their order does',
      'id,b',
      ['1 id 100', '2 b 100'],
      [1, 2],
    ],
    ['a column was renamed since', 'id,card', [`1 id ${OLD}`, '2 pan'], [1, 2]],
    ['two changed names since', 'id,card,note', [`1 id ${OLD}`, '2 note', '3 card'], [1, 2, 3]],
    [
      'one was renamed, and its name given to another',
      'id,x,card',
      [`1 id ${OLD}`, '2 card', '3 note'],
      [1, 2, 3],
    ],
    ['one came since', 'id,b', [`1 id ${OLD}`, `2 b ${OLD}`, '3 c'], [1, 2]],
    ['one went since', 'id,b,c', [`1 id ${OLD}`, '2 -', `3 c ${OLD}`], [1, 2, 3]],
    ['one went before', 'id,c', [`1 id ${OLD}`, `2 - ${OLD}`, `3 c ${OLD}`], [1, 3]],
    ['the last went and came again since', 'id,b', [`1 id ${OLD}`, '2 -', '3 b'], null],
    ['one went since, another may have come before or since', 'id,c', [`1 id ${OLD}`, '2 -', '3 c'], null],
    ['between two that are proven', 'a,x,c,y', [`1 a ${OLD}`, '2 b', `3 c ${OLD}`, '4 d'], [1, 2, 3, 4]],
    [
      'not sent: generated, or not in the column list',
      'a,c',
      [`1 a ${OLD}`, `2 g ${OLD}`, `3 c ${OLD}`],
      [1, 3],
    ],
    ['not sent, nor proven', 'a,c', [`1 a ${OLD}`, '2 g', `3 c ${OLD}`], [1, 3]],
    ['not sent, and beside one that is not proven', 'a,c', [`1 a ${OLD}`, '2 g', '3 c'], null],
    ['names against their order', 'c,a', [`1 a ${OLD}`, `3 c ${OLD}`], null],
    ['seen before', 'id,c', [`1 id ${OLD}`, '2 - . seen', '3 c'], [1, 3]],
    ['all seen before', 'a,c', ['1 a . seen', '2 - . seen', '3 c . seen'], [1, 3]],
    ['the table is gone', 'a', [], null],
    ['without columns', '', [`1 - ${OLD}`], []],
  ])('%s', (_, names, rows, expected) => {
    expect(numbersThen(message(names), facts(...rows), (_, row) => row.startsWith('seen'))).toEqual(expected);
  });
  test('no answer of the catalogs', () => {
    expect(numbersThen(message('a'), {}, () => false)).toBeNull();
    expect(numbersNow(message('a'), {})).toBeNull();
  });
});

test('as of now, by name', () => {
  const rows = facts('1 id', '2 -', '3 b');
  expect(numbersNow(message('id,b'), rows)).toEqual([1, 3]);
  expect(numbersNow(message('id,c'), rows)).toBeNull();
});
