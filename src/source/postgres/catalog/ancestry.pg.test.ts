/**
 * What the catalogs of now can't say of the rows of then: partitions detached, dropped or renamed behind their rows,
 * triggers dropped behind theirs, a publication that was another for a while. Nothing of it may pass in silence.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createTrailConfig,
  isConnected,
  rowseal,
  startDaemon,
  type TrailConfig,
} from '../../../../test/support/daemon.ts';
import { until } from '../../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import { capture } from '../../../../test/support/postgres-capture.ts';
import { kitFile } from '../../../../test/support/postgres-kit-stream.ts';
import { type Read, trailOf } from '../../../../test/support/postgres-slot-trail.ts';
import { readTrail } from '../../../../test/support/trail-reader.ts';
import type { Observation } from '../../../change/change.ts';
import { parseLsn } from '../wire/lsn.ts';

const recordsIn = ({ folder }: TrailConfig) => readTrail(folder).records.map(({ line }) => JSON.parse(line));

const shapes = (records: readonly Read[]) =>
  records
    .filter((each) => each['kind'] === 'change' || each['reason'] === 'ancestry_unknown')
    .map((each) =>
      each['kind'] === 'gap'
        ? `gap ${each['details'].schema}.${each['details'].table}`
        : `${each['action']} ${each['target'].schema}.${each['target'].table} ${JSON.stringify(each['patch'][0].value)}`,
    );

describe.each([14, 16, 18])('lineages on Postgres %i', (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major, own: true, settings: { max_replication_slots: '40' } });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  /** A parent and its leaf in a schema of the test's own, published. */
  async function shop(name: string, publish = 'leaf') {
    await server.sql(`create schema ${name};
      create table ${name}.orders (id int, card text) partition by list (id);
      create table ${name}.leaf partition of ${name}.orders for values in (1);
      create table ${name}.aside (id int, card text);
      create publication ${name} for table only ${name}.${publish}, only ${name}.aside`);
  }

  const behind = {
    detach: (s: string) => `alter table ${s}.orders detach partition ${s}.leaf`,
    concurrently: (s: string) => `alter table ${s}.orders detach partition ${s}.leaf concurrently`,
    drop: (s: string) => `drop table ${s}.leaf`,
    'drop of all': (s: string) => `drop table ${s}.orders`,
    rename: (s: string) => `alter table ${s}.orders rename to former`,
    'move of the schema': (s: string) => `create schema ${s}_2; alter table ${s}.orders set schema ${s}_2`,
    'change of parents': (s: string) =>
      `alter table ${s}.orders detach partition ${s}.leaf; create table ${s}.other (id int, card text) partition by list (id);
       alter table ${s}.other attach partition ${s}.leaf for values in (1)`,
  };

  // The configuration names the parent alone; by the time the row was read, its table was nobody's partition.
  test.each(Object.entries(behind))(
    '%s behind a row: a gap where nothing was seen of it',
    async (how, sql) => {
      const name = `lost_${how.replaceAll(' ', '_')}`;
      await shop(name);
      const trail = trailOf(server, name, [{ match: `${name}.orders` }]);
      await trail.open();
      await server.sql(`insert into ${name}.orders values (1, 'c1')`);
      await server.sql(sql(name));
      const records = await trail.read();
      expect(shapes(records)).toEqual([`gap ${name}.leaf`]);
      const [gap] = records.filter(({ reason }) => reason === 'ancestry_unknown');
      expect(gap).toMatchObject({ reason: 'ancestry_unknown', to: gap!['transaction'].position });
      expect(parseLsn(gap!['from'])).toBeLessThan(parseLsn(gap!['to']));
    },
  );

  test.each(Object.entries(behind))(
    '%s behind a row: recorded as what it was seen to be',
    async (how, sql) => {
      const name = `seen_${how.replaceAll(' ', '_')}`;
      await shop(name);
      const rules = [
        { match: `${name}.leaf` },
        { match: `${name}.orders`, columns: { card: 'mask' } },
      ] as const;
      const trail = trailOf(server, name, rules);
      const watch = trail.watch();
      await trail.open(watch);
      await server.sql(`insert into ${name}.orders values (1, 'c1')`);
      await server.sql(sql(name));
      const records = await trail.read(watch);
      // Of a table that is gone nobody can tell any more which column is which.
      const isGone = how.startsWith('drop');
      expect(shapes(records)).toEqual([`insert ${name}.leaf {"id":${isGone ? 'null' : 1},"card":null}`]);
      expect(records.find(({ kind }) => kind === 'relation')).toMatchObject({
        ancestry: 'remembered',
        partition_of: expect.arrayContaining([`${name}.orders`]),
      });
    },
  );

  // Its own name matched the wide rule, whose values are in the clear; the parent's rule was what masked them.
  test('a parent’s redaction is not escaped by a partition that left it', async () => {
    await shop('masked');
    const trail = trailOf(server, 'masked', [
      { match: 'masked.*' },
      { match: 'masked.orders', columns: { card: 'mask' } },
    ]);
    await trail.open();
    await server.sql(`insert into masked.orders values (1, 'c1')`);
    await server.sql('alter table masked.orders detach partition masked.leaf');
    const records = await trail.read();
    expect(shapes(records)).toEqual(['insert masked.leaf {"id":1,"card":null}']);
    expect(JSON.stringify(records)).not.toContain('c1');
  });

  test('what commits after the look goes by what is there now', async () => {
    await shop('later');
    const trail = trailOf(server, 'later', [{ match: 'later.orders' }]);
    await trail.open();
    await server.sql(`insert into later.orders values (1, 'then')`);
    await server.sql('alter table later.orders detach partition later.leaf');
    const records = await trail.read(undefined, [
      `insert into later.leaf values (1, 'now')`,
      `alter table later.orders attach partition later.leaf for values in (1); insert into later.leaf values (1, 'again')`,
      `insert into later.leaf values (1, 'and again')`,
    ]);
    expect(shapes(records)).toEqual([
      'gap later.leaf',
      'insert later.leaf {"id":1,"card":"again"}',
      'insert later.leaf {"id":1,"card":"and again"}',
    ]);
  });

  // The table had been seen as a partition and as none, in this very stream; neither may be taken for what it was then.
  test('what was altered once more behind a row is not taken for what was seen before', async () => {
    await shop('again');
    const trail = trailOf(server, 'again', [{ match: 'again.orders' }]);
    await trail.open();
    const records = await trail.read(undefined, [
      `insert into again.orders values (1, 'a')`,
      `alter table again.orders add b int; insert into again.leaf (id, card) values (1, 'b'); commit;
       alter table again.orders detach partition again.leaf`,
      `insert into again.leaf (id, card) values (1, 'c')`,
      `alter table again.orders attach partition again.leaf for values in (1); insert into again.leaf (id, card)
       values (1, 'd'); commit; alter table again.orders detach partition again.leaf`,
    ]);
    const cards = records.filter(({ kind }) => kind === 'change').map(({ patch }) => patch[0].value.card);
    expect(cards).toEqual(['a', 'b', 'd']);
  });

  // These are what the configuration leaves out on purpose, though somebody publishes them: sealed as such already.
  test('a table that was never a partition is left out without a gap, whatever else was done to it', async () => {
    await shop('apart');
    const trail = trailOf(server, 'apart', [{ match: 'apart.orders' }]);
    await trail.open();
    await server.sql(`insert into apart.aside values (1, 'x'); insert into apart.orders values (1, 'y')`);
    await server.sql(`alter table apart.aside add extra int default 7, alter card set not null; truncate apart.aside;
      create index on apart.aside (id); alter table apart.orders add extra int default 7; analyze`);
    await server.sql('insert into apart.orders values (1)');
    const records = await trail.read();
    expect(shapes(records)).toEqual([
      'insert apart.leaf {"id":1,"card":"y"}',
      'insert apart.leaf {"id":1,"card":null,"extra":7}',
    ]);
    expect(JSON.stringify(records)).not.toContain('ancestry');
  });

  test('partitions made while we stream are known for certain', async () => {
    await shop('fresh', 'orders');
    const trail = trailOf(server, 'fresh', [
      { match: 'fresh.orders' },
      { match: 'x.y', columns: { card: 'mask' } },
    ]);
    await trail.open();
    const records = await trail.read(undefined, [
      'create table fresh.two partition of fresh.orders for values in (2)',
      `insert into fresh.orders values (2, 'a')`,
      `begin; create table fresh.three (id int, card text);
       alter table fresh.orders attach partition fresh.three for values in (3); commit;
       insert into fresh.orders values (3, 'b')`,
      `begin; create table fresh.four partition of fresh.orders for values in (4);
       insert into fresh.orders values (4, 'c'); commit`,
    ]);
    expect(shapes(records)).toEqual([
      'insert fresh.two {"id":2,"card":"a"}',
      'insert fresh.three {"id":3,"card":"b"}',
      'insert fresh.four {"id":4,"card":"c"}',
    ]);
    expect(JSON.stringify(records)).not.toContain('ancestry');
  });

  // The trigger's message stands behind the rows that it speaks for; whoever drops the trigger made them nobody's.
  test.each([
    ['dropped', `select rowseal.detach('kept.t')`],
    ['disabled', 'alter table kept.t disable trigger all'],
    ['dropped with its table', 'drop table kept.t'],
  ])('a context trigger that was %s behind its word', async (how, sql) => {
    await server.sql(`drop schema if exists kept cascade; create schema kept;
      create table kept.t (id int primary key, v text); create table kept.never (id int primary key, v text);
      create table kept.child (never int references kept.never);
      insert into kept.t values (1, 'a'); insert into kept.never values (1, 'a')`);
    for (const file of ['01-kit.sql', '02-capture-role.sql']) await server.sql(kitFile(file));
    const name = how.replaceAll(' ', '_');
    await server.sql(
      `select rowseal.attach('kept.t'); create publication ${name} for table kept.t, kept.never`,
    );
    const trail = trailOf(server, name, [{ match: 'kept.*' }]);
    await trail.open();
    await server.sql(`begin; set local rowseal.actor = 'u_1'; update kept.t set v = 'b'; commit;
      begin; set local rowseal.actor = 'u_2'; update kept.never set v = 'b'; update kept.t set v = 'c'; commit`);
    await server.sql(sql);
    const records = (await trail.read()).filter(({ kind }) => kind === 'change');
    expect(
      records.map(({ target, attribution, actor }) => [target.table, attribution.tier, actor.id]),
    ).toEqual([
      ['t', 'session', 'u_1'],
      ['never', 'none', undefined],
      ['t', 'session', 'u_2'],
    ]);
    await server.sql('drop schema rowseal cascade');
  });
});

