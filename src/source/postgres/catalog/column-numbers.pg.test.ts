/** The numbers of columns on real servers, against pg_attribute: whatever was done to the table behind the rows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import { type Read, trailOf } from '../../../../test/support/postgres-slot-trail.ts';

/** Of each relation: `id=1 b=2`, `lost` behind it where they are. */
const numbers = (records: readonly Read[]) =>
  records
    .filter(({ kind }) => kind === 'relation')
    .map(({ columns, numbers: lost }) =>
      [
        ...columns.map((each: Read) => `${each['name']}=${each['number'] ?? '?'}`),
        ...(lost ? [lost] : []),
      ].join(' '),
    );

describe.each([14, 18])('numbers of columns on Postgres %i', (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major, own: true, settings: { max_replication_slots: '40' } });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function table(name: string, columns = 'id int, a text, b text') {
    await server.sql(`create table ${name} (${columns}); alter table ${name} replica identity full;
      create publication ${name} for table ${name}`);
    const trail = trailOf(server, name, [{ match: `public.${name}` }]);
    await trail.open();
    return trail;
  }

  test('are those of the catalogs, with holes where columns went', async () => {
    const trail = await table('holes', 'id int, x int, a text, b text');
    await server.sql(`alter table holes drop x; insert into holes values (1)`);
    const records = await trail.read();
    expect(numbers(records)).toEqual(['id=1 a=3 b=4']);
    const [row] = await server.sql(`select 'holes'::regclass::oid as oid`);
    const relation = records.find(({ kind }) => kind === 'relation');
    expect(relation?.['target']).toEqual({ schema: 'public', table: 'holes', oid: Number(row!['oid']) });
  });

  test.each([
    ['renamed', 'alter table T rename a to c', 'id=1 a=2 b=3'],
    [
      'names_changed',
      'alter table T rename a to x; alter table T rename b to a; alter table T rename x to b',
      'id=1 a=2 b=3',
    ],
    ['added', 'alter table T add c text', 'id=1 a=2 b=3'],
    ['dropped', 'alter table T drop a', 'id=1 a=2 b=3'],
    ['not_null', 'alter table T alter b set not null; alter table T add primary key (id)', 'id=1 a=2 b=3'],
    ['dropped_and_added', 'alter table T drop b; alter table T add b text', 'id=? a=? b=? lost'],
    ['table_dropped', 'drop table T', 'id=? a=? b=? lost'],
  ])('%s behind the row', async (name, sql, expected) => {
    const trail = await table(`b_${name}`);
    await server.sql(`insert into b_${name} values (1, 'a', 'b')`);
    await server.sql(sql.replaceAll('T', `b_${name}`));
    expect(numbers(await trail.read())).toEqual([expected]);
  });

  // What the looks of this run saw before is proof as well: a migration of many steps loses nothing.
  test('stay known through one change after another while we stream', async () => {
    const trail = await table('steps');
    const steps = [
      'alter table steps add c text',
      'alter table steps drop a',
      'alter table steps rename b to a',
      'alter table steps add b text; alter table steps alter c set statistics 7',
      'alter table steps rename c to x; alter table steps rename b to c; alter table steps rename x to b',
    ].map((sql, i) => `${sql}; insert into steps values (${i}, 'a', 'b')`);
    expect(numbers(await trail.read(undefined, [`insert into steps values (0)`, ...steps]))).toEqual([
      'id=1 a=2 b=3',
      'id=1 a=2 b=3 c=4',
      'id=1 b=3 c=4',
      'id=1 a=3 c=4',
      'id=1 a=3 c=4 b=5',
      'id=1 a=3 b=4 c=5',
    ]);
  });

  // The values of card stood under a name that no rule knows, while those of note were masked as card.
  test('a redacted column whose name another one has is not recorded in the clear', async () => {
    await server.sql(`create table cards (id int primary key, card text, note text);
      create publication cards for table cards`);
    const trail = trailOf(server, 'cards', [{ match: 'public.cards', columns: { card: 'mask' } }]);
    await trail.open();
    await server.sql(`insert into cards values (1, 'SECRET', 'n')`);
    await expect(
      trail.read(undefined, [
        `begin; alter table cards rename card to x; alter table cards rename note to card;
         insert into cards values (2, 'SECRET', 'n'); commit`,
      ]),
    ).rejects.toMatchObject({ code: 'redaction_unmatched' });
  });
});
