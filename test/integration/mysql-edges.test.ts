/** Statements, sessions and settings at the edge of what a binlog says, through the whole daemon on real servers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryOptions } from 'mysql2';
import { describe, expect, test } from 'vitest';
import { rowseal, startDaemon } from '../support/daemon.ts';
import { startEdge } from '../support/mysql-edge.ts';

async function until(holds: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  for (const deadline = Date.now() + ms; !(await holds()); await sleep(200)) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${holds}`);
  }
}

describe.each(['mysql', 'mariadb'] as const)('on %s', (flavor) => {
  test('cascades that the log does not show are told once, new ones too', async () => {
    await using edge = await startEdge({
      flavor,
      settings: flavor === 'mysql' ? ['innodb-native-foreign-keys=ON'] : [],
      tables: [{ match: 'shop.*' }, { match: 'shop.left_out', exclude: true }],
    });
    const { server } = edge;
    await server.sql(`
      create table shop.orders (id int primary key);
      create table shop.items (id int primary key, order_id int,
        constraint of_order foreign key (order_id) references shop.orders (id) on delete cascade);
      create table shop.quiet (id int primary key, order_id int,
        constraint plain_key foreign key (order_id) references shop.orders (id));
      create table shop.left_out (id int primary key, order_id int,
        constraint out_key foreign key (order_id) references shop.orders (id) on delete cascade)`);
    const told = () =>
      edge
        .records('lifecycle')
        .filter(({ event }) => event === 'cascades_not_shown')
        .map(({ details }) => details);
    {
      await using daemon = await edge.run();
      await server.sql(`insert into shop.orders values (1), (2); insert into shop.items values (1, 1), (2, 2);
        delete from shop.orders where id = 1`);
      await edge.sealed();
      await server.sql(`create table shop.notes (id int primary key, item_id int,
        constraint of_item foreign key (item_id) references shop.items (id) on update cascade on delete set null)`);
      await until(() => told().length === 2);
      expect(await daemon.terminate()).toBe(0);
    }
    expect(told()).toEqual([
      {
        constraint: 'of_order',
        child: 'shop.items',
        columns: ['order_id'],
        parent: 'shop.orders',
        on_delete: 'CASCADE',
        on_update: null,
      },
      {
        constraint: 'of_item',
        child: 'shop.notes',
        columns: ['item_id'],
        parent: 'shop.items',
        on_delete: 'SET NULL',
        on_update: 'CASCADE',
      },
    ]);
    // It is true: the child's row went without a record.
    expect(await server.sql('select id from shop.items')).toEqual([{ id: '2' }]);
    expect(
      edge
        .records('change')
        .filter(({ action }) => action === 'delete')
        .map(({ target }) => target.table),
    ).toEqual(['orders']);
    expect(await edge.verify()).toBeNull();
    {
      await using daemon = await edge.run();
      await server.sql('insert into shop.orders values (9)');
      await edge.sealed();
      expect(await daemon.terminate()).toBe(0);
    }
    // Each run says it again.
    expect(told().map(({ constraint }) => constraint)).toEqual([
      'of_order',
      'of_item',
      'of_order',
      'of_item',
    ]);
  });

  test('a server of the other kind is refused before anything is sealed', async () => {
    const other = flavor === 'mysql' ? 'mariadb' : 'mysql';
    await using edge = await startEdge({ flavor, sourceType: other });
    await using daemon = startDaemon(edge.config.path);
    expect(await daemon.exited).toBe(2);
    const stopped = daemon.log.find(({ msg }) => msg === 'the trail stopped');
    expect(stopped).toMatchObject({
      code: 'source_misconfigured',
      hint: `Set source.type to ${flavor}, or correct source.url.`,
    });
    expect(JSON.stringify(stopped)).toContain(`but source.type is ${other}`);
    expect(
      existsSync(edge.config.folder) ? readdirSync(edge.config.folder, { recursive: true }) : [],
    ).toEqual([]);
  });

  test('statement format, administration, LOAD DATA, XA, savepoints, forged times, sessions without binlog', async () => {
    await using edge = await startEdge({ flavor });
    const { server } = edge;
    const mysql = flavor === 'mysql';
    await server.sql(`create table shop.t (id int primary key, a varchar(200));
      create table shop.t2 (id int primary key); insert into shop.t2 values (1)`);
    await using daemon = await edge.run();
    const session = await server.session({ database: 'shop' });
    const run = (text: string) => session.query(text);
    const load = (lines: string) =>
      session.query({
        sql: `load data local infile 'x' into table t fields terminated by ','`,
        infileStreamFactory: () => Readable.from([Buffer.from(lines)]),
      } as QueryOptions);
    // An administrator's session; others may not.
    await run(`set session binlog_format = 'STATEMENT'`);
    await run(`insert into t values (2, 'secret-1')`);
    await run(`set @v = 'secret-2'; update t set a = @v where a = 'secret-1'`);
    await run(`begin; delete from t where a = 'secret-2'; insert into t2 values (2); commit`);
    await load('3,secret-3\n');
    await run(`delete from t; set session binlog_format = 'ROW'`);
    await load('10,a\n11,b\n');
    await run('truncate table t2');
    await run(`create user u1@'%' identified by 'secret-4'; alter user u1@'%' identified by 'secret-5'`);
    await run(`set password for u1@'%' = ${mysql ? `'secret-6'` : `password('secret-6')`}`);
    await run(`grant select on shop.* to u1@'%' ${mysql ? '' : `identified by 'secret-7'`}`);
    await run('create table t3 (primary key (id)) as select * from t where id = 10');
    await run(`xa start 'x1'; insert into t values (12, 'xa'); xa end 'x1'; xa prepare 'x1'; xa commit 'x1'`);
    await run(
      `xa start 'x2'; insert into t values (13, '-'); xa end 'x2'; xa prepare 'x2'; xa rollback 'x2'`,
    );
    await run(`begin; insert into t values (14, 'a'); savepoint s; insert into t values (15, '-');
      rollback to s; insert into t values (16, 'b'); commit`);
    if (!mysql)
      await run(`set skip_replication = 1; insert into t values (17, ''); set skip_replication = 0`);
    await run(`set timestamp = 86400; insert into t values (18, ''); set timestamp = default`);
    await run(
      'set sql_log_bin = 0; insert into t values (19, ?); set sql_log_bin = 1'.replace('?', `'hidden'`),
    );
    await edge.sealed();
    await until(() => edge.records('tamper').some(({ what }) => what === 'sql_log_bin_set'));
    expect(await daemon.terminate()).toBe(0);

    const gaps = edge
      .records('gap')
      .map(({ reason, details }) => `${reason} ${details.text_class} ${details.table}`);
    expect(gaps).toEqual([
      'statement_format statement_insert shop.t',
      'statement_format statement_update shop.t',
      'statement_format statement_delete shop.t',
      'statement_format statement_insert shop.t2',
      'statement_format statement_load_data shop.t',
      'statement_format statement_delete shop.t',
    ]);
    const changes = edge.records('change');
    expect(
      changes.map(({ action, target, patch }) => `${action} ${target.table} ${patch[0].value.id}`),
    ).toEqual([
      'insert t 10',
      'insert t 11',
      ...['insert t3 10', 'insert t 12', 'insert t 14', 'insert t 16'],
      ...(mysql ? [] : ['insert t 17']),
      'insert t 18',
    ]);
    const ddl = edge.records('ddl');
    expect(ddl.map(({ tag, target }) => `${tag} ${target.identity}`)).toEqual([
      'TRUNCATE TABLE shop.t2',
      'CREATE USER u1@%',
      'ALTER USER u1@%',
      mysql ? 'ALTER USER u1@%' : 'SET PASSWORD u1@%',
      'GRANT u1@%',
      'CREATE TABLE shop.t3',
    ]);
    for (const { tag, statement, statement_dropped } of ddl) {
      if (tag.endsWith('USER') || tag === 'SET PASSWORD')
        expect([statement, statement_dropped]).toEqual([null, true]);
    }
    expect(edge.records('tamper').map(({ what }) => what)).toEqual([
      ...(mysql ? [] : ['skip_replication']),
      'sql_log_bin_set',
    ]);
    // MySQL's GTID event has a time of its own; a header's is whatever the session says, and marked so.
    const { time, time_source } = changes.at(-1)!;
    if (mysql) expect([time.slice(0, 4), time_source]).toEqual([`${new Date().getFullYear()}`, undefined]);
    else expect([time, time_source]).toEqual(['1970-01-02T00:00:00.000000Z', 'header']);
    const secrets = Array.from({ length: 7 }, (_, i) => `secret-${i + 1}`);
    expect(edge.found([...secrets, 'hidden'], [daemon])).toEqual([]);
    expect(edge.found(['insert', 'shop'], [daemon])).toEqual(['insert', 'shop']); // it does look
    expect(await edge.verify()).toBeNull();
  }, 120_000);

  test('purged: health warns before, the error names the position, and with the gap accepted it goes on', async () => {
    await using edge = await startEdge({ flavor, seal: { max_age: '1h', max_records: 1_000_000 } });
    const { server } = edge;
    await server.sql(`create table shop.t (id int primary key); set global binlog_expire_logs_seconds = 12`);
    const { metrics } = JSON.parse(readFileSync(edge.config.path, 'utf8'));
    const health = async () => {
      const response = await fetch(`http://${metrics.listen}/healthz`);
      return { status: response.status, report: JSON.stringify(await response.json()) };
    };
    {
      await using daemon = await edge.run();
      await server.sql('insert into shop.t values (1)');
      expect((await health()).status).toBe(200);
      await until(async () => (await health()).status === 503, 40_000);
      expect((await health()).report).toContain('binlog: binlog at risk (changes of');
      await daemon.kill();
    }
    await server.sql(
      'flush binary logs; insert into shop.t values (2); flush binary logs; insert into shop.t values (3)',
    );
    const [last] = (await server.sql('show binary logs')).slice(-1);
    await server.sql(
      `set global binlog_expire_logs_seconds = 2592000; purge binary logs to '${last!['Log_name']}'`,
    );
    await using stopped = startDaemon(edge.config.path);
    expect(await stopped.exited).toBe(2);
    const error = stopped.log.find(({ msg }) => msg === 'the trail stopped')!;
    expect(error['code']).toBe('binlog_purged');
    const [, position = ''] = /--accept-gap=(\S+?)"/.exec(JSON.stringify(error)) ?? [];
    expect(position).not.toBe('');
    // Another position than the one that is named is no acceptance.
    await using wrong = startDaemon(edge.config.path, ['--accept-gap=0-1-1']);
    expect(await wrong.exited).toBe(2);
    {
      await using daemon = await edge.run([`--accept-gap=${position}`]);
      await server.sql('insert into shop.t values (4)');
      await sleep(1000);
      expect(await daemon.terminate()).toBe(0);
    }
    const ids = edge.records('change').map(({ patch }) => patch[0].value.id);
    expect(ids).toEqual([3, 4]);
    expect(edge.records('gap')).toEqual([
      expect.objectContaining({ from: position, reason: expect.stringMatching(/^accepted: .*were removed/) }),
    ]);
    const status = await rowseal(['status', '-c', edge.config.path]);
    expect(status.stdout).toMatch(/gap/i);
    expect(status.stdout).toContain('were removed');
    expect(await edge.verify()).toBeNull();
  }, 120_000);

  test('explore images', async () => {
    await using edge = await startEdge({
      flavor,
      settings: flavor === 'mysql' ? [] : ['log-bin-compress=ON', 'log-bin-compress-min-len=10'],
    });
    const { server } = edge;
    await server.sql(`create table shop.t (id int primary key, a varchar(200), b longtext, c int,
      d ${flavor === 'mysql' ? 'json' : 'text'}, e int as (c + 1) stored);
      create table shop.k (a varchar(20), b varchar(20));`);
    await using daemon = await edge.run();
    const session = await server.session({ database: 'shop' });
    const run = (text: string) => session.query(text);
    const doc = "'" + JSON.stringify({ n: 1, list: Array.from({ length: 30 }, (_, i) => i), s: 'x'.repeat(50) }) + "'";
    await run("insert into t (id, a, b, c, d) values (1, 'one', repeat('b', 300), 1, " + doc + ")");
    await run("insert into k values ('x', 'y')");
    await run("set session binlog_row_image = 'MINIMAL'");
    await run("update t set a = 'two' where id = 1; update t set c = 5 where id = 1; update k set b = 'z'; delete from k; insert into t (id, a) values (2, 'min')");
    await run("update t set id = 3 where id = 2; delete from t where id = 3");
    await run("set session binlog_row_image = 'NOBLOB'");
    await run("update t set a = 'three' where id = 1; update t set b = 'short' where id = 1; insert into t (id, a, b, c, d) values (4, 'four', 'blob', 1, " + doc + "); delete from t where id = 4");
    await run("set session binlog_row_image = 'FULL'");
    if (flavor === 'mysql') {
      await run("set session binlog_row_value_options = PARTIAL_JSON");
      await run("update t set d = json_set(d, '$.n', 2, '$.s', 'y') where id = 1; update t set d = json_remove(d, '$.list[0]') where id = 1");
      await run("set session binlog_row_image = 'MINIMAL'; update t set d = json_set(d, '$.n', 3) where id = 1; set session binlog_row_image = 'NOBLOB'; update t set d = json_set(d, '$.n', 4) where id = 1; set session binlog_row_image = 'FULL'");
      await run("set session binlog_transaction_compression = ON; update t set d = json_set(d, '$.n', 5) where id = 1; update t set a = repeat('long', 40) where id = 1; create table comp (id int); begin; insert into comp values (1); insert into comp values (2); commit");
    }
    await edge.sealed();
    expect(await daemon.terminate()).toBe(0);
    for (const r of edge.records()) if (!['genesis', 'lifecycle', 'relation'].includes(r['kind'])) {
      const { kind, action, image, target, patch, ...rest } = r;
      console.log(kind, action, image, JSON.stringify(target), JSON.stringify(patch)?.slice(0, 500), kind === 'change' ? '' : JSON.stringify(rest));
    }
    console.log(await edge.verify());
  }, 120_000);

  test('explore large', async () => {
    await using edge = await startEdge({ flavor, settings: ['max-allowed-packet=128M', 'innodb-log-file-size=256M', 'innodb-buffer-pool-size=64M'],
      seal: { max_age: '1s', max_records: 50000 } });
    const { server } = edge;
    const columns = Array.from({ length: 1000 }, (_, i) => 'c' + i + ' int').join(',');
    await server.sql(`create table shop.blobs (id int primary key, b longblob, c longtext);
      create table shop.wide (id int primary key, ${columns});
      create table shop.many (id int primary key, a varchar(60), b int)`);
    await using daemon = await edge.run();
    const rss = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/' + daemon.pid + '/status', 'utf8'))![1]) / 1024;
    const at = Date.now();
    const mark = (what: string) => console.log(flavor, what, Math.round(rss()), 'MB peak', Date.now() - at, 'ms');
    mark('idle');
    for (let i = 1; i <= 4; i++) await server.sql(`insert into shop.blobs values (${i}, repeat(x'00ff', 20000000), null)`);
    await edge.sealed(120_000); mark('40 MB blobs');
    await server.sql(`update shop.blobs set c = 'x' where id = 1; insert into shop.blobs values (9, null, repeat('t"', 20000000))`);
    await edge.sealed(120_000); mark('40 MB update');
    await server.sql(`insert into shop.wide (id, c0, c999) values (1, 1, 2); update shop.wide set c500 = 7`);
    await edge.sealed(); mark('wide');
    await server.sql(`insert into shop.many with recursive n as (select 1 as i union all select i + 1 from n where i < 1000) select a.i * 1000 + b.i, concat('row ', a.i, '-', b.i, '-', repeat('x', 30)), b.i from n a join n b where a.i <= 500`);
    mark('written');
    await edge.sealed(180_000); mark('500k rows');
    await server.sql('update shop.many set b = b + 1'); mark('written');
    await edge.sealed(180_000); mark('500k updates');
    expect(await daemon.terminate()).toBe(0);
    console.log(edge.records('change').length, edge.records('gap'));
    console.log(await edge.verify());
  }, 400_000);
});
