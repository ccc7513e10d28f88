/** The SQL kit on real MySQL and MariaDB: the tiers that the reader finds in what it sends, who may write it, what it survives. */
import { readFileSync } from 'node:fs';
import type mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestMysql, testMysql } from '../../../../test/support/mysql.ts';
import { NEW_TRAIL } from '../../../../test/support/mysql-capture.ts';
import { until } from '../../../../test/support/patience.ts';
import { textSink } from '../../../../test/support/plain-record.ts';
import { compilePolicy } from '../../../change/policy/policy.ts';
import { createRecorder } from '../../../change/recorder/recorder.ts';
import { TRIGGER_EVENTS, triggerName } from '../preflight/tables.ts';
import { TRIGGER_BODY } from '../preflight/wish.ts';
import { createMysqlSource } from '../source.ts';
import { statementsOf } from './script.ts';

interface Change {
  readonly kind: string;
  readonly action: string;
  readonly target: { readonly table: string; readonly key: Record<string, string> | null };
  readonly actor: { readonly type: string; readonly id?: string };
  readonly attribution: { readonly tier: string; readonly via?: string };
  readonly request?: string;
  readonly connection?: { readonly user?: string; readonly pid?: number; readonly application?: string };
}

describe.each([
  { flavor: 'mysql', engine: 'blackhole' },
  { flavor: 'mariadb', engine: 'blackhole' },
  { flavor: 'mysql', engine: 'innodb' },
  { flavor: 'mariadb', engine: 'innodb' },
] as const)('SQL kit on $flavor with $engine', ({ flavor, engine }) => {
  let server: TestMysql;
  let app: mysql.Connection;
  let marks = 0;
  let reading: Awaited<ReturnType<typeof read>>;

  const kit = async (name: string) => {
    for (const statement of statementsOf(
      readFileSync(new URL(`../../../../sql/mysql/${name}.sql`, import.meta.url), 'utf8'),
    ))
      await server.sql(statement);
  };
  const attach = async (table: string) => {
    await server.sql(`grant trigger on shop.${table} to rowseal_owner@localhost`);
    for (const event of TRIGGER_EVENTS)
      await server.sql(
        `create definer = rowseal_owner@localhost trigger shop.${triggerName(table, event)} after ${event} on shop.${table} for each row ${TRIGGER_BODY}`,
      );
  };

  /** The source as it runs, into records. */
  async function read() {
    const url = `mysql://rowseal@127.0.0.1:${server.port}/?ssl-ca=${server.caFile}`;
    const policy = compilePolicy({ tables: [{ match: 'shop.*' }] });
    const source = createMysqlSource({
      url,
      password: 'x',
      serverId: 4242,
      matches: (schema, table) => policy.table({ schema, table, ancestors: [] }) !== null,
      log: { info: () => undefined, warn: () => undefined },
      clock: Date.now,
    });
    const opened = await source.open(NEW_TRAIL);
    const { sink, records } = textSink();
    const resume = { through: opened.start, transactions: 0, partial: null };
    const recorder = createRecorder({ trail: 't/shop', policy, sink, resume, now: Date.now });
    const ended = source.stream(recorder);
    ended.catch(() => undefined);
    return { source, ended, changes: () => records.map(({ text }) => JSON.parse(text) as Change) };
  }

  /** The changes since the last call. */
  async function since(): Promise<Change[]> {
    const mark = String(++marks);
    await server.sql(`insert into shop.mark values (${mark})`);
    const isMark = ({ kind, target }: Change) =>
      kind === 'change' && target.table === 'mark' && String(target.key?.['id']) === mark;
    await Promise.race([until(() => reading.changes().some(isMark)), reading.ended]);
    const all = reading.changes().filter(({ kind }) => kind === 'change');
    const from = all.findIndex(
      ({ target }) => target.table === 'mark' && String(target.key?.['id']) === String(marks - 1),
    );
    return all.slice(from + 1, -1);
  }
  const brief = (changes: readonly Change[]) =>
    changes.map(
      ({ action, target, attribution, actor }) =>
        `${action} ${target.table} ${attribution.tier}/${attribution.via ?? ''} ${actor.id ?? ''}`,
    );
  const pid = () => (app as unknown as { threadId: number }).threadId;

  beforeAll(async () => {
    server = await testMysql({ flavor, own: true });
    await server.sql(`
      create database shop;
      create table shop.mark (id int primary key);
      create table shop.t (id int primary key, a varchar(50));
      create table shop.plain (id int primary key, a varchar(50));
      create user app@'%' identified by 'x';
      grant all on shop.* to app@'%'`);
    await kit('01-kit');
    await kit(`01-table-${engine}`);
    await kit('02-capture-user');
    await server.sql(`grant execute on procedure rowseal.set_context to app@'%';
      alter user rowseal@'%' identified by 'x'; alter user rowseal@'%' account unlock`);
    await attach('t');
    app = await server.session({ user: 'app', password: 'x', database: 'shop' });
    reading = await read();
    await since();
  });
  afterAll(async () => {
    await reading?.source.close();
    await server?.[Symbol.asyncDispose]();
  });

  const says = (id: string) =>
    `call rowseal.set_context('{"actor":{"type":"user","id":"${id}"},"request":"r-1"}')`;

  test('asserted: what the application says inside its transaction, with the login beside it', async () => {
    await app.beginTransaction();
    await app.query(says('u_1'));
    await app.query(`insert into plain values (1, 'a')`);
    await app.query(`insert into t values (1, 'a'), (2, 'b')`);
    await app.commit();
    const found = await since();
    expect(brief(found)).toEqual([
      'insert plain asserted/message u_1',
      'insert t asserted/message u_1',
      'insert t asserted/message u_1',
    ]);
    for (const each of found)
      expect(each).toMatchObject({ request: 'r-1', connection: { user: 'app@127.0.0.1', pid: pid() } });
  });

  test('it ends with its transaction, and a second one takes over what follows', async () => {
    await app.beginTransaction();
    await app.query(says('u_2'));
    await app.query(`update plain set a = 'b'`);
    await app.query(says('u_3'));
    await app.query(`update plain set a = 'c'`);
    await app.commit();
    await app.query(`update t set a = 'c' where id = 1`);
    expect(brief(await since())).toEqual([
      'update plain asserted/message u_2',
      'update plain asserted/message u_3',
      'update t connection/trigger app@127.0.0.1',
    ]);
  });

  test('what is rolled back leaves nothing; what a savepoint takes back neither', async () => {
    await app.beginTransaction();
    await app.query(says('u_4'));
    await app.query(`update plain set a = 'd'`);
    await app.rollback();
    await app.beginTransaction();
    await app.query(says('u_5'));
    await app.query(`update plain set a = 'e'`);
    await app.query('savepoint s');
    await app.query(says('u_6'));
    await app.query(`update plain set a = 'f'`);
    await app.query('rollback to savepoint s');
    await app.query(`update plain set a = 'g'`);
    await app.commit();
    expect(brief(await since())).toEqual([
      'update plain asserted/message u_5',
      'update plain asserted/message u_5',
    ]);
  });

  test('session: @rowseal_actor through the trigger, for all rows of a transaction’s first statement too', async () => {
    await app.query(`set @rowseal_actor = 'u_7'`);
    await app.query(`insert into t values (11, 'a'), (12, 'b'), (13, 'c')`);
    await app.query(`set @rowseal_actor = '{"actor":{"type":"service","id":"job"},"request":"r-2"}'`);
    await app.query('delete from t where id > 11');
    await app.query('set @rowseal_actor = null');
    const found = await since();
    expect(brief(found)).toEqual([
      ...Array(3).fill('insert t session/setting u_7'),
      ...Array(2).fill('delete t session/setting job'),
    ]);
    expect(found.at(-1)).toMatchObject({ request: 'r-2', connection: { user: 'app@127.0.0.1', pid: pid() } });
  });

  // The trigger fires after a statement's first row: what it says holds for that one too, not what was said before.
  test('session: another actor inside a transaction holds for all rows of its statement', async () => {
    await app.beginTransaction();
    await app.query(`set @rowseal_actor = 'u_8'`);
    await app.query(`insert into t values (21, 'a')`);
    await app.query(`set @rowseal_actor = 'u_9'`);
    await app.query(`insert into t values (22, 'b'), (23, 'c')`);
    await app.query('delete from plain where id = 0');
    await app.commit();
    await app.query('set @rowseal_actor = null');
    expect(brief(await since())).toEqual([
      'insert t session/setting u_8',
      'insert t session/setting u_9',
      'insert t session/setting u_9',
    ]);
  });

  test('a session that says nothing, or what is no text, or too much of it: the login, and the statement works', async () => {
    for (const value of ['null', "x'ff00fe'", '12.5', "repeat('é', 70000)"]) {
      await app.query(`set @rowseal_actor = ${value}`);
      await app.query(`update t set a = concat(a, '.') where id = 1`);
    }
    await app.query('set @rowseal_actor = null');
    const [, , number, ...rest] = brief(await since());
    expect(number).toBe('update t session/setting 12.5');
    expect(rest).toEqual(['update t connection/trigger app@127.0.0.1']);
  });

  test('the trigger says it once a statement, in a procedure with two transactions in each', async () => {
    await server.sql(`create procedure shop.twice() begin
      start transaction; update shop.t set a = 'x'; commit; start transaction; update shop.t set a = 'y'; commit; end`);
    const events = async () => {
      await server.sql('flush binary logs');
      const files = await server.sql('show binary logs');
      const rows = await server.sql(`show binlog events in '${files.at(-2)?.['Log_name']}'`);
      const ids = rows.flatMap(
        ({ Info: info }) => /^table_id: (\d+) \(rowseal\.context\)/.exec(info ?? '')?.[1] ?? [],
      );
      return rows.filter(
        ({ Info: info, Event_type: type }) =>
          /^Write/.test(type ?? '') && ids.some((id) => `${info} `.includes(`table_id: ${id} `)),
      ).length;
    };
    await server.sql('flush binary logs');
    await app.query('call twice()');
    expect(await events()).toBe(2);
    expect(new Set(brief(await since()))).toEqual(new Set(['update t connection/trigger app@127.0.0.1']));
  });

  test.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'])(
    'works at %s',
    async (level) => {
      await app.query(`set transaction isolation level ${level}`);
      await app.beginTransaction();
      await app.query(says('u_8'));
      await app.query(`update t set a = '${level}' where id = 1`);
      await app.commit();
      expect(brief(await since())).toEqual(['update t asserted/message u_8']);
    },
  );

  test('works under LOCK TABLES, in XA transactions, and from a prepared statement', async () => {
    await app.query('lock tables t write');
    await app.query(`update t set a = 'locked' where id = 1`);
    await app.query('unlock tables');
    await app.query(`xa start 'x1'`);
    await app.query(says('u_9'));
    await app.query(`update t set a = 'xa' where id = 1`);
    await app.query(`xa end 'x1'`);
    await app.query(`xa prepare 'x1'`);
    await app.query(`xa commit 'x1'`);
    await app.beginTransaction();
    await app.execute('call rowseal.set_context(?)', ['{"actor":{"type":"system","id":"cron"}}']);
    await app.execute('update t set a = ? where id = ?', ['prepared', 1]);
    await app.commit();
    expect(brief(await since())).toEqual([
      'update t connection/trigger app@127.0.0.1',
      'update t asserted/message u_9',
      'update t asserted/message cron',
    ]);
  });

  test('refuses what is no context, clearly, and leaves the transaction as it is', async () => {
    const actor = '{"actor":{"type":"user","id":"x"}';
    const refused: [string, RegExp][] = [
      ['null', /no JSON object with an actor/],
      ["'nonsense'", /no JSON object with an actor/],
      ["'[1]'", /no JSON object with an actor/],
      [`'{"actor":"x"}'`, /no JSON object with an actor/],
      [`'{"actor":{"type":"robot","id":"x"}}'`, /no JSON object with an actor/],
      [`'{"actor":{"type":"user","id":""}}'`, /no JSON object with an actor/],
      [`concat('${actor},"pad":"', repeat('é', 4096), '"}')`, /longer than 8 KiB/],
    ];
    await app.beginTransaction();
    for (const [argument, message] of refused)
      await expect(app.query(`call rowseal.set_context(${argument})`), argument).rejects.toMatchObject({
        errno: 1644,
        sqlState: '22023',
        message: expect.stringMatching(message),
      });
    await app.query(`update plain set a = 'unsaid'`);
    await app.query(`call rowseal.set_context(concat('${actor},"pad":"', repeat('y', 8192 - 43), '"}'))`);
    await app.query(`update plain set a = 'said'`);
    await app.commit();
    expect((await since()).map(({ attribution }) => attribution.tier === 'asserted')).toEqual([false, true]);
  });

  test('nothing is stored, and the application’s own state stays its own', async () => {
    await app.query('create table shop.auto (id int auto_increment primary key)');
    await app.query('insert into auto values ()');
    await app.query(says('u_1'));
    const [rows] = await app.query('select last_insert_id() as id');
    expect(rows).toEqual([{ id: '1' }]);
    expect(await server.sql('select count(*) as n from rowseal.context')).toEqual([{ n: '0' }]);
    await since();
  });

  test('when the kit is broken, the application still writes, and its rows have no session', async () => {
    await server.sql('rename table rowseal.context to rowseal.away');
    try {
      await app.query(`update t set a = 'broken' where id = 1`);
      await expect(app.query(says('u_1'))).rejects.toMatchObject({ errno: 1146 });
    } finally {
      await server.sql('rename table rowseal.away to rowseal.context');
    }
    const [found] = await since();
    expect(found?.attribution.via).not.toBe('trigger');
    await app.query(`update t set a = 'whole' where id = 1`);
    expect(brief(await since())).toEqual(['update t connection/trigger app@127.0.0.1']);
  });

  test('nobody but the kit may write what it writes', async () => {
    for (const no of [
      `insert into rowseal.context (id, kind, conn_id, login) values (1, 'session', 1, 'root@localhost')`,
      `call rowseal.emit('session', null, 'x')`,
      'call rowseal.emit_session()',
      'call rowseal.inventory()',
      'drop procedure rowseal.emit',
      'select * from rowseal.made',
    ])
      await expect(app.query(no), no).rejects.toMatchObject({ errno: expect.any(Number) });
    await expect(
      server.session({ user: 'rowseal_owner', password: '', database: '' }),
      'the owner is locked',
    ).rejects.toThrow();
  });

  test('the uninstall refuses while a trigger of ours is left; each file may be run again', async () => {
    await kit('01-kit');
    await kit(`01-table-${engine}`);
    await kit('02-capture-user');
    await app.beginTransaction();
    await app.query(says('u_10'));
    await app.query(`update plain set a = 'again'`);
    await app.commit();
    expect(brief(await since())).toEqual(['update plain asserted/message u_10']);
    await expect(kit('99-uninstall')).rejects.toMatchObject({
      errno: 1644,
      message: expect.stringContaining('triggers of ours are left'),
    });
    for (const event of TRIGGER_EVENTS) await server.sql(`drop trigger shop.${triggerName('t', event)}`);
    await kit('99-uninstall');
    await kit('99-uninstall');
    await app.query(`update t set a = 'free' where id = 1`);
  });
});
