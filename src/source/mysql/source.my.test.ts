/** The source's life on real servers: exact resumption, the cases of opening, dead peers, rivals, the watch, logins. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dumpsOf, type TestMysql, testMysql } from '../../../test/support/mysql.ts';
import { captureMysql, captureUrl, NEW_TRAIL } from '../../../test/support/mysql-capture.ts';
import { eventually, until, withPatience } from '../../../test/support/patience.ts';
import { RowsealError } from '../../base/errors.ts';
import type { Observation } from '../../change/change.ts';
import { askBinlog } from '../../engines/mysql/status.ts';
import type { Resume } from '../source.ts';
import { statementsOf } from './kit/script.ts';
import { TRIGGER_BODY } from './preflight/wish.ts';
import { createWatch } from './watch/watch.ts';
import { takeClaim } from './wire/claim.ts';
import { parseMysqlUrl } from './wire/connection.ts';
import { connectSession, createSideSession } from './wire/sessions.ts';

const code = (error: unknown) => (error instanceof RowsealError ? error.code : error);
const from = (through: string, change: Partial<Resume> = {}): Resume => ({
  through,
  incarnation: null,
  acceptGap: null,
  ...change,
});
const tampering = (observations: readonly Observation[]) =>
  observations.flatMap((each) => (each.kind === 'tamper' ? [each.what] : []));

describe.each(['mysql', 'mariadb'] as const)('the source on %s', (flavor) => {
  let server: TestMysql;
  let url: string;
  beforeAll(async () => {
    server = await testMysql({ flavor, own: true });
    url = await captureUrl(server);
    await server.sql('create table t (id int primary key, a varchar(100))');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  beforeEach(() => server.sql('delete from t'));

  const refusal = (options: Parameters<typeof captureMysql>[1]) =>
    captureMysql(url, options).then(async (running) => {
      await running[Symbol.asyncDispose]();
      return 'opened';
    }, code);
  const currentEnd = async () => (await inspectEnd(url)).start;

  test('a new trail begins at the end of the log, holds nothing on the server, and sees what follows', async () => {
    await server.sql(`insert into t values (1, 'before')`);
    const before = Date.now();
    await using running = await captureMysql(url);
    expect(running.opened.gap).toBeNull();
    expect(running.opened.identity).toMatchObject({ type: flavor, details: { replica_server_id: 4242 } });
    expect(await running.source.inspect()).toEqual({ identity: running.opened.identity, held: null });
    await server.sql(`insert into t values (2, 'after')`);
    await server.sql(`update t set a = 'later' where id = 2`);
    await running.until(() => running.transactions.length === 2);
    expect(running.transactions.map(({ changes }) => changes)).toEqual([
      [{ action: 'insert', table: 'test.t', before: null, after: { id: '2', a: 'after' } }],
      [
        {
          action: 'update',
          table: 'test.t',
          before: { id: '2', a: 'after' },
          after: { id: '2', a: 'later' },
        },
      ],
    ]);
    expect(running.source.lag(null).heardAt).toBeGreaterThanOrEqual(before);
    expect(running.source.health()).toEqual([]);
  });

  test('a stream goes on exactly where it was told to', async () => {
    let through = await currentEnd();
    for (let id = 1; id <= 20; id++) await server.sql(`insert into t values (${id}, 'x')`);
    const seen: unknown[] = [];
    for (let round = 0; round < 4; round++) {
      await using running = await captureMysql(url, { resume: from(through) });
      expect(running.opened).toMatchObject({ start: through, gap: null });
      await running.until(() => running.transactions.length === 20 - round * 5);
      seen.push(...running.ids().slice(0, 5));
      through = running.transactions[4]!.end;
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => String(index + 1)));
  });

  // Postgres's transaction_timeout ended its stream; this is what these servers have of the kind.
  test('a timeout for statements, set for the server, ends neither the stream nor a question', async () => {
    const limit = flavor === 'mysql' ? 'max_execution_time = 50' : 'max_statement_time = 0.05';
    await server.sql(`set global ${limit}`);
    try {
      await using running = await captureMysql(url, { watchMs: 20 });
      const side = createSideSession(parseMysqlUrl(url));
      expect(await side.query('select sleep(0.3) as slept')).toEqual([{ slept: '0' }]);
      await side.close();
      await server.sql(`insert into t values (1, 'x')`);
      await running.until(() => running.transactions.length === 1);
    } finally {
      await server.sql(`set global ${limit.split(' ')[0]} = default`);
    }
  });

  test('a paused source delivers nothing, and nothing is lost', async () => {
    await using running = await captureMysql(url, { heartbeatMs: 700 });
    running.source.pause();
    for (let id = 1; id <= 50; id++) await server.sql(`insert into t values (${id}, repeat('y', 100))`);
    await sleep(2500); // the server is heard of all the while, and not given up
    expect(running.transactions.length).toBeLessThan(50);
    running.source.resume();
    await running.until(() => running.transactions.length === 50);
    expect(running.ids()).toEqual(Array.from({ length: 50 }, (_, index) => String(index + 1)));
  });

  test('a server that was killed, is away and comes back: nothing lost, nothing twice', async () => {
    let through: string;
    {
      await using running = await captureMysql(url);
      await server.sql(`insert into t values (1, 'a')`);
      await running.until(() => running.transactions.length === 1);
      through = running.transactions[0]!.end;
      const writer = (async () => {
        for (let id = 2; id < 10_000; id++) await server.sql(`insert into t values (${id}, 'b')`);
      })().catch(() => undefined);
      await sleep(100);
      await server.embedded!.kill();
      await writer;
      const error = await running.ended;
      expect(code(error)).toBe('source_unreachable');
      expect(await refusal({ resume: from(through) })).toBe('source_unreachable');
      await server.embedded!.start();
    }
    const kept = await server.sql('select id from t where id > 1 order by id');
    await using again = await captureMysql(url, { resume: from(through) });
    await server.sql(`insert into t values (20000, 'c')`);
    await again.until(() => again.ids().at(-1) === '20000');
    expect(again.ids()).toEqual([...kept.map(({ id }) => id), '20000']);
  });

  test('a server that hangs is given up after three heartbeats, and our dump there replaced', async () => {
    const watch = createWatch({ clock: Date.now });
    await using running = await captureMysql(url, { watch, heartbeatMs: 1000 });
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 1);
    const { pid } = server.embedded!;
    process.kill(pid!, 'SIGSTOP');
    try {
      expect(code(await withPatience(running.ended, 'it to be given up'))).toBe('source_unreachable');
    } finally {
      process.kill(pid!, 'SIGCONT');
    }
    const through = running.transactions[0]!.end;
    await server.sql(`insert into t values (2, 'b')`);
    await using again = await captureMysql(url, { resume: from(through), watch });
    await again.until(() => again.transactions.length === 1);
    expect(again.ids()).toEqual(['2']);
  });

  test('a dump that somebody killed is interrupted, and goes on', async () => {
    await using running = await captureMysql(url);
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 1);
    const [dump] = await dumpsOf(server);
    await server.sql(`kill ${dump}`);
    const error = await running.ended;
    expect(code(error)).toBe('source_unreachable');
    await server.sql(`insert into t values (2, 'b')`);
    await using again = await captureMysql(url, { resume: from(running.transactions[0]!.end) });
    await again.until(() => again.transactions.length === 1);
    expect(again.ids()).toEqual(['2']);
  });

  // MySQL's information_schema.PROCESSLIST can't be read while a statement runs that has such a character, if one may see
  // it: with the PROCESS privilege `status` failed then, and so did connecting again.
  test('who streams is seen while a statement with an emoji runs', async () => {
    await using running = await captureMysql(url);
    const busy = await server.session();
    const sleeping = busy.query(`select sleep(2), '😀'`);
    await eventually(
      () => askBinlog(parseMysqlUrl(url)),
      (seen) => expect(seen).toMatchObject({ streaming: true }),
    );
    const other = parseMysqlUrl(`${server.url}?ssl-mode=REQUIRED`);
    expect(await askBinlog(other)).toMatchObject({ streaming: false });
    await Promise.all([sleeping, running.source.close()]);
  });

  test('of two that share a server_id one is told so, and the other goes on', async () => {
    await using running = await captureMysql(url);
    await server.sql(`insert into t values (7, 'streams')`);
    await running.until(() => running.transactions.length === 1);
    // Seen before anybody is ended.
    expect(await captureMysql(url).catch((error: unknown) => error as Error)).toMatchObject({
      code: 'server_id_in_use',
      retryable: true,
      message: expect.stringContaining('of this account reads the binary log as server_id 4242'),
    });
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 2);
    expect(await dumpsOf(server)).toHaveLength(1);
    await using other = await captureMysql(url, { serverId: 4243 });
    await server.sql(`insert into t values (2, 'b')`);
    await Promise.all([running, other].map((each) => each.until(() => each.ids().at(-1) === '2')));
    expect(
      await refusal({ serverId: Number((await server.sql('select @@server_id as id'))[0]!['id']) }),
    ).toBe('source_misconfigured');
  });

  // Both looked before either streamed.
  test('of two that come at once one streams, and is not ended', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => captureMysql(url).catch(() => null)));
    const running = [one, other].filter((each) => each != null);
    if (running.length === 2) {
      const first = Promise.race(running.map(({ ended }) => ended));
      expect(await withPatience(first, 'one to end')).toMatchObject({ code: 'server_id_in_use' });
    }
    await server.sql(`insert into t values (1, 'a')`);
    const streams = () => running.filter((each) => each.ids().includes('1')).length;
    await until(() => streams() > 0);
    expect(streams()).toBe(1);
    for (const each of running) await each[Symbol.asyncDispose]();
  });

  // Anybody who may log in can take a lock by any name: that must not keep us out.
  test('a stranger who holds the lock by our name is not believed', async () => {
    const stranger = await server.session();
    await stranger.query(`select get_lock('rowseal server_id 4242', 0)`);
    await using running = await captureMysql(url);
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 1);
    await stranger.query(`select release_all_locks()`);
    stranger.destroy();
  });

  test('a session of our name that holds the lock and reads nothing is waited for a moment, and passed over', async () => {
    const idle = await connectSession(parseMysqlUrl(url));
    await takeClaim(idle, 4242);
    await using running = await captureMysql(url);
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 1);
    idle.connection.destroy();
  });

  test('what our own process left on the server is ended, and not waited for', async () => {
    const watch = createWatch({ clock: Date.now });
    const side = createSideSession(parseMysqlUrl(url));
    const { startDump } = await import('./wire/link.ts');
    const [row] = await server.sql(flavor === 'mysql' ? 'show binary log status' : 'show master status');
    const link = await startDump({
      target: parseMysqlUrl(url),
      flavor,
      serverId: 4242,
      start: { by: 'file', file: row!['File']!, position: Number(row!['Position']) },
      encodeSet: () => Buffer.alloc(8),
      heartbeatMs: 60_000,
      clock: Date.now,
      onEvent: () => undefined,
    });
    await until(async () => (await dumpsOf(server)).includes(link.threadId));
    watch.dumps.add(link.threadId);
    await using running = await captureMysql(url, { watch });
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 1);
    await expect(link.done).rejects.toMatchObject({ code: 'source_unreachable' });
    await side.close();
  });

  test('purged binary logs are a hole that is accepted by name, never passed over', async () => {
    const through = await currentEnd();
    await server.sql(`insert into t values (1, 'purged')`);
    await server.sql('flush binary logs');
    const [row] = await server.sql('show binary logs').then((files) => files.slice(-1));
    // MariaDB keeps a file while its checkpoint is under way.
    await until(async () => {
      await server.sql(`purge binary logs to '${row!['Log_name']}'`);
      return (await server.sql('show binary logs')).length === 1;
    });
    await server.sql(`insert into t values (2, 'kept')`);
    const error = await captureMysql(url, { resume: from(through) }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'binlog_purged',
      message: expect.stringContaining(`--accept-gap=${through}`),
      details: { accept_gap: through },
    });
    expect(await refusal({ resume: from(through, { acceptGap: `${through}0` }) })).toBe('binlog_purged');
    await using running = await captureMysql(url, { resume: from(through, { acceptGap: through }) });
    expect(running.opened.gap).toMatchObject({ from: through, to: running.opened.start });
    await running.until(() => running.transactions.length === 1);
    expect(running.ids()).toEqual(['2']);
    const next = running.transactions[0]!.end;
    await running.source.close();
    expect(await refusal({ resume: from(next) })).toBe('opened');
  });

  test('who is behind a thread is looked up while it lives', async () => {
    // Right after a start nobody is looked up: the number may be of a session before it.
    const upFor = async () => Number((await server.sql(`show global status like 'Uptime'`))[0]!['Value']);
    await until(async () => (await upFor()) >= 4);
    await using running = await captureMysql(url);
    await server.sql(`insert into t values (0, 'it streams')`);
    await running.until(() => running.transactions.length === 1);
    const app = await server.session();
    let id = 0;
    const sessionOfNext = async () => {
      await app.query(`insert into t values (${++id}, 'a')`);
      await running.until(() => running.transactions.length === id + 1);
      return running.transactions[id]!.session;
    };
    // MariaDB 10.11 names no thread in its binlog.
    if (flavor === 'mariadb') return expect(await sessionOfNext()).toBeUndefined();
    // The server is asked twenty times a second at most, and less often where it takes long to answer.
    await eventually(sessionOfNext, (session) =>
      expect(session).toMatchObject({ login: `${server.user}@${session!.address}`, pid: app.threadId }),
    );
  });

  test('what weakens the capture is told once, between transactions, and shows in health', async () => {
    await using running = await captureMysql(url);
    const settings = () => tampering(running.observations);
    await running.until(() => running.observations.some((each) => each.kind === 'lifecycle'));
    try {
      await server.sql('set global binlog_row_metadata = minimal');
      await running.until(() => running.source.health().length > 0);
      expect(running.source.health()).toMatchObject([
        { what: 'setting_too_low', object: 'binlog_row_metadata' },
      ]);
      await sleep(600);
      expect(settings()).toEqual(['setting_lowered']);
      await server.sql('set global binlog_row_image = minimal');
      await running.until(() => running.source.health().length > 1);
      expect(running.source.health()[0]).toMatchObject({
        text: 'binlog_row_image: setting too low (MINIMAL, not FULL)',
      });
    } finally {
      await server.sql('set global binlog_row_metadata = full');
      await server.sql('set global binlog_row_image = full');
    }
    await running.until(() => running.source.health().length === 0);
    expect(running.observations.filter(({ kind }) => kind === 'lifecycle').at(-1)).toMatchObject({
      event: 'setting_changed',
    });
  });

  test('our kit: what is taken away from it is told, even where the binlog was switched off', async () => {
    const script = (file: string) =>
      statementsOf(readFileSync(new URL(`../../../sql/mysql/${file}`, import.meta.url), 'utf8'));
    if (flavor === 'mariadb') await server.sql(`install soname 'ha_blackhole'`).catch(() => undefined);
    for (const file of ['01-kit.sql', '01-table-blackhole.sql']) {
      for (const statement of script(file)) await server.sql(statement);
    }
    await server.sql(`grant execute on procedure rowseal.inventory to capture@'%'`);
    await server.sql(`grant references on rowseal.* to capture@'%'`);
    const watch = createWatch({ clock: Date.now });
    {
      await using running = await captureMysql(url, { watch });
      await running.until(() => running.observations.length > 0);
      const [first] = running.observations;
      expect(first).toMatchObject({
        event: 'capture',
        details: {
          context: expect.arrayContaining(['table rowseal.context', 'procedure rowseal.set_context']),
        },
      });
    }
    const admin = await server.session({ database: 'rowseal' });
    await admin.query('set sql_log_bin = 0');
    await admin.query('drop procedure rowseal.set_context');
    await using again = await captureMysql(url, { watch });
    await again.until(() => tampering(again.observations).includes('context_object_dropped'));
    if (flavor === 'mysql') expect(tampering(again.observations)).toContain('sql_log_bin_set');
    await server.sql('drop database rowseal');
  });

  test('a table that shall have a context trigger and has none is red health, until it has one', async () => {
    const script = (file: string) =>
      statementsOf(readFileSync(new URL(`../../../sql/mysql/${file}`, import.meta.url), 'utf8'));
    if (flavor === 'mariadb') await server.sql(`install soname 'ha_blackhole'`).catch(() => undefined);
    await server.sql('create database shop');
    await server.sql('create table shop.orders (id int primary key)');
    await server.sql(`grant references on shop.* to capture@'%'`);
    const matches = (schema: string) => schema === 'shop';
    const watch = createWatch({
      clock: Date.now,
      covers: matches,
      wantsTrigger: (_, table) => table !== 'plain',
    });
    await using running = await captureMysql(url, { matches, watch });
    const texts = () => running.source.health().map(({ text }) => text);
    const says = (...wanted: string[]) =>
      running.until(() => JSON.stringify(texts()) === JSON.stringify(wanted));
    await says('shop.orders has no context trigger: there is no kit that the account may see');
    await running.until(() => running.observations.length > 0);
    expect(running.observations[0]).toMatchObject({ event: 'capture', details: { tables_matched: 1 } });
    for (const file of ['01-kit.sql', '01-table-blackhole.sql'])
      for (const statement of script(file)) await server.sql(statement);
    await server.sql(`grant execute on procedure rowseal.inventory to capture@'%'`);
    await server.sql('flush tables');
    await server.sql('create table shop.plain (id int primary key)');
    await says('shop.orders has no context trigger');
    await server.sql('grant trigger on shop.* to rowseal_owner@localhost');
    const admin = await server.session();
    const trigger = (event: string, body = TRIGGER_BODY, table = 'orders') =>
      admin.query(
        `create definer = rowseal_owner@localhost trigger shop.rowseal_${event}_${table} after ${event} on shop.${table} for each row ${body}`,
      );
    for (const event of ['insert', 'update', 'delete']) await trigger(event);
    await says();
    await server.sql('create table shop.tt (id int primary key)');
    await says('shop.tt has no context trigger');
    await server.sql('drop table shop.tt');
    await says();
    await admin.query('drop trigger shop.rowseal_update_orders');
    await says('shop.orders has no context trigger');
    await trigger('update', 'set @nothing = 1');
    await says('shop.orders has an altered context trigger');
    await admin.query('drop trigger shop.rowseal_update_orders');
    await trigger('update');
    await says();
    for (let each = 0; each < 25; each++) await server.sql(`create table shop.t${each} (id int primary key)`);
    await running.until(() => texts().at(-1) === '5 more tables have no context trigger');
    expect(texts()).toHaveLength(21);
    await server.sql('drop database shop');
    await server.sql('drop database rowseal');
  });

  test('half of the retention used up is red health', async () => {
    await server.sql('set global binlog_expire_logs_seconds = 4');
    try {
      await using running = await captureMysql(url, { acknowledge: false });
      await server.sql(`insert into t values (1, 'a')`);
      await running.until(() => running.source.health().some(({ what }) => what === 'binlog_at_risk'));
      running.source.acknowledge(running.transactions.at(-1)!.end);
      await running.until(() => running.source.health().length === 0);
    } finally {
      await server.sql('set global binlog_expire_logs_seconds = 2592000');
    }
  });

  test('bytes behind are counted from what is sealed', async () => {
    await using running = await captureMysql(url, { acknowledge: false });
    await server.sql(`insert into t values (1, repeat('z', 90))`);
    await server.sql(`insert into t values (2, repeat('z', 90))`);
    await running.until(() => running.transactions.length === 2);
    await running.until(() => (running.source.lag(null).bytes ?? 0) > 100);
    running.source.acknowledge(running.transactions[1]!.end);
    await running.until(() => running.source.lag(null).bytes === 0);
  });

  // Last: the log is another one afterwards.
  test('a log that was begun anew is told, and refused', async () => {
    await using running = await captureMysql(url);
    await server.sql(`insert into t values (1, 'a')`);
    await running.until(() => running.transactions.length === 1);
    const through = running.transactions[0]!.end;
    await running.source.close();
    await running.ended;
    await server.sql(flavor === 'mysql' ? 'reset binary logs and gtids' : 'reset master');
    await server.sql(`insert into t values (2, 'b')`);
    const { incarnation } = running.opened.identity;
    expect(await refusal({ resume: from(through, { incarnation }) })).toBe('source_changed');
    await using again = await captureMysql(url, {
      resume: from(through, { incarnation, acceptGap: through }),
    });
    await again.until(() => again.ids().includes('2'));
    const seen = again.transactions.at(-1)!.end;
    await server
      .sql(flavor === 'mysql' ? 'reset binary logs and gtids' : 'reset master')
      .catch(() => undefined);
    expect(code(await again.ended)).toBe('source_changed');
    expect(tampering(again.observations)).toContain('binlog_reset');
    // The server keeps the dump of the stream that ended until it can't send it a heartbeat.
    await eventually(
      () => refusal({ resume: from(seen) }),
      (refused) => expect(refused).toBe('source_changed'),
    );
  });
});

describe.each(['mysql', 'mariadb'] as const)('two %s servers in replication', (flavor) => {
  test('the trail goes on from the replica, by GTID', async () => {
    await using primary = await testMysql({ flavor, own: true, settings: ['server-id=101'] });
    await using replica = await testMysql({ flavor, own: true, settings: ['server-id=102'] });
    const primaryUrl = await captureUrl(primary);
    await replica.sql('drop database test');
    await replica.sql(flavor === 'mysql' ? 'reset binary logs and gtids' : 'reset master');
    await replica.sql(
      flavor === 'mysql'
        ? `change replication source to source_host = '127.0.0.1', source_port = ${primary.port}, source_ssl = 1,
             source_user = 'capture', source_password = 'open sesame', source_auto_position = 1`
        : `change master to master_host = '127.0.0.1', master_port = ${primary.port},
             master_user = 'capture', master_password = 'open sesame', master_use_gtid = slave_pos`,
    );
    await replica.sql(flavor === 'mysql' ? 'start replica' : 'start slave');
    await primary.sql('create table t (id int primary key, a varchar(100))');

    let through: string;
    let incarnation: string;
    {
      await using running = await captureMysql(primaryUrl);
      incarnation = running.opened.identity.incarnation;
      await primary.sql(`insert into t values (1, 'a')`);
      await running.until(() => running.ids().length === 1);
      through = running.transactions.at(-1)!.end;
      await primary.sql(`insert into t values (2, 'b')`);
    }
    await until(async () => (await replica.sql('select id from test.t').catch(() => [])).length === 2);
    await primary.embedded!.kill();
    await replica.sql(flavor === 'mysql' ? 'stop replica' : 'stop slave');
    await replica.sql(`insert into test.t values (3, 'c')`);
    const ca = `ssl-ca=${encodeURIComponent(replica.caFile!)}`;
    const replicaUrl = `mysql://capture:open%20sesame@127.0.0.1:${replica.port}/?${ca}`;
    await using running = await captureMysql(replicaUrl, { resume: from(through, { incarnation }) });
    expect(running.opened).toMatchObject({ start: through, gap: null });
    expect(running.opened.identity.incarnation).not.toBe(incarnation);
    await running.until(() => running.ids().includes('3'));
    expect(running.ids()).toEqual(['2', '3']);
  });
});

describe('MySQL without GTIDs', () => {
  test('goes by places in files: quiet stretches, resumption, and GTIDs that are switched on later', async () => {
    await using server = await testMysql({
      flavor: 'mysql',
      own: true,
      settings: ['gtid-mode=OFF', 'enforce-gtid-consistency=ON'],
    });
    const url = await captureUrl(server);
    await server.sql('create table t (id int primary key)');
    let through: string;
    let incarnation: string;
    {
      await using running = await captureMysql(url, { heartbeatMs: 1000 });
      incarnation = running.opened.identity.incarnation;
      expect(running.opened.start).toMatch(/\.\d{6}:\d+$/);
      await server.sql('insert into t values (1)');
      await running.until(() => running.transactions.length === 1);
      // A heartbeat, and a file that begins: the position moves on though nothing happens.
      await server.sql('flush binary logs');
      await running.until(() => running.quiets.at(-1)?.includes('.00000') === true);
      const [row] = await server.sql('show binary log status');
      await running.until(() => running.quiets.at(-1) === `${row!['File']}:${row!['Position']}`);
      through = running.quiets.at(-1)!;
    }
    await server.sql('insert into t values (2)');
    for (const mode of ['OFF_PERMISSIVE', 'ON_PERMISSIVE', 'ON']) {
      await server.sql(`set global gtid_mode = ${mode}`);
    }
    await server.sql('insert into t values (3)');
    {
      // The server refuses to send what has no GTID now: a clear answer, and nothing lost.
      await using early = await captureMysql(url, { resume: from(through, { incarnation }) });
      expect(await early.ended).toMatchObject({
        code: 'source_misconfigured',
        hint: expect.stringContaining('ON_PERMISSIVE'),
      });
    }
    await server.sql('set global gtid_mode = ON_PERMISSIVE');
    await using again = await captureMysql(url, { resume: from(through, { incarnation }) });
    expect(again.opened.start).toBe(through);
    await again.until(() => again.transactions.length === 2);
    expect(again.ids()).toEqual(['2', '3']);
    expect(again.transactions[1]!.end).toMatch(/\.\d{6}:\d+$/);
    const gtids = `${incarnation}:1`;
    const refused = await captureMysql(url, {
      serverId: 4343,
      resume: from(gtids, { incarnation }),
    }).catch(code);
    expect(refused).toBe('source_misconfigured');
  });
});

async function inspectEnd(url: string): Promise<{ start: string }> {
  const probe = await captureMysql(url, { serverId: 4343, resume: NEW_TRAIL });
  await probe[Symbol.asyncDispose]();
  return { start: probe.opened.start };
}
