/** The demo on MySQL and MariaDB as a user runs it: a child process, its exit status, and what it leaves behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testMysql } from '../support/mysql.ts';
import { expectAllWell, MAIN, type Outcome, run } from './demo-outcome.ts';

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'rowseal-test-demo-'));
  await chmod(place, 0o755); // as root, the server runs as nobody and must get at its folder below
});

afterAll(() => rm(place, { recursive: true, force: true }));

/** The demo's own servers, whatever the machine's environment names. */
const { ROWSEAL_DEMO_MYSQL_URL: _, ROWSEAL_DEMO_MARIADB_URL: __, ...env } = process.env;

/** What the trail says of the admin who took our trigger away: MariaDB 10.11 names no thread with rows. */
const ROGUE = {
  mysql: {
    actor: { type: 'login', id: 'root@127.0.0.1' },
    attribution: { tier: 'connection', via: 'performance_schema' },
    connection: { user: 'root@127.0.0.1', application: 'mysql' },
  },
  mariadb: { actor: { type: 'unknown' }, attribution: { tier: 'none' } },
} as const;

/** On a busy machine the server may be asked too late whose a thread was; never again and again. */
const PATIENT = { retry: 2 };

describe.each(['mysql', 'mariadb'] as const)('%s', (flavor) => {
  it(
    'plays to the end, every actor found, every spoiled copy caught with its very object',
    PATIENT,
    async () => {
      const dir = await mkdtemp(join(place, 'json-'));
      const { stdout } = await run(
        process.execPath,
        [MAIN, 'demo', '--source', flavor, '--json', '--dir', dir],
        { env },
      );
      const outcome = JSON.parse(stdout) as Outcome;
      await expectAllWell(outcome, ROGUE[flavor].attribution.tier);
      const changes = outcome.history.filter(({ kind }) => kind === 'change');
      expect(changes.at(-1)).toMatchObject(ROGUE[flavor]);
      // The ddl around it names him on both.
      const ddl = outcome.history.filter(({ kind }) => kind === 'ddl');
      expect(ddl.map(({ tag }) => tag)).toEqual(['DROP TRIGGER', 'CREATE TRIGGER']);
      for (const record of ddl) {
        expect(record.connection).toMatchObject({ user: 'root@127.0.0.1', application: flavor });
      }
    },
  );

  it('tells each step with what to type', async () => {
    const dir = join(place, `${flavor}-told`);
    const { stdout } = await run(process.execPath, [MAIN, 'demo', '--source', flavor, '--dir', dir], { env });
    for (const command of ['keygen', 'setup', 'doctor', 'run', 'status', 'show', 'verify'])
      expect(stdout).toContain(`$ rowseal ${command} `);
    // What it shows of the order is what the command that it names prints.
    const asked = ['--table', 'shop.orders', '--key', 'id=42', '--ddl'];
    expect(stdout).toContain(`$ rowseal show trails/shop.example/orders ${asked.join(' ')}\n`);
    const trail = join(dir, 'trails', 'shop.example', 'orders');
    const shown = await run(process.execPath, [MAIN, 'show', trail, ...asked]);
    if (flavor === 'mysql') expect(shown.stdout).toContain('details.ship_to.city: "Graz" → "Linz"');
    else expect(shown.stdout).toMatch(/details: .*Graz.* → .*Linz/); // MariaDB's JSON is text
    for (const line of shown.stdout.trimEnd().split('\n')) expect(stdout).toContain(`\n   ${line}\n`);
    expect(stdout).toMatch(/Everything was as it should be \(\d+\.\d s\)\./);
    expect(stdout).not.toContain('Postgres');
  });

  it('on a server that a URL names, leaves nothing behind, and refuses names that are taken', async () => {
    await using server = await testMysql({ flavor, own: true });
    const url = `${server.urlFor({ database: '' })}?ssl-ca=${server.caFile}`;
    const named = { ...env, [`ROWSEAL_DEMO_${flavor.toUpperCase()}_URL`]: url };
    const state = async () =>
      JSON.stringify([
        await server.sql('SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1'),
        await server.sql('SELECT User, Host FROM mysql.user ORDER BY 1, 2'),
      ]);
    const before = await state();
    const play = (dir: string) =>
      run(process.execPath, [MAIN, 'demo', '--source', flavor, '--json', '--dir', join(place, dir)], {
        env: named,
      });
    const { stdout } = await play(`${flavor}-named`);
    expect(JSON.parse(stdout) as Outcome).toMatchObject({ ok: true, wrong: [] });
    expect(await state()).toBe(before);

    await server.sql('CREATE DATABASE shop');
    await server.sql('CREATE TABLE shop.mine (id INT PRIMARY KEY)');
    await expect(play(`${flavor}-taken`)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/has these already: schema shop\. \[usage\]/),
    });
    expect(await server.sql('SHOW TABLES IN shop')).toHaveLength(1);
  });
});

it('takes the server down when it is interrupted', async () => {
  const dir = join(place, 'interrupted');
  const child = spawn(process.execPath, [MAIN, 'demo', '--source', 'mariadb', '--dir', dir], {
    env: { ...env, TMPDIR: place },
  });
  let stdout = '';
  await new Promise<void>((resolve, reject) => {
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('exit', (exit) =>
      reject(new Error(`it ended with ${exit} before it was interrupted:\n${stdout}${stderr}`)),
    );
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('The daemon captures')) resolve();
    });
  });
  const servers = async () => (await readdir(place)).filter((name) => name.startsWith('rowseal-mysql-'));
  const [server = ''] = await servers();
  const pid = Number(await readFile(join(place, server, 'pid'), 'utf8'));
  child.kill('SIGINT');
  const [exit] = (await once(child, 'exit')) as [number];
  expect(exit).toBe(130);
  expect(() => process.kill(pid, 0)).toThrow();
  expect(await servers()).toEqual([]);
});

it('says a clear word where the database is unknown', async () => {
  await expect(run(process.execPath, [MAIN, 'demo', '--source', 'oracle'], { env })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--source is postgres, mysql or mariadb'),
  });
});
