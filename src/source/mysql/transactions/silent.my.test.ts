/**
 * What decides whether our triggers speak is in the session's hands: it can stop its clock, in all innocence, and it can
 * make them believe that they have spoken. On real servers: the first is put right by the kit, the second is told.
 */
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestMysql, testMysql } from '../../../../test/support/mysql.ts';
import {
  captureMysql,
  captureUrl,
  type MysqlTransaction,
  type RunningMysql,
} from '../../../../test/support/mysql-capture.ts';
import { until } from '../../../../test/support/patience.ts';
import { statementsOf } from '../kit/script.ts';
import { TRIGGER_EVENTS, triggerName } from '../preflight/tables.ts';
import { TRIGGER_BODY } from '../preflight/wish.ts';

const session = ({ messages }: MysqlTransaction) =>
  messages
    .filter(({ prefix }) => prefix === 'rowseal.session')
    .map(({ content }) => (JSON.parse(content) as { actor?: string }).actor ?? '-');

describe.each([
  { flavor: 'mysql', engine: 'blackhole' },
  { flavor: 'mariadb', engine: 'blackhole' },
  { flavor: 'mariadb', engine: 'innodb' },
] as const)('$flavor with $engine', ({ flavor, engine }) => {
  let server: TestMysql;
  let app: mysql.Connection;
  let running: RunningMysql;
  let marks = 0;

  const attach = async (table: string) => {
    for (const event of TRIGGER_EVENTS)
      await server.sql(
        `create definer = rowseal_owner@localhost trigger shop.${triggerName(table, event)} after ${event} on shop.${table} for each row ${TRIGGER_BODY}`,
      );
  };

  /** What was told since the last call: transactions with rows, and what was tampered with. */
  async function since() {
    const mark = String(++marks);
    await server.sql(`insert into shop.mark values (${mark})`);
    const markOf = ({ changes }: MysqlTransaction) =>
      changes[0]?.table === 'shop.mark' ? changes[0].after?.['id'] : undefined;
    await running.until(() => running.transactions.some((each) => markOf(each) === mark));
    const from = running.transactions.findIndex((each) => markOf(each) === String(marks - 1));
    const told = running.transactions.slice(from + 1, -1).filter(({ changes }) => changes.length > 0);
    const silent = running.observations.splice(0).flatMap((each) => (each.kind === 'tamper' ? [each] : []));
    return { told, silent };
  }
  const threadId = () => (app as unknown as { threadId: number }).threadId;

  beforeAll(async () => {
    server = await testMysql({ flavor, own: true });
    const kit = async (name: string) => {
      const text = readFileSync(new URL(`../../../../sql/mysql/${name}.sql`, import.meta.url), 'utf8');
      for (const statement of statementsOf(text)) await server.sql(statement);
    };
    await kit('01-kit');
    await kit(`01-table-${engine}`);
    await server.sql(`
      create database shop;
      create table shop.mark (id int primary key);
      create table shop.orders (id int primary key, total int, note varchar(20), unique (note));
      create table shop.bulk (id int primary key auto_increment, n int);
      create table shop.plain (id int primary key, n int);
      create table shop.parent (id int primary key, n int);
      create table shop.child (id int primary key, parent int, foreign key (parent) references shop.parent (id) on delete cascade on update cascade);
      create table shop.grandchild (id int primary key, child int, foreign key (child) references shop.child (id) on delete cascade);
      create table shop.tree (id int primary key, up int, foreign key (up) references shop.tree (id) on delete cascade);
      create user app@'%' identified by 'x';
      grant select, insert, update, delete, execute, lock tables on shop.* to app@'%';
      grant trigger on shop.* to rowseal_owner@localhost;
      set global local_infile = 1;
      insert into shop.orders values (1, 1, 'a'), (2, 2, 'b'), (10, 10, null)`);
    const attached = ['orders', 'bulk', 'child', 'grandchild', 'tree'];
    if (flavor === 'mariadb') {
      await server.sql(`create table shop.versions (id int primary key, n int) with system versioning;
        create table shop.myisam (id int primary key, n int) engine=myisam; insert into shop.myisam values (1, 1)`);
      attached.push('versions', 'myisam');
    }
    for (const table of attached) await attach(table);
    const url = await captureUrl(server);
    await server.sql(`grant execute on procedure rowseal.inventory to capture@'%'`);
    app = await server.session({ user: 'app', password: 'x', database: 'shop' });
    running = await captureMysql(url);
    await since();
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  // The trigger compares @rowseal_statement with NOW(6), and an application that may only write the table can set the one
  // to the other on the way, or in an earlier statement with its clock stopped: its rows came without our trigger's word,
  // and nothing in the trail said that there should have been one.
  test('a session that makes the trigger believe that it spoke is told', async () => {
    await app.query(`set @rowseal_actor = 'u_1'`);
    await app.query('update orders set total = length(@rowseal_statement := now(6)) where id = 10');
    await app.query('set timestamp = 1700000000; set @rowseal_statement = now(6)');
    await app.query('begin; delete from orders where id = 10; insert into plain values (10, 1); commit');
    await app.query('set timestamp = default');
    await app.query('set foreign_key_checks = 0');
    await app.query('insert into orders values (11, length(@rowseal_statement := now(6)), null)');
    await app.query('set foreign_key_checks = 1');
    await app.query('insert into orders values (10, 10, null)');
    const { told, silent } = await since();
    expect(told.map(session)).toEqual([[], [], [], ['u_1']]);
    expect(silent).toEqual(
      told.slice(0, 3).map(({ id, position }) => ({
        kind: 'tamper',
        what: 'context_trigger_silent',
        details: {
          tables: ['shop.orders'],
          ...(flavor === 'mysql' ? { thread_id: threadId() } : {}),
          transaction: { id, position },
        },
      })),
    );
  });

  test('also in a compressed payload, behind a savepoint, in XA, and with the general log on', async () => {
    const root = await server.session({ database: 'shop' });
    const compress = flavor === 'mysql' ? 'set binlog_transaction_compression = on' : 'set @x = 1';
    const silently = 'update orders set total = length(@rowseal_statement := now(6)) + total where id <= 2';
    await root.query(`${compress}; set global general_log = on`);
    await root.query(silently);
    await root.query('update orders set total = 3 where id <= 2');
    await root.query('set global general_log = off');
    await root.query(`begin; savepoint a; ${silently}; rollback to a; ${silently}; commit`);
    await root.query(`xa start 's'; ${silently}; xa end 's'; xa prepare 's'`);
    expect((await since()).silent).toHaveLength(2);
    await root.query(`xa commit 's'`);
    expect((await since()).silent).toHaveLength(1);
  });

  // Imports and replays stop the session's clock: of their statements only the first had its session.
  test('a session that stopped its clock is heard with each statement', async () => {
    for (const clock of ['1700000000', '1700000000.123456', '1900000000', 'unix_timestamp() - 7200']) {
      await app.query(`set timestamp = ${clock}`);
      for (const actor of ['u_2', 'u_3', 'u_3', 'u_4']) {
        await app.query(`set @rowseal_actor = '${actor}'`);
        await app.query('update orders set total = total + 1 where id <= 2');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const { told, silent } = await since();
      expect(silent).toEqual([]);
      expect(told.map((each) => session(each)[0])).toEqual(['u_2', 'u_3', 'u_3', 'u_4']);
      expect(new Set(told.flatMap(session))).toEqual(new Set(['u_2', 'u_3', 'u_4']));
    }
    await app.query('set timestamp = default, @rowseal_actor = null');
  });

  test('with the clock a day off, or stopped at a whole second, transactions are told apart however fast they come', async () => {
    await server.sql(`create procedure shop.rush() begin declare i int default 0;
      while i < 300 do update shop.orders set total = total + 1 where id = 1; set i = i + 1; end while; end`);
    for (const clock of ['1700000000', 'unix_timestamp()', 'unix_timestamp() - 30']) {
      await app.query(`set timestamp = ${clock}`);
      await app.query('call rush()');
      await app.query('set timestamp = default');
      const { told, silent } = await since();
      expect(silent, clock).toEqual([]);
      expect(told.map((each) => session(each).length)).toEqual(Array(300).fill(1));
    }
  });

  test('a long statement announces once, and one that began late at most once a millisecond', async () => {
    const rows = Array.from({ length: 5000 }, () => '(1)').join();
    await app.query(`insert into bulk (n) values ${rows}`);
    await since();
    await app.query('update bulk set n = n + 1 + 0 * sleep(0.5) where id <= 6');
    expect((await since()).told.map((each) => session(each).length)).toEqual([1]);
    await app.query('set timestamp = unix_timestamp() - 3600.5');
    const began = performance.now();
    await app.query('update bulk set n = n + 1');
    const took = performance.now() - began;
    await app.query('set timestamp = default');
    const { told, silent } = await since();
    expect(silent).toEqual([]);
    expect(told).toHaveLength(1);
    const announced = session(told[0] as MysqlTransaction).length;
    expect(announced).toBeGreaterThan(0);
    expect(announced).toBeLessThan(took + 2);
  });

  test('what an application does otherwise raises no alarm', async () => {
    await server.sql(`
      create procedure shop.works() begin
        update shop.orders set total = total + 1; start transaction; update shop.orders set note = null where id = 2;
        insert into shop.plain values (20, 1); commit; delete from shop.orders where id = 2;
        set @s = 'update shop.orders set total = total + 1'; prepare s from @s; execute s; execute s; deallocate prepare s; end;
      create function shop.counts() returns int deterministic modifies sql data begin
        update shop.orders set total = total + 1; insert into shop.orders values (30, 1, 'f');
        delete from shop.orders where id = 30; return 1; end;
      create trigger shop.theirs after insert on shop.plain for each row update shop.orders set total = new.n where id = 1;
      create event shop.daily on schedule at current_timestamp do insert into shop.orders values (401, 1, 'event');
      set global event_scheduler = on`);
    const run = (...statements: string[]) =>
      statements.reduce(async (before, each) => {
        await before;
        await app.query(each);
      }, Promise.resolve());
    await run(
      `insert into orders values (3, 1, 'c'), (4, 1, 'd')`,
      `replace into orders values (3, 2, 'c'), (5, 1, 'd')`,
      `insert into orders values (3, 1, 'c') on duplicate key update total = 9`,
      `insert into orders values (3, 1, 'c') on duplicate key update total = 9`,
      `insert ignore into orders values (3, 1, 'x'), (6, 1, 'c'), (7, 1, 'g')`,
      'update orders set total = 9 where id in (3, 5)',
      'insert into orders select id + 100, total, null from orders',
      'update plain join orders on orders.id = 1 set plain.n = 5 where plain.id = 10',
      'update plain join orders on orders.id = 3 set plain.n = 6, orders.total = 8 where plain.id = 10',
      'insert into plain values (11, 2)',
      'call works()',
      'do counts()',
      'begin; savepoint a; update orders set total = 1; rollback to a; update orders set total = 2 where id = 3; savepoint b; insert into plain values (12, 1); commit',
      'lock tables orders write, plain write; update plain set n = n + 1; update orders set total = total + 1; unlock tables',
      `xa start 'x'; update orders set total = total + 1; xa end 'x'; xa prepare 'x'; xa commit 'x'`,
      'insert into parent values (1, 1), (2, 2), (3, 3); insert into child values (1, 1), (2, 2), (3, 3); insert into grandchild values (1, 1), (2, 2)',
      'update parent set id = id + 10 where id < 3; delete from parent where id = 3; replace into parent values (11, 5); delete from parent',
      'insert into parent values (8, 1); insert into child values (8, 8); insert into grandchild values (8, 8); delete from child',
      'lock tables parent write, child write; insert into parent values (7, 1); insert into child values (7, 7); delete from parent; unlock tables',
      'insert into tree values (1, null), (2, 1), (3, 2); delete from tree where id = 1',
    );
    await app.execute('update orders set total = ? where id = ?', [77, 3]);
    await app.execute('update orders set total = ? where id = ?', [78, 3]);
    await app.query({
      sql: `load data local infile 'x' into table orders fields terminated by ','`,
      infileStreamFactory: () => Readable.from([Buffer.from('201,1,p\n202,1,q\n')]),
    } as never);
    await until(async () => (await server.sql('select id from shop.orders where id = 401')).length === 1);
    if (flavor === 'mariadb') {
      await server.sql('insert into shop.versions values (1, 1); update shop.versions set n = 2');
      await server.sql('delete history from shop.versions; update shop.myisam set n = 2');
      await server.sql('/* trace=1 */ delete history from shop.versions');
      await server.sql('set statement max_statement_time = 5 for delete history from shop.versions');
      await app.query('begin not atomic update orders set total = 1; update orders set total = 2; end');
      await app.query(`execute immediate 'update orders set total = 3'`);
    }
    const { told, silent } = await since();
    expect(silent).toEqual([]);
    const mute = told.filter((each) => session(each).length === 0).map(({ changes }) => changes[0]?.table);
    expect(told.length - mute.length).toBeGreaterThanOrEqual(20);
    expect(mute.filter((table) => table === 'shop.orders')).toEqual([]);
  });
});
