/** Which rows a change brings: replica identities, TOAST, keys, TRUNCATE, partitions, DDL in between, subtransactions. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import {
  ABSENT_CELL,
  type CapturedEvent,
  type CapturedRow,
  capture,
  slotIsFree,
  UNCHANGED_CELL,
} from '../../../../test/support/postgres-capture.ts';

const LONG = `(select string_agg(md5(i::text), '') from generate_series(1, 300) i)`;

describe.each([14, 16, 18])('rows of Postgres %i', (major) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer({ major });
    await server.sql('create publication rowseal');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await slotIsFree(server);
    await server.sql(`drop schema if exists shop cascade; create schema shop;
      select pg_drop_replication_slot(slot_name) from pg_replication_slots`);
  });
  const events = (running: { transactions: readonly { events: readonly CapturedEvent[] }[] }) =>
    running.transactions.flatMap((transaction) => transaction.events);
  const publish = (...tables: string[]) =>
    server.sql(tables.map((table) => `alter publication rowseal add table ${table}`).join(';'));

  test('unchanged TOAST and old rows under every replica identity', async () => {
    await server.sql(`create table shop.t (id int primary key, u int not null unique, n int, big text);
      alter table shop.t alter big set storage external; insert into shop.t values (1, 10, 1, ${LONG})`);
    await publish('shop.t');
    await using running = await capture(server);
    const long = (await server.sql(`select big from shop.t`))[0]!['big']!;
    const identities = ['default', 'full', 'using index t_u_key', 'nothing'];
    for (const identity of identities.slice(0, 3)) {
      await server.sql(`alter table shop.t replica identity ${identity}`);
      await server.sql('update shop.t set n = n + 1');
    }
    await running.caughtUp(server);
    const [byKey, byFull, byIndex] = running.rows();
    expect(byKey).toMatchObject({ before: null, after: { id: '1', n: '2', big: UNCHANGED_CELL } });
    // Under FULL too the new value is 'unchanged': it is in the old row.
    expect(byFull).toMatchObject({
      before: { id: '1', n: '2', big: long },
      beforeIsKey: false,
      after: { n: '3', big: UNCHANGED_CELL },
    });
    expect(byIndex).toMatchObject({ before: null, after: { n: '4', big: UNCHANGED_CELL } });
    expect(running.rows().map((row) => row.relation.replicaIdentity)).toEqual(['default', 'full', 'index']);
    expect(byFull!.relation.columns.map((column) => column.identity)).toEqual([true, true, true, true]);
    expect(byFull!.relation.primaryKey).toEqual(['id']);
    expect(byIndex!.relation.columns.map((column) => column.identity)).toEqual([false, true, false, false]);
  });

  test('changed keys and deletes', async () => {
    await server.sql(
      `create table shop.t (a int, b text, c text, primary key (b, a)); insert into shop.t values (1, 'x', 'y')`,
    );
    await publish('shop.t');
    await using running = await capture(server);
    await server.sql(`update shop.t set a = 2; delete from shop.t`);
    await running.caughtUp(server);
    const key = { b: 'x', c: ABSENT_CELL };
    expect(running.rows()).toMatchObject([
      { action: 'update', before: { a: '1', ...key }, beforeIsKey: true, after: { a: '2', b: 'x', c: 'y' } },
      { action: 'delete', before: { a: '2', ...key }, beforeIsKey: true, after: null },
    ]);
    expect(running.rows()[0]!.relation.primaryKey).toEqual(['b', 'a']);
    // One statement string is one transaction.
    expect(running.transactions).toHaveLength(1);
  });

  test('TRUNCATE with CASCADE names every table once', async () => {
    await server.sql(
      `create table shop.a (id serial primary key); create table shop.b (id int primary key references shop.a)`,
    );
    await publish('shop.a', 'shop.b');
    await using running = await capture(server);
    await server.sql('truncate shop.a restart identity cascade');
    await server.sql('truncate shop.b');
    await running.caughtUp(server);
    expect(events(running)).toEqual([
      { action: 'truncate', tables: ['shop.a', 'shop.b'], cascade: true, restartIdentity: true },
      { action: 'truncate', tables: ['shop.b'], cascade: false, restartIdentity: false },
    ]);
  });

  test('partitions come as themselves, with their ancestors', async () => {
    await server.sql(`create table shop.p (id int, at date, primary key (id, at)) partition by range (at);
      create table shop.p26 partition of shop.p for values from ('2026-01-01') to ('2027-01-01') partition by list (id);
      create table shop.p26_1 partition of shop.p26 for values in (1); create table shop.p26_2 partition of shop.p26 for values in (2)`);
    await publish('shop.p');
    await using running = await capture(server);
    await server.sql(`insert into shop.p values (1, '2026-05-05')`);
    await server.sql('update shop.p set id = 2');
    await server.sql('truncate shop.p');
    await running.caughtUp(server);
    expect(running.rows().map(({ action, table }) => [action, table])).toEqual([
      ['insert', 'shop.p26_1'],
      ['delete', 'shop.p26_1'],
      ['insert', 'shop.p26_2'],
    ]);
    expect(running.rows()[0]!.relation.ancestors).toEqual(['shop.p26', 'shop.p']);
    expect(events(running).at(-1)).toMatchObject({
      tables: expect.arrayContaining(['shop.p26_1', 'shop.p26_2']),
    });
  });

  test('tables altered in mid-stream, also within a transaction', async () => {
    await server.sql(`create table shop.t (id int primary key, gone int, a int)`);
    await publish('shop.t');
    await using running = await capture(server);
    await server.sql('alter table shop.t drop gone');
    await server.sql(`insert into shop.t values (1, 5)`);
    await server.sql(`begin; alter table shop.t add b text default 'x'; insert into shop.t values (2, 6);
      alter table shop.t rename a to c; insert into shop.t values (3, 7);
      alter table shop.t alter c type text using 'n' || c; update shop.t set b = 'y' where id = 1; commit`);
    await server.sql(`insert into shop.t values (4, 'n8', 'z'); alter table shop.t rename to t2`);
    await server.sql(`insert into shop.t2 values (5)`);
    await running.caughtUp(server);
    expect(running.rows().map(({ after }) => after)).toEqual([
      { id: '1', a: '5' },
      { id: '2', a: '6', b: 'x' },
      { id: '3', c: '7', b: 'x' },
      { id: '1', c: 'n5', b: 'y' },
      { id: '4', c: 'n8', b: 'z' },
      { id: '5', c: null, b: 'x' },
    ]);
    expect(running.rows().at(-1)!.table).toBe('shop.t2');
    const ids = running.rows().map(({ relation }) => relation);
    expect(ids[3]).toBe(ids[4]); // the same object until the relation changes
    expect(new Set(ids.map(({ id }) => id)).size).toBe(5);
  });

  test('a table and a type that are gone when their rows arrive', async () => {
    await server.sql(`create type shop.mood as enum ('a'); create domain shop.num as int;
      create table shop.t (id int primary key, m shop.mood, l shop.mood[], d shop.num, v int[])`);
    await publish('shop.t');
    await using running = await capture(server);
    running.source.pause();
    await server.sql(
      `begin; insert into shop.t values (1, 'a', '{a}', 5, '{1}'); drop schema shop cascade; commit`,
    );
    running.source.resume();
    await running.caughtUp(server);
    const [row] = running.rows();
    expect(row).toMatchObject({
      after: { id: '1', m: 'a', l: '{a}', d: '5', v: '{1}' },
      relation: { primaryKey: null },
    });
    expect(row!.relation.columns.map(({ encoding }) => encoding.as)).toEqual([
      'number',
      'string',
      'string',
      'string',
      'array',
    ]);
  });

  test('generated columns are not sent, stored ones neither', async () => {
    await server.sql(
      `create table shop.t (id int primary key, a int, twice int generated always as (a * 2) stored)`,
    );
    await publish('shop.t');
    await using running = await capture(server);
    await server.sql('insert into shop.t (id, a) values (1, 2)');
    await running.caughtUp(server);
    expect(running.rows()[0]!.after).toEqual({ id: '1', a: '2' });
  });

  test('savepoints, rollbacks, and prepared transactions at their commit', async () => {
    await server.sql('create table shop.t (id int primary key)');
    await publish('shop.t');
    await using running = await capture(server);
    await server.sql(`begin; insert into shop.t values (1); savepoint s; insert into shop.t values (2); rollback to s;
      insert into shop.t values (3); commit`);
    await server.sql(`begin; insert into shop.t values (4); rollback`);
    await server.sql(`begin; insert into shop.t values (5); prepare transaction 'p1'`);
    await server.sql(`begin; insert into shop.t values (6); prepare transaction 'p2'`);
    await server.sql('insert into shop.t values (7)');
    await server.sql(`rollback prepared 'p2'`);
    await server.sql(`commit prepared 'p1'`);
    await running.caughtUp(server);
    const ids = running.transactions.map(({ events: all }) =>
      (all as CapturedRow[]).map(({ after }) => after?.['id']),
    );
    expect(ids).toEqual([['1', '3'], ['7'], ['5']]);
    const [row] = await server.sql(`select xmin::text from shop.t where id = 5`);
    expect(running.transactions[2]!.id).toBe(row!['xmin']);
  });

  test('commit times to the microsecond, positions and origins', async () => {
    await server.sql(
      `create table shop.t (id int primary key); select pg_replication_origin_create('elsewhere ${major}')`,
    );
    await publish('shop.t');
    await using running = await capture(server);
    await server.sql(`select pg_replication_origin_session_setup('elsewhere ${major}')`);
    await server.sql(
      `begin; select pg_replication_origin_xact_setup('0/ABCDEF', '2026-01-02 03:04:05.000006+00'); insert into shop.t values (1); commit`,
    );
    await server.sql(
      `select pg_replication_origin_session_reset(); select pg_replication_origin_drop('elsewhere ${major}')`,
    );
    await running.caughtUp(server);
    const [transaction] = running.transactions;
    expect(transaction).toMatchObject({ origin: `elsewhere ${major}`, time: '2026-01-02T03:04:05.000006Z' });
    expect(transaction!.position).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  });

  test('our triggers are seen, on the table and on what it is a partition of', async () => {
    await server.sql(`create table shop.p (id int primary key) partition by list (id);
      create table shop.p1 partition of shop.p for values in (1); create table shop.t (id int primary key);
      create function shop.noop() returns trigger language plpgsql as 'begin return null; end';
      create trigger rowseal_context_after after insert on shop.p for each statement execute function shop.noop();
      alter table shop.p enable always trigger rowseal_context_after`);
    await publish('shop.p', 'shop.t');
    await using running = await capture(server);
    await server.sql('insert into shop.p values (1)');
    await server.sql('insert into shop.t values (1)');
    await running.caughtUp(server);
    expect(running.rows().map(({ relation }) => relation.contextTrigger)).toEqual([true, false]);
  });
});