/** From the server's log: the row that only the one between the two publications could have published. */
const REPLACE = [
  'drop publication rowseal',
  `insert into t values (2)`,
  'create publication rowseal for table t',
  `insert into t values (3)`,
];

// Since 18 the server passes over rows that no publication of the name was there for; all that it does is warn.
describe('a publication that was another for a while, on Postgres 18', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major: 18, own: true });
    await server.sql('create table t (id int primary key); create publication rowseal for table t');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test('is a gap between the looks', async () => {
    const told: Observation[] = [];
    await using running = await capture(server, {
      watchMs: 300,
      handler: { observe: (each) => void told.push(each) },
    });
    await server.sql('insert into t values (1)');
    await running.caughtUp(server);
    const [before] = await server.sql('select pg_current_wal_lsn() as lsn');
    for (const statement of REPLACE) await server.sql(statement);
    const [after] = await server.sql('select pg_current_wal_lsn() as lsn');
    await running.until(() => told.some(({ kind }) => kind === 'gap'));
    const [gap] = told.filter((each) => each.kind === 'gap');
    expect(gap).toMatchObject({
      reason: 'publication_recreated',
      details: { publication: 'rowseal' },
      within: true,
    });
    expect(parseLsn(gap!.from)).toBeLessThanOrEqual(parseLsn(before!['lsn']!));
    expect(parseLsn(gap!.to)).toBeGreaterThanOrEqual(parseLsn(after!['lsn']!));
    await running.caughtUp(server);
    expect(running.rows().map(({ after: row }) => row?.['id'])).toEqual(['1', '3']);
    expect(told.filter(({ kind }) => kind === 'gap')).toHaveLength(1);
    expect(told.map((each) => each.kind === 'tamper' && each.what)).toContain('publication_recreated');
  });

  test.each(['running', 'stopped'])(
    'with the daemon %s: sealed, and verify accepts the trail',
    async (state) => {
      await server.sql(`truncate t; select pg_drop_replication_slot(slot_name) from pg_replication_slots`);
      await using config = await createTrailConfig({ url: server.url, tables: [{ match: 'public.t' }] });
      {
        await using daemon = startDaemon(config.path);
        await daemon.says(isConnected);
        await server.sql('insert into t values (1)');
        if (state === 'running') for (const statement of REPLACE) await server.sql(statement);
        const isTold = () => recordsIn(config).some(({ reason }) => reason === 'publication_recreated');
        if (state === 'running') await until(isTold, 30_000, 200);
        expect(await daemon.terminate()).toBe(0);
      }
      if (state === 'stopped') for (const statement of REPLACE) await server.sql(statement);
      await using daemon = startDaemon(config.path);
      await daemon.says(isConnected);
      await server.sql('insert into t values (4)');
      await until(() => recordsIn(config).some(({ target }) => target?.key?.id === 4), undefined, 200);
      expect(await daemon.terminate()).toBe(0);
      const records = recordsIn(config);
      const gaps = records.filter(({ kind }) => kind === 'gap');
      expect(gaps.length).toBeGreaterThanOrEqual(1);
      expect(gaps[0].reason).toBe(
        state === 'running' ? 'publication_recreated' : 'publication_perhaps_recreated',
      );
      const ids = records.filter(({ kind, action }) => kind === 'change' && action === 'insert');
      expect(ids.map(({ target }) => target.key.id)).toEqual([1, 3, 4]);
      expect(await rowseal(['verify', config.folder, '--key', config.vkey, '--strict'])).toMatchObject({
        code: 0,
      });
    },
  );

  // The gap is an event of its transaction; what is cut around it must fit all the same.
  test('a lost lineage in the middle of transactions: sealed, and verify accepts the trail', async () => {
    await server.sql(`select pg_drop_replication_slot(slot_name) from pg_replication_slots`);
    await server.sql(`create table parent (id int, pad text) partition by list (id);
      create table leaf partition of parent for values in (1);
      alter publication rowseal add table only leaf`);
    const tables = [{ match: 'public.t' }, { match: 'public.parent' }];
    await using config = await createTrailConfig({ url: server.url, tables, seal: { max_records: 2 } });
    {
      await using daemon = startDaemon(config.path);
      await daemon.says(isConnected);
      expect(await daemon.terminate()).toBe(0);
    }
    await server.sql(`truncate t`);
    for (const id of [10, 20]) {
      await server.sql(`begin; insert into t select n from generate_series(${id}, ${id + 2}) n;
        insert into parent select 1, 'p' from generate_series(1, 10); insert into t values (${id + 3}); commit`);
    }
    await server.sql('drop table leaf');
    await using daemon = startDaemon(config.path);
    await daemon.says(isConnected);
    const inserted = () => recordsIn(config).filter(({ action }) => action === 'insert');
    await until(() => inserted().length === 8, undefined, 200);
    expect(await daemon.terminate()).toBe(0);
    const records = recordsIn(config);
    const gaps = records.filter(({ reason }) => reason === 'ancestry_unknown');
    expect(gaps.map(({ transaction }) => [transaction.number, transaction.index])).toEqual([
      [2, 4],
      [3, 4],
    ]);
    expect(records.filter(({ action }) => action === 'insert')).toHaveLength(8);
    expect(await rowseal(['verify', config.folder, '--key', config.vkey, '--strict'])).toMatchObject({
      code: 0,
    });
  });
});
