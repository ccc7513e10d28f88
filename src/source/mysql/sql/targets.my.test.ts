/**
 * What targets say of a statement, against the catalog and the rows before and after it, on real servers: never less than
 * happened, and of what came, went, was emptied or renamed exactly that.
 */
import { chownSync, copyFileSync, statSync } from 'node:fs';
import type mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestMysql, testMysql } from '../../../../test/support/mysql.ts';
import { captureMysql, captureUrl, type RunningMysql } from '../../../../test/support/mysql-capture.ts';
import { MYSQL_RELEASES } from '../../../../test/support/mysql-releases.ts';
import { problemsOfTargets, readTables, type Target } from '../../../../test/support/mysql-targets.ts';

/** What each statement finds: rows in all of them. */
const FIXTURE = [
  `create table a (id int primary key, n int null, v varchar(20))`,
  `create table b (id int primary key, n int null, v varchar(20))`,
  `create table part (id int primary key, n int null, v varchar(20))
     partition by range (id) (partition p0 values less than (10), partition p1 values less than maxvalue)`,
  `create table g (id int primary key, m int as (id + 1) stored)`,
  `insert into a values (1, null, 'x'), (2, 3, 'ä'), (4, 3, 'z')`,
  `insert into b values (3, null, 'y')`,
  `insert into part values (1, 1, 'p'), (20, 2, 'q')`,
  `insert into g (id) values (1)`,
];
const FIXTURE_DDL = FIXTURE.filter((sql) => sql.startsWith('create')).length;

/** In each a statement, or several, each looked at by itself. */
const BOTH: readonly string[] = [
  'create table c (id int primary key)',
  'create table c like a',
  'create table c select * from a',
  'create table if not exists c (id int primary key)',
  'create table if not exists a (id int primary key)',
  'create table if not exists c select * from a',
  'drop table a, b',
  'drop table if exists a, nothere',
  'truncate a',
  'rename table a to tmp, b to a, tmp to b',
  'alter table a rename to c, add column w int default 5',
  'alter table a add column w int not null default 5, add index (n)',
  'alter table a add (w int, x timestamp default current_timestamp)',
  'alter table a drop column n',
  'alter table a modify n varchar(30), modify v varbinary(20)',
  'alter table a change n m bigint',
  'alter table a rename column n to m',
  "alter table a alter n set default 5, comment 'x, y'",
  'alter table a alter column v drop default',
  'alter table g modify m int as (id + 2) stored',
  'alter table g add w int as (id * 2) virtual',
  'alter table a convert to character set latin1',
  'alter table a engine=myisam',
  'alter table a engine=innodb row_format=compact, order by id, v desc',
  'alter table a engine=blackhole',
  'alter table a force',
  "set sql_mode = ''; alter table b drop primary key, add primary key (n)",
  'alter table a add unique (v), add constraint k check (id > 0)',
  'alter table a add foreign key (n) references b (id)',
  'alter table part truncate partition p0',
  'alter table part drop partition p0',
  'alter table part exchange partition p0 with table b',
  'alter table part reorganize partition p0, p1 into (partition p2 values less than maxvalue)',
  'alter table part remove partitioning',
  'alter table part rebuild partition p0, p1',
  'alter table a partition by hash (id) partitions 3',
  'alter table a partition by hash (id) partitions 3; alter table a coalesce partition 2',
  'optimize table a, b',
  'analyze table a',
  'create index i on a (n)',
  'create index i on a (n); drop index i on a',
  'create view v as select * from a',
  'create trigger tr before insert on a for each row set @x = 1',
  'create procedure p() drop table a',
  "alter table `a` /*!50000 add column w int */ /*!99999 , drop column n */, comment 'x'",
  '/*!50000 create table c (id int) */',
  'lock tables a write;alter table a add w int;unlock tables',
  'create temporary table t (id int); insert into t values (1); truncate t; drop table t',
  'set session binlog_format = statement; create temporary table a (id int); insert into a values (9); truncate a',
  'set session binlog_format = statement; create table c as select * from b',
];
const OF: Readonly<Record<'mysql' | 'mariadb', readonly string[]>> = {
  mysql: [
    'create table c table a',
    'alter table a add w int invisible, alter column n set invisible',
    'alter table a alter column n set default (rand())',
    'alter table a add index i (n); alter table a rename index i to j',
  ],
  mariadb: [
    'create or replace table a (id int primary key)',
    'create or replace table a select * from b',
    'alter ignore table a add unique (n)',
    'alter table a add system versioning',
    'alter table a add system versioning; alter table a drop system versioning',
    'alter table a add column if not exists w int',
    'alter table a drop column if exists nothere',
    'alter table if exists a rename c',
    'rename table if exists nothere to c, a to d',
    'set statement lock_wait_timeout = 50 for truncate table a',
    'create sequence s',
    'alter table a engine=aria transactional=1',
  ],
};

