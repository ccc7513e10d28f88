/**
 * As on Postgres, a table's owner makes a table whose name is SQL, a command of the mysql client, or what steers a terminal.
 * In backticks MySQL knows no escapes: what can't be shown safely is left out of what setup prints, and said.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrailConfig, rowseal, type TrailConfig } from '../../../test/support/daemon.ts';
import { readLines } from '../../../test/support/line-client.ts';
import { type TestMysql, testMysql } from '../../../test/support/mysql.ts';
import { until } from '../../../test/support/patience.ts';
import { readTrail } from '../../../test/support/trail-reader.ts';
import { clean, isClean } from '../../base/text.ts';
import { startDaemon } from '../../commands/demo/stage.ts';
import { runCommand } from '../../commands/run/index.ts';
import { provideMysqlClients } from '../../embedded/mysql-packages.ts';

const ESCALATE = 'CREATE USER evil@localhost';
const quote = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const unclean = (text: string) => text.split('\n').filter((line) => !isClean(line));

describe.each([
  ['mysql', '9.7'],
  ['mariadb', '10.11'],
] as const)('hostile names on %s', (flavor, version) => {
  let folder: string;
  let mark: string;
  let plain: string[];
  let hidden: string[];
  let server: TestMysql;
  let config: TrailConfig;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rs-'));
    mark = join(folder, 'm');
    hidden = [
      `t\n; ${ESCALATE}; #`,
      `t\n\\! touch ${mark}\n#`,
      `t\nsystem touch ${mark}\n#`,
      `t\nsource ${mark}\n#`,
      `t//\n${ESCALATE}//\n#`,
      `t;\n${ESCALATE};\n#`,
      `t\ndelimiter ;\n${ESCALATE};\n#`,
      `t\r\n; ${ESCALATE}; #`,
      'esc\u001b[2J\u001b]0;title\u0007',
      'c1\u009b2J',
      'bidi\u202ecod',
      'line\u2028end',
    ];
    plain = [
      `t// ${ESCALATE}//`,
      `t; ${ESCALATE}; #`,
      `t\`; ${ESCALATE}; #`,
      `t'; ${ESCALATE}; #`,
      `t"; ${ESCALATE}; #`,
      `t*/; ${ESCALATE}; #`,
      `t\\! touch ${mark}`,
      `t\\g ${ESCALATE}\\g`,
      'delimiter ;',
      'back\\slash\\',
      "$& $1 $' $`",
      'looks like \\u{1b}',
      '表 é',
    ];
    server = await testMysql({ flavor, version, own: true });
    await server.sql('create database shop');
    for (const name of [...plain, ...hidden])
      await server.sql(`create table shop.${quote(name)} (id int primary key, v varchar(99))`);
    config = await createTrailConfig(options());
    env = { ROWSEAL_ADMIN_URL: `${server.urlFor({ database: '' })}?ssl-ca=${server.caFile}` };
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await config?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const options = () => ({
    source: {
      type: flavor,
      url: `mysql://capture:open%20sesame@127.0.0.1:${server.port}/?ssl-ca=${server.caFile}`,
      server_id: 4242,
    },
    tables: [{ match: 'shop.*', context_trigger: true }],
  });
  const isMade = async () => (await server.sql(`select 1 from mysql.user where User = 'evil'`)).length > 0;
  const attached = async () => {
    const rows = await server.sql(`select event_object_table as t from information_schema.triggers
      where trigger_schema = 'shop' group by 1 having count(*) = 3`);
    return rows.map(({ t }) => t).sort();
  };

  /** The long tests ask the real client, whose packages they fetch; else what it would run is run. */
  async function feed(printed: string): Promise<void> {
    const { statements, commands } = readLines('mysql', printed);
    expect(commands).toEqual([]);
    expect(statements.filter((each) => /^create user.*evil/i.test(each))).toEqual([]);
    if (process.env['ROWSEAL_LONG'] !== '1') {
      for (const each of statements) await server.sql(each).catch(() => undefined);
      return;
    }
    const command = await provideMysqlClients(flavor, version, () => undefined);
    const { file, args } = command(flavor, [
      '--no-defaults',
      ...(flavor === 'mysql' ? ['--commands'] : []),
      '--force',
      '-h127.0.0.1',
      `-P${server.port}`,
      '-uroot',
    ]);
    const ran = spawnSync(file, args, { input: printed, env: { MYSQL_PWD: server.password } });
    expect(ran.error).toBeUndefined();
  }

  test('what setup prints does what it says and nothing else', async () => {
    const printed = await rowseal(['setup', '-c', config.path, '--print'], env);
    expect(printed.code, printed.stderr).toBe(1);
    expect(unclean(printed.stdout)).toEqual([]);
    for (const name of hidden)
      expect(printed.stdout).toContain(
        `-- REFUSED shop.${clean(name)}: context triggers AFTER INSERT, UPDATE, DELETE: a name in it holds control characters`,
      );
    await feed(printed.stdout);
    expect(await isMade()).toBe(false);
    expect(existsSync(mark)).toBe(false);
    expect(await attached()).toEqual([...plain].sort());

    const back = await rowseal(['setup', '-c', config.path, '--uninstall', '--print'], env);
    expect(unclean(back.stdout)).toEqual([]);
    await feed(back.stdout);
    expect(await attached()).toEqual([]);
    expect(await isMade()).toBe(false);
  });

  test('setup by itself takes every name; doctor tells them on one line each', async () => {
    const doctor = await rowseal(['doctor', '-c', config.path], env);
    expect(unclean(doctor.stdout)).toEqual([]);
    const json = await rowseal(['doctor', '-c', config.path, '--json'], env);
    expect(unclean(json.stdout)).toEqual([]);
    const done = await rowseal(['setup', '-c', config.path, '--yes'], env);
    expect(done.code, done.stderr).toBe(0);
    expect(unclean(done.stdout)).toEqual([]);
    expect(await attached()).toEqual([...plain, ...hidden].sort());
    expect(await isMade()).toBe(false);
    // Partly undone: the triggers that are left can't be printed, and the schema must not go without them.
    const back = await rowseal(['setup', '-c', config.path, '--uninstall', '--print'], env);
    expect(back.code).toBe(1);
    expect(unclean(back.stdout)).toEqual([]);
  });

  test('the daemon’s log, status and show steer no terminal', async () => {
    const log = join(folder, 'daemon.log');
    const said = () => readFile(log, 'utf8').catch(() => '');
    const signal = new AbortController().signal;
    const io = { stdout: new PassThrough(), stderr: new PassThrough(), env: process.env, signal };
    const changes = () =>
      readTrail(config.folder).records.filter(({ line }) => line.includes('"kind":"change"')).length;
    const listen = /"listen": "([^"]+)"/.exec(await readFile(config.path, 'utf8'))?.[1];
    const daemon = startDaemon(runCommand, ['-c', config.path], io, log);
    try {
      await until(async () => (await said()).includes('tables are captured'));
      for (const name of [...plain, ...hidden])
        await server.sql(`insert into shop.${quote(name)} values (1, ?)`, [`\u001b[2J${name}`]);
      await server.sql(`create table shop.${quote('new\u001b[2J\u202e\n#')} (id int primary key)`);
      await until(() => changes() >= plain.length + hidden.length);
      await until(async () => {
        await fetch(`http://${listen}/healthz`);
        return (await said()).includes('not whole');
      });
      // It asks the daemon for three seconds at most, which is less than a busy machine takes at times.
      await until(async () => {
        const status = await rowseal(['status', '-c', config.path]);
        expect(unclean(status.stdout + status.stderr)).toEqual([]);
        return status.stdout.includes(clean('shop.new\u001b[2J\u202e\n#'));
      });
    } finally {
      await daemon.stop();
    }
    expect(unclean(await said())).toEqual([]);
    const shown = await rowseal(['show', config.folder]);
    expect(shown.code, shown.stderr).toBe(0);
    expect(unclean(shown.stdout + shown.stderr)).toEqual([]);
    for (const name of [...plain, ...hidden]) expect(shown.stdout).toContain(`shop.${clean(name)}`);
    const verified = await rowseal(['verify', config.folder, '--key', config.vkey]);
    expect(verified.code, verified.stdout).toBe(0);
  });

  test('an account whose name is half a statement is taken as a name', async () => {
    const user = `a'@'%', 'root`;
    await server.sql(`create user \`${user}\`@'%'`);
    await server.sql(`grant execute on procedure rowseal.set_context to \`${user}\`@'%'`);
    const done = await rowseal(['setup', '-c', config.path, '--uninstall', '--yes'], env);
    expect(done.code, done.stderr).toBe(0);
    expect(await attached()).toEqual([]);
    expect(await server.sql(`select 1 from mysql.procs_priv where Db = 'rowseal'`)).toEqual([]);
  });
});
