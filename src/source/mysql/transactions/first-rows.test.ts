import { describe, expect, test } from 'vitest';
import { createFirstRows, type FirstRows } from './first-rows.ts';

const HEADER = Buffer.alloc(19);
/** A rows event, or the body of a TABLE_MAP, of a table with this number; `size`: bytes behind it. */
const body = (table: number, size = 0) =>
  Buffer.concat([Buffer.from([table, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(size)]);
const rows = (table: number, size = 0) => Buffer.concat([HEADER, body(table, size)]);
const [OURS, ORDERS, LINES] = [1, 2, 3];

function told(steps: (first: FirstRows) => void): (number | string)[] {
  const said: (number | string)[] = [];
  const first = createFirstRows({
    deliver: (event) => void said.push(event[19]!),
    onOtherStatement: () => void said.push('other'),
  });
  first.begin();
  steps(first);
  said.push('|');
  first.endStatement();
  return said;
}

describe('the first rows of a statement', () => {
  test('wait for our trigger, and only for its first word', () => {
    const statement = (first: FirstRows) => {
      first.table(body(ORDERS), false);
      first.table(body(OURS), true);
      first.theirs(rows(ORDERS));
      first.ours(rows(OURS));
      first.theirs(rows(LINES));
      expect(first.statementEnded()).toBe(true);
    };
    // Our row is delivered before the rows that are its own, which then come in their order.
    expect(told(statement)).toEqual([OURS, ORDERS, LINES, '|']);
  });
  test('where no trigger will speak nothing waits', () => {
    const statement = (first: FirstRows) => {
      first.table(body(ORDERS), false);
      first.theirs(rows(ORDERS));
    };
    expect(told(statement)).toEqual([ORDERS, '|']);
  });
  test('a statement of our trigger inside of theirs does not end it', () => {
    const logged = (first: FirstRows) => {
      first.table(body(ORDERS), false);
      first.table(body(OURS), true);
      first.theirs(rows(ORDERS));
      expect(first.statementEnded()).toBe(false);
      first.table(body(ORDERS), false);
      first.table(body(OURS), true);
      first.ours(rows(OURS));
      expect(first.statementEnded()).toBe(true);
    };
    expect(told(logged)).toEqual([OURS, ORDERS, '|']);
  });
  test('another statement gets nothing of the one before', () => {
    const silent = (next: (first: FirstRows) => void) => (first: FirstRows) => {
      first.table(body(OURS), true);
      first.theirs(rows(ORDERS));
      first.statementEnded();
      next(first);
    };
    expect(told(silent((first) => first.theirs(rows(LINES))))).toEqual([ORDERS, 'other', LINES, '|']);
    // Its tables are others: our row is not of the rows that were held.
    const ours = silent((first) => {
      first.table(body(LINES), false);
      first.ours(rows(OURS));
    });
    expect(told(ours)).toEqual([ORDERS, OURS, '|']);
  });
  test('are held within bounds, and forgotten with their transaction', () => {
    const large = (first: FirstRows) => {
      first.table(body(OURS), true);
      first.theirs(rows(ORDERS, 600_000));
      first.theirs(rows(LINES, 600_000));
      first.ours(rows(OURS));
    };
    expect(told(large)).toEqual([ORDERS, LINES, OURS, '|']);
    const cut = (first: FirstRows) => {
      first.table(body(OURS), true);
      first.theirs(rows(ORDERS));
      first.begin();
    };
    expect(told(cut)).toEqual(['|']);
  });
});
