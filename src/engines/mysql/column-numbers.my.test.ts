/**
 * Numbers of columns where the log has none: given by the daemon, carried through statements and restarts by what the trail
 * itself remembers. Rows of a table without a key, and JSON's null, beside them.
 */
import { expect, test } from 'vitest';
import { type MysqlEdge, startEdge } from '../../../test/support/mysql-edge.ts';
import { readTrail } from '../../../test/support/trail-reader.ts';

const numbers = (edge: MysqlEdge) =>
  edge
    .records('relation')
    .map(({ target, columns, numbers: lost }) =>
      [
        `${target.table}:`,
        ...columns.map(({ name, number }: { name: string; number: number }) => `${name}=${number}`),
        ...(lost === undefined ? [] : [lost]),
      ].join(' '),
    );

/** One daemon's life around the statements; the relations that it told. */
async function lived(edge: MysqlEdge, sql: string): Promise<string[]> {
  const daemon = await edge.run();
  const before = numbers(edge).length;
  await edge.server.sql(sql);
  await edge.sealed();
  await daemon.terminate();
  return numbers(edge).slice(before);
}

test.each(['mysql', 'mariadb'] as const)('%s: numbers outlive statements and daemons', async (flavor) => {
  await using edge = await startEdge({ flavor });
  await edge.server.sql('create table shop.t (id int primary key, a int, b int, c int)');
  const first = `insert into shop.t values (1, 1, 1, 1); alter table shop.t rename column b to x, drop a, add d int;
    insert into shop.t values (2, 2, 2, 2); alter table shop.t drop d; alter table shop.t add d int;
    insert into shop.t values (3, 3, 3, 3); rename table shop.t to shop.u`;
  expect(await lived(edge, first)).toEqual([
    't: id=1 a=2 b=3 c=4',
    't: id=1 x=3 c=4 d=5',
    't: id=1 x=3 c=4 d=6',
  ]);
  // While nobody looks: the statements come first, as they did.
  await edge.server.sql('alter table shop.u add e int, change x y int');
  expect(await lived(edge, 'insert into shop.u values (4, 4, 4, 4, 4)')).toEqual(['u: id=1 y=3 c=4 d=6 e=7']);
  expect(await lived(edge, 'insert into shop.u values (5, 5, 5, 5, 5)')).toEqual(['u: id=1 y=3 c=4 d=6 e=7']);
  const again = `drop table shop.u; create table shop.u (id int primary key, y int);
    insert into shop.u values (1, 1)`;
  expect(await lived(edge, again)).toEqual(['u: id=1 y=2']);
  expect(await edge.verify()).toBeNull();

  const { records, seals } = readTrail(edge.config.folder);
  const told = edge.records('lifecycle').filter(({ event }) => event === 'started' || event === 'tables');
  expect(told.at(-1)!['details'].captured).toEqual([
    expect.objectContaining({ schema: 'shop', table: 'u', rule: 'shop.*', next: 3 }),
  ]);
  const { source } = seals.at(-1) as unknown as { source: { level: number; state: { policy: number } } };
  expect(source.level).toBe(2);
  // Leaves are counted over records and seals.
  const place = records.findLastIndex(({ line }) =>
    /^\{"kind":"lifecycle".*"event":"(started|tables)"/.test(line),
  );
  expect(source.state.policy).toBe(place + records[place]!.seal);
});

test('a table without a key, and JSON’s null', async () => {
  await using edge = await startEdge({ flavor: 'mysql' });
  await edge.server.sql('create table shop.log (line text, doc json)');
  await using _daemon = await edge.run();
  await edge.server.sql(`insert into shop.log values ('a', null), ('a', 'null');
    update shop.log set line = 'b' where doc is not null`);
  await edge.sealed();
  const [one, two, update] = edge.records('change');
  expect(one!['patch'][0].value).toEqual({ line: 'a', doc: null });
  expect(one).not.toHaveProperty('encoded');
  expect(two!['patch'][0].value).toEqual({ line: 'a', doc: 'null' });
  expect(two!['encoded']).toEqual({ '/patch/0/value/doc': 'json' });
  expect(update!['target'].key).toBeNull();
  expect(update!['patch']).toEqual([
    { op: 'test', path: '', value: { line: 'a', doc: 'null' } },
    { op: 'replace', path: '', value: { line: 'b', doc: 'null' } },
  ]);
  expect(await edge.verify()).toBeNull();
});