/** Those of which the log leaves something open. */
const UNKNOWN: readonly string[] = [
  "alter table `a` /*!50000 add column w int */ /*!99999 , drop column n */, comment 'x'",
  'set session binlog_format = statement; create temporary table a (id int); insert into a values (9); truncate a',
  'rename table if exists nothere to c, a to d',
];

const messagesIn = ({ transactions }: RunningMysql, database: string) =>
  transactions.flatMap(({ messages }) =>
    messages
      .filter(({ prefix }) => prefix === 'rowseal.ddl')
      .map(({ content }) => JSON.parse(content) as { command: string; targets: Target[] })
      .filter(({ targets }) => targets.some(({ schema }) => schema === database)),
  );

describe.each(MYSQL_RELEASES)('$flavor $version', ({ flavor, version }) => {
  let server: TestMysql;
  let running: RunningMysql;
  let databases = 0;
  let marks = 0;

  beforeAll(async () => {
    server = await testMysql({ flavor, version, own: true });
    running = await captureMysql(await captureUrl(server));
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** A session in a database of its own with the fixture in it. */
  async function fresh(): Promise<{ database: string; session: mysql.Connection }> {
    const database = `shop${++databases}`;
    await server.sql(`create database ${database} character set utf8mb4`);
    const session = await server.session({ database });
    for (const sql of FIXTURE) await session.query(sql);
    return { database, session };
  }

  /** What was told of the database's tables, behind its fixture. */
  async function toldOf(database: string) {
    const mark = `mark${++marks}`;
    await server.sql(`create database ${mark}`);
    await running.until(() =>
      running.transactions.some(({ messages }) => messages.at(-1)?.content.includes(`"${mark}"`)),
    );
    return messagesIn(running, database).slice(FIXTURE_DDL);
  }

  test.each([...BOTH, ...OF[flavor]])('%s', async (statements) => {
    const { database, session } = await fresh();
    let before = await readTables(server, database);
    const problems: string[] = [];
    let told = 0;
    let isUnknown = false;
    for (const sql of statements.split('; ')) {
      await session.query(sql);
      const after = await readTables(server, database);
      const messages = (await toldOf(database)).slice(told);
      told += messages.length;
      const targets = messages.flatMap((message) => message.targets);
      problems.push(
        ...problemsOfTargets(database, before, after, targets).map((problem) => `${sql}: ${problem}`),
      );
      isUnknown ||= targets.some(({ effects }) => effects.includes('unknown'));
      before = after;
    }
    expect({ problems, isUnknown }).toEqual({ problems: [], isUnknown: UNKNOWN.includes(statements) });
  });

  test('a tablespace that is discarded, and another imported', async () => {
    const { database, session } = await fresh();
    const folder = `${server.embedded!.data}/${database}`;
    await session.query('flush tables b for export');
    for (const file of ['ibd', 'cfg']) copyFileSync(`${folder}/b.${file}`, `${folder}/../exported.${file}`);
    await session.query('unlock tables; alter table a discard tablespace');
    for (const file of ['ibd', 'cfg']) {
      copyFileSync(`${folder}/../exported.${file}`, `${folder}/a.${file}`);
      const { uid, gid } = statSync(`${folder}/b.ibd`);
      chownSync(`${folder}/a.${file}`, uid, gid);
    }
    await session.query('alter table a import tablespace');
    expect((await session.query('select id from a'))[0]).toEqual([{ id: '3' }]);
    const a = { schema: database, table: 'a', kind: 'table' };
    const told = (await toldOf(database)).filter(({ command }) => command.includes('tablespace'));
    expect(told.map(({ targets }) => targets)).toEqual([
      [{ ...a, effects: ['empties'] }],
      [{ ...a, effects: ['replaces'] }],
    ]);
  });

  test('objects without rows', async () => {
    const { database, session } = await fresh();
    await session.query(`create user if not exists 'u'@'%' identified by 'S3CRET-1'`);
    for (const sql of [
      `create user 'v'@'%' identified by 'S3CRET-2', w identified by 'S3CRET-3' require none`,
      `alter user v identified by 'S3CRET-4', w account lock`,
      'rename user v to x, w to y',
      `grant select (id), update on ${database}.a to x`,
      `grant all on ${database}.* to x, y`,
      'grant process on *.* to x',
      'create role r',
      'grant r to x',
      'revoke all privileges, grant option from x',
      'drop role r',
      'drop user if exists u, x, y',
      'create view v as select 1',
      'alter view v as select 2',
      'drop view v',
      "create event e on schedule every 1 day starts '2037-01-01 00:00:00' do drop table a",
      'alter event e rename to f',
      'drop event f',
      'create procedure p() select 1',
      'alter procedure p sql security invoker',
      'drop procedure p',
      'create trigger t before insert on a for each row set @x = 1',
      'drop trigger t',
      `drop database ${database}`,
    ])
      await session.query(sql);
    await toldOf(database);
    const all = running.transactions.flatMap(({ messages }) => messages.map(({ content }) => content));
    expect(all.join()).not.toContain('S3CRET');
    const from = all.findIndex((content) => content.includes('"v@%"'));
    const told = all.slice(from).flatMap((content) => {
      const { targets = [] } = JSON.parse(content) as { targets?: Target[] };
      return targets.map(({ kind, table, name, effects, becomes }) =>
        [kind, table ?? name, ...effects, becomes?.table ?? becomes?.name]
          .filter((word) => word !== undefined)
          .join(' '),
      );
    });
    expect(told.slice(0, told.findIndex((line) => line.startsWith(`schema ${database} drops`)) + 1)).toEqual([
      'user v@% creates',
      flavor === 'mysql' ? 'user w@% creates' : 'user w creates',
      ...(flavor === 'mysql' ? ['user v@% rights', 'user w@% rights'] : ['user v rights', 'user w rights']),
      'user v renames x',
      'user w renames y',
      'table a rights',
      ...(flavor === 'mysql' ? ['user x@% rights'] : ['user x rights']),
      `schema ${database} rights`,
      ...(flavor === 'mysql' ? ['user x@% rights', 'user y@% rights'] : ['user x rights', 'user y rights']),
      ...(flavor === 'mysql' ? ['user x@% rights'] : ['user x rights']),
      'role r creates',
      'role r rights',
      'user x rights',
      'user x rights',
      'role r drops',
      'user u drops',
      'user x drops',
      'user y drops',
      'view v creates',
      'view v columns rights',
      'view v drops',
      'event e creates',
      'event e rights renames f',
      'event f drops',
      'procedure p creates',
      'procedure p rights',
      'procedure p drops',
      'trigger t creates',
      'table a none',
      'trigger t drops',
      `schema ${database} drops`,
    ]);
  });
});
