/** The throw-away MySQL and MariaDB: they start, crash, start again, and never outlive whoever started them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import mysql from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { testMysql } from '../../test/support/mysql.ts';
import { MYSQL_RELEASES } from '../../test/support/mysql-releases.ts';
import { until } from '../../test/support/patience.ts';
import { makeCertificate } from './certificate.ts';
import { startMysql } from './mysql.ts';
import { provideMysqlClients } from './mysql-packages.ts';

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.each(MYSQL_RELEASES)('$flavor $version', ({ flavor, version }) => {
  const variables = async (server: Awaited<ReturnType<typeof testMysql>>, ...names: string[]) => {
    const rows = await server.sql(
      `show global variables where variable_name in (${names.map((name) => `'${name}'`)})`,
    );
    return Object.fromEntries(rows.map((row) => [row['Variable_name'], row['Value']]));
  };

  test('it writes the binlog as rowseal wants it, unless told otherwise', async () => {
    await using server = await testMysql({ flavor, version, settings: ['binlog-row-image=NOBLOB'] });
    expect(server.embedded?.version).toMatch(new RegExp(`^${version}\\.\\d+$`));
    const common = {
      log_bin: 'ON',
      binlog_format: 'ROW',
      binlog_row_image: 'NOBLOB',
      binlog_row_metadata: 'FULL',
      performance_schema: 'ON',
    };
    const own =
      flavor === 'mysql'
        ? { gtid_mode: 'ON', enforce_gtid_consistency: 'ON', binlog_rows_query_log_events: 'ON' }
        : { gtid_strict_mode: 'ON', binlog_annotate_row_events: 'ON', log_slave_updates: 'ON' };
    const expected: Record<string, string> = { ...common, ...own };
    expect(await variables(server, ...Object.keys(expected))).toEqual(expected);
    expect(
      await server.sql(
        "select support as support from information_schema.engines where engine = 'BLACKHOLE'",
      ),
    ).toEqual([{ support: 'YES' }]);
    // What made the data folder and root's password is not in the binlog: the database of this test is the first.
    const events = await server.sql('show binlog events');
    const texts = events.map((event) => event['Info'] ?? '').join('\n');
    expect(texts).toMatch(/create database/i);
    expect(texts).not.toMatch(/identified|alter user|grant/i);
  });

  test('it is stopped, killed and started again with its data and its settings', async () => {
    await using server = await testMysql({ flavor, version, own: true });
    const embedded = server.embedded!;
    await server.sql('create table t (id int primary key)');
    await server.sql('insert into t values (1)');
    const before = await variables(server, 'server_id', 'server_uuid', 'port');
    const first = embedded.pid!;
    await embedded.restart();
    expect(isAlive(first)).toBe(false);
    await server.sql('insert into t values (2)');
    await embedded.kill();
    expect(embedded.pid).toBeNull();
    await embedded.start();
    expect(await server.sql('select id from t order by id')).toEqual([{ id: '1' }, { id: '2' }]);
    expect(await variables(server, 'server_id', 'server_uuid', 'port')).toEqual(before);
  });

  test('its certificate is verified with its authority, and with no other; the password is required', async () => {
    await using server = await testMysql({ flavor, version, own: true });
    const { port, password, caFile } = server;
    const login = { host: '127.0.0.1', port, user: 'root' };
    const session = await mysql.createConnection({
      ...login,
      password,
      ssl: { ca: fs.readFileSync(caFile!), verifyIdentity: true },
    });
    const [[cipher]] = (await session.query("show session status like 'Ssl_version'")) as unknown as [
      [{ Value: string }],
    ];
    expect(cipher.Value).toBe('TLSv1.3');
    await session.end();
    const ssl = { ca: makeCertificate().ca };
    await expect(mysql.createConnection({ ...login, password, ssl })).rejects.toThrow(
      /signature|certificate/,
    );
    await expect(mysql.createConnection({ ...login, password: '' })).rejects.toMatchObject({
      code: 'ER_ACCESS_DENIED_ERROR',
    });
    expect(
      await server.sql("select host from mysql.user where user in ('root', '') order by host"),
    ).toHaveLength(2);
  });

  test('nothing is left behind: neither after disposal nor after a parent that was killed', async () => {
    const server = await testMysql({ flavor, version, own: true });
    const { pid, dir } = server.embedded!;
    await server[Symbol.asyncDispose]();
    expect(isAlive(pid!)).toBe(false);
    expect(fs.existsSync(dir)).toBe(false);

    const module = new URL('./mysql.ts', import.meta.url).href;
    const script = `const { startMysql } = await import(${JSON.stringify(module)});
      const server = await startMysql(${JSON.stringify({ flavor, version })});
      console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const orphan = JSON.parse(line.toString()) as { pid: number; dir: string };
    expect(isAlive(orphan.pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isAlive(orphan.pid) && !fs.existsSync(orphan.dir));
  });

  test('without asking for one of its own a test gets a database on the shared server', async () => {
    await using one = await testMysql({ flavor, version });
    await using other = await testMysql({ flavor, version });
    expect(other.port).toBe(one.port);
    expect(other.database).not.toBe(one.database);
    await one.sql('create table t (id int); insert into t values (1)');
    expect(await one.sql('select 1 as a; select * from t')).toEqual([{ id: '1' }]);
    expect(await other.sql('show tables')).toEqual([]);
  });

  test('a folder that is named stays, and the next server there has its data', async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rowseal-named-'.padEnd(100, 'x')));
    try {
      for (const ids of [['1'], ['1', '2']]) {
        await using server = await startMysql({ flavor, version, dir });
        const { port, rootPassword: password } = server;
        expect(server.socket).toBeNull(); // the path is too long
        const session = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root', password });
        await session.query('create database if not exists d');
        await session.query('create table if not exists d.t (id int auto_increment primary key)');
        await session.query('insert into d.t values ()');
        const [rows] = await session.query<mysql.RowDataPacket[]>('select cast(id as char) as id from d.t');
        expect(rows.map((row) => row['id'])).toEqual(ids);
        await session.end();
      }
      expect(fs.readdirSync(dir)).toContain('data');
      expect(fs.readdirSync(dir)).not.toContain('first.sql');
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });

  // Another 40 MB of packages: only where the long tests run.
  if (process.env['ROWSEAL_LONG'] === '1') {
    test('its command-line clients', async () => {
      await using server = await testMysql({ flavor, version, own: true });
      const command = await provideMysqlClients(flavor, version, () => undefined);
      const run = (program: string, ...args: string[]) => {
        const { file, args: all } = command(program, args);
        return execFileSync(file, all, { env: { MYSQL_PWD: server.password }, encoding: 'utf8' });
      };
      const login = ['--no-defaults', '-h127.0.0.1', `-P${server.port}`, '-uroot'];
      const [client, binlog] = flavor === 'mysql' ? ['mysql', 'mysqlbinlog'] : ['mariadb', 'mariadb-binlog'];
      expect(
        run(client, ...login, '-Ne', 'create table test.t (id int); insert into test.t values (7); select 6'),
      ).toBe('6\n');
      expect(run(binlog, ...login, '-R', '-vv', 'binlog.000001')).toMatch(
        /INSERT INTO `test`.`t`[\s\S]*@1=7/,
      );
    });
  }

  test('settings that only a new data folder can have', async () => {
    await using server = await testMysql({ flavor, version, initial: ['lower-case-table-names=1'] });
    expect(await variables(server, 'lower_case_table_names')).toEqual({ lower_case_table_names: '1' });
  });

  test('a setting that the server refuses', async () => {
    await expect(testMysql({ flavor, version, settings: ['no-such-thing=1'] })).rejects.toMatchObject({
      code: 'embedded_unavailable',
      message: expect.stringContaining('no-such-thing'),
    });
  });
});

test('a release that is not to be had', async () => {
  await expect(testMysql({ flavor: 'mysql', version: '10.11', own: true })).rejects.toMatchObject({
    code: 'embedded_unavailable',
  });
});
