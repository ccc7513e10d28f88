/**
 * What an attack on the MySQL and MariaDB capture found. Each test opens with the story of its failure. On real servers,
 * since each of these was believed impossible by somebody who read the manual.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { type TestMysql, testMysql } from '../../../test/support/mysql.ts';
import { captureMysql, captureUrl, NEW_TRAIL } from '../../../test/support/mysql-capture.ts';
import { until } from '../../../test/support/patience.ts';
import type { MysqlFlavor } from '../../embedded/mysql-packages.ts';
import { EVENT } from './events/events.ts';

const both = ['mysql', 'mariadb'] as const;
const from = (through: string) => ({ ...NEW_TRAIL, through });

async function connectionId(session: Connection): Promise<number> {
  const [rows] = await session.query('select connection_id() as id');
  return Number((rows as { id: string }[])[0]?.id);
}

describe('whose session it was', () => {
  // On a replica the log bears the numbers of the source's sessions (MariaDB) or of the applier (MySQL, where
  // performance_schema names whoever said START REPLICA as its user). Both were looked up among the replica's own
  // sessions: every change was recorded as made by the DBA who had set up replication.
  test('what a replica applied is nobody’s of its own sessions', async () => {
    await using source = await testMysql({ flavor: 'mysql', own: true });
    await using replica = await testMysql({ flavor: 'mysql', own: true });
    await source.sql('create table t (id int primary key)');
    await source.sql(`create user repl@'%' identified by 'r'`);
    await source.sql(`grant replication slave on *.* to repl@'%'`);
    await replica.sql('drop database test');
    await replica.sql('reset binary logs and gtids');
    await replica.sql(`change replication source to source_host = '${source.host}', source_port = ${source.port},
      source_user = 'repl', source_password = 'r', source_auto_position = 1, get_source_public_key = 1`);
    await replica.sql('start replica');
    await captureUrl(source);
    const sameUser = { ...replica, sql: source.sql };
    const users = () => replica.sql(`select 1 from mysql.user where user = 'capture'`);
    await until(async () => (await users()).length === 1);
    await using running = await captureMysql(await captureUrl(sameUser));
    await source.sql('insert into t values (1)');
    await replica.sql('create table test.own (id int primary key)');
    await replica.sql('insert into test.own values (2)');
    await running.until(() => running.ids().length === 2);
    const loginsOf = (table: string) =>
      running.transactions
        .filter(({ changes }) => changes[0]?.table === table)
        .map(({ session }) => session?.login);
    // Right after a start, and when the server takes long to answer, nobody is known for a while.
    let id = 2;
    const known = async () => {
      await replica.sql(`insert into test.own values (${++id})`);
      await running.until(() => running.ids().length === id);
      return loginsOf('test.own').at(-1);
    };
    await until(async () => (await known()) === 'root@127.0.0.1', 90_000, 500);
    expect(loginsOf('test.t')).toEqual([undefined]);
  });

  // Sessions are numbered anew when the server starts. The verdict over what one session had prepared before was recorded
  // as the work of the session that happened to bear its number afterwards.
  test('a prepared transaction is not of who has its session’s number after a restart', async () => {
    await using server = await testMysql({ flavor: 'mysql', own: true });
    const url = await captureUrl(server);
    await server.sql('create table t (id int primary key)');
    await server.sql(`create user bob@'%' identified by 'b'`);
    await server.sql(`grant all on *.* to bob@'%'`);
    const ana = await server.session();
    let through = '';
    {
      await using running = await captureMysql(url);
      await ana.query(`xa start 'x'; insert into t values (1); xa end 'x'; xa prepare 'x'`);
      await server.sql('insert into t values (2)');
      await running.until(() => running.ids().length === 1);
      through = running.transactions.at(-1)?.end ?? '';
    }
    const number = await connectionId(ana);
    await server.embedded?.kill();
    await server.embedded?.start();
    const bob = await sessionNumbered(server, number);
    await using running = await captureMysql(url, { resume: from(through) });
    await server.sql(`xa commit 'x'`);
    await running.until(() => running.ids().length === 1);
    expect(running.ids()).toEqual(['1']);
    expect(running.transactions[0]?.session).toEqual({ pid: number });
    expect(await connectionId(bob)).toBe(number);
  });

  async function sessionNumbered(server: TestMysql, number: number): Promise<Connection> {
    for (;;) {
      const session = await server.session({ user: 'bob', password: 'b' });
      const found = await connectionId(session);
      if (found === number) return session;
      expect(found, 'no session got the number').toBeLessThan(number);
    }
  }
});

describe('what MariaDB alone does', () => {
  // Servers compare names of savepoints without case, and log them as they were written. ROLLBACK TO a was not known to
  // be of SAVEPOINT A: the trail said that the whole transaction had been taken back, what stands included.
  test('a savepoint is the same in capitals', async () => {
    await using server = await testMysql({ flavor: 'mariadb', own: true });
    await server.sql('create table t (id int primary key); create table m (id int) engine=myisam');
    await using running = await captureMysql(await captureUrl(server));
    await server.sql(
      'begin; insert into t values (1); savepoint A; insert into t values (2); insert into m values (3); rollback to a; insert into t values (4); commit',
    );
    await running.until(() => running.ids().includes('4'));
    const told = running.transactions.at(-1);
    const gaps = running.observations.flatMap((each) => (each.kind === 'gap' ? [each] : []));
    const ids = told?.changes.map(({ after }) => after?.['id']);
    // Held back and forgotten, or delivered and then told by its index: never more than what was taken back.
    if (gaps.length === 0) expect(ids).toEqual(['1', '4']);
    else {
      expect(ids).toEqual(['1', '2', '4']);
      expect(gaps).toMatchObject([{ reason: 'rolled_back', details: { first: 2, last: 2 } }]);
    }
  });

  // MariaDB logs SET STATEMENT … FOR as it was written. A DDL behind it had no record, and the trail claimed that a change in
  // statement format was missing.
  test('DDL behind SET STATEMENT is DDL', async () => {
    await using server = await testMysql({ flavor: 'mariadb', own: true });
    await server.sql('create table t (id int primary key)');
    await using running = await captureMysql(await captureUrl(server));
    await server.sql(
      'set statement lock_wait_timeout = 5, max_statement_time = (9) for alter table t add a int',
    );
    await server.sql('set statement lock_wait_timeout = 5 for truncate table t');
    await server.sql(`set statement lock_wait_timeout = 5 for create user u@'%' identified by 'hunter2'`);
    await running.until(() => running.transactions.length === 3);
    const messages = running.transactions.flatMap((each) => each.messages.map(({ content }) => content));
    expect(messages.map((content) => JSON.parse(content) as object)).toMatchObject([
      { tag: 'ALTER TABLE', identity: 'test.t' },
      { tag: 'TRUNCATE TABLE', identity: 'test.t' },
      { tag: 'CREATE USER', identity: 'u@%', command: null, statement_dropped: true },
    ]);
    expect(messages.join()).not.toContain('hunter2');
    expect(running.observations.filter(({ kind }) => kind === 'gap')).toEqual([]);
  });

  // A crash in the middle of writing a large transaction leaves its beginning in the log. The server sent that, refused to go
  // on, and gave the GTID to the next transaction. The trail took that one for the rest of the other: of its changes as
  // many were lost as had been sealed of what was never committed.
  test('a transaction that a crash tore is not the one that got its GTID', async () => {
    await using server = await testMysql({ flavor: 'mariadb', settings: ['binlog-row-event-max-size=1024'] });
    const url = await captureUrl(server);
    await server.sql('create table t (id int primary key, a longtext)');
    const start = await endOfLog(url);
    await server.sql(`insert into t values (1, 'x')`);
    const rows = Array.from({ length: 20 }, (_, i) => `(${i + 10}, repeat('z', 900))`);
    await server.sql(`insert into t values ${rows.join()}`);
    await server.embedded?.kill();
    tear(join(server.embedded?.data ?? '', 'binlog.000001'));
    await server.embedded?.start();
    await server.sql(`insert into test.t values (3, 'after'), (4, 'after')`);

    await using torn = await captureMysql(url, { resume: from(start) });
    expect(await torn.ended).toMatchObject({ code: 'source_unreachable', retryable: true });
    expect(torn.observations).toContainEqual(
      expect.objectContaining({ kind: 'gap', within: true, reason: 'incomplete_transaction' }),
    );
    const last = torn.transactions.at(-1);
    expect(last?.end).toBe(torn.transactions.at(-2)?.end);
    await using next = await captureMysql(url, { resume: from(last?.end ?? '') });
    await next.until(() => next.ids().length === 2);
    expect(next.ids()).toEqual(['3', '4']);
    expect(next.transactions[0]?.id).toBe(last?.id);
  });
});

describe.each(both)('on %s', (flavor: MysqlFlavor) => {
  // We told the server that we can check what the setting said at that moment. When it was switched off, and older files
  // still had checksums, the server and we did not agree on whether there are any: the trail stopped for good.
  test('files with and without checksums, read later than they were written', async () => {
    await using server = await testMysql({ flavor, own: true });
    const url = await captureUrl(server);
    await server.sql('create table t (id int primary key)');
    const start = await endOfLog(url);
    for (const [id, checksum] of ['NONE', 'CRC32', 'NONE'].entries()) {
      await server.sql(`insert into t values (${id})`);
      await server.sql(`set global binlog_checksum = ${checksum}`);
    }
    await server.sql('insert into t values (3)');
    for (const checksum of ['NONE', 'CRC32']) {
      await server.sql(`set global binlog_checksum = ${checksum}`);
      await using running = await captureMysql(url, { resume: from(start) });
      await running.until(() => running.ids().length === 4);
      expect(running.ids()).toEqual(['0', '1', '2', '3']);
    }
  });
});

async function endOfLog(url: string): Promise<string> {
  await using running = await captureMysql(url);
  return running.opened.start;
}

/** Appends the last transaction again, under the next GTID and without its end. */
function tear(path: string): void {
  const bytes = readFileSync(path);
  let gtid = 0;
  for (let at = 4; at + 19 <= bytes.length; at += bytes.readUInt32LE(at + 9)) {
    if (bytes[at + 4] === EVENT.MARIADB_GTID) gtid = at;
  }
  const torn = Buffer.from(bytes.subarray(gtid, bytes.length - 1500));
  const size = torn.readUInt32LE(9);
  torn.writeBigUInt64LE(torn.readBigUInt64LE(19) + 1n, 19);
  torn.writeUInt32LE(crc32(torn.subarray(0, size - 4)), size - 4);
  appendFileSync(path, torn);
}
