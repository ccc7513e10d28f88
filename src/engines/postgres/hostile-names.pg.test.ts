/**
 * A table's owner makes a table whose name is SQL, a shell command, or what steers a terminal. The DBA reads and pipes what
 * rowseal prints. Once `setup --print > f; psql -f f` made the owner a superuser: the comment lines held the name raw.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTrailConfig, rowseal, type TrailConfig } from '../../../test/support/daemon.ts';
import { readLines } from '../../../test/support/line-client.ts';
import { until } from '../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../test/support/postgres.ts';
import { readTrail } from '../../../test/support/trail-reader.ts';
import { clean, isClean } from '../../base/text.ts';
import { startDaemon } from '../../commands/demo/stage.ts';
import { runCommand } from '../../commands/run/index.ts';

const ESCALATE = 'ALTER ROLE owner SUPERUSER; --';
let folder: string;
let mark: string;
let names: string[];
let server: TestServer;
let config: TrailConfig;
let env: Record<string, string>;

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const unclean = (text: string) => text.split('\n').filter((line) => !isClean(line));
const isSuper = async () =>
  (await server.sql(`select from pg_roles where rolname = 'owner' and rolsuper`)).length > 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rs-'));
  mark = join(folder, 'm');
  names = [
    `t\n; ${ESCALATE}`,
    `t\r; ${ESCALATE}`,
    `t\r\n; ${ESCALATE}`,
    `t\n\\! touch ${mark}\n`,
    `\\! touch ${mark}`,
    `t"; ${ESCALATE}`,
    `t"\n'; ${ESCALATE}`,
    `t\\'; ${ESCALATE}`,
    `t$do$; ${ESCALATE}`,
    `t*/; ${ESCALATE}`,
    'esc\u001b[2J\u001b]0;title\u0007',
    'c1\u009b2J',
    'bidi\u202ecod',
    'zero\u200bwidth',
    'line\u2028end',
    `:'evil' :evil :"evil"`,
    "$& $1 $' $`",
    'back\\slash\\',
    'looks like \\u{1b}',
    '表 é 👨‍👩‍👧',
  ];
  server = await testServer({ major: 18, own: true });
  await server.sql(`create role owner login; create role capture login replication password 'open sesame';
    grant create on schema public to owner; create schema other authorization owner; set role owner`);
  for (const name of names)
    await server.sql(`create table public.${quote(name)} (id int primary key, v text)`);
  // What is refused, and what is noted.
  await server.sql(`create table other.${quote(`k\n; ${ESCALATE}`)} (id int)`);
  await server.sql(`create unlogged table other.${quote(`u\n; ${ESCALATE}`)} (id int primary key)`);
  await server.sql('reset role');
  const { port } = new URL(server.url);
  config = await createTrailConfig({
    source: {
      type: 'postgres',
      url: `postgres://capture:open%20sesame@127.0.0.1:${port}/postgres?sslmode=disable`,
      accept_unbounded_wal: true,
    },
    tables: [
      { match: 'public.*', context_trigger: true, replica_identity: 'full' },
      { match: 'other.*', replica_identity: 'keep' },
    ],
  });
  env = { ROWSEAL_ADMIN_URL: server.url };
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await config?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** psql where there is one, as a second opinion on how it reads; else the statements that it would find. */
async function feed(printed: string): Promise<void> {
  const { statements, commands } = readLines('psql', printed);
  expect(commands).toEqual(['\\set ON_ERROR_STOP on', '\\encoding UTF8']);
  expect(statements.filter((each) => /^alter role/i.test(each))).toEqual([]);
  const file = join(folder, 'setup.sql');
  await writeFile(file, printed);
  const psql = spawnSync('psql', ['-X', '-f', file, server.url], { input: '', encoding: 'utf8' });
  if (psql.error === undefined) expect(psql.status, psql.stderr).toBe(0);
  else for (const each of statements) await server.sql(each);
}

test('what setup prints does what it says and nothing else', async () => {
  const printed = await rowseal(['setup', '-c', config.path, '--print'], env);
  expect(printed.code).toBe(1);
  expect(unclean(printed.stdout)).toEqual([]);
  expect(printed.stdout).toContain(`-- REFUSED other.k\\u{a}; ${ESCALATE}: no key`);
  expect(printed.stdout).toContain(`-- NOTE other.u\\u{a}; ${ESCALATE} is left out`);
  expect(printed.stdout).toContain(`-- == public.t\\u{d}; ${ESCALATE}: publish`);
  await feed(printed.stdout);
  expect(await isSuper()).toBe(false);
  expect(existsSync(mark)).toBe(false);
  const attached =
    await server.sql(`select distinct relname from pg_trigger join pg_class on pg_class.oid = tgrelid
    join pg_publication_rel on prrelid = tgrelid where tgname like 'rowseal%' and relreplident = 'f'`);
  expect(attached.map(({ relname }) => relname).sort()).toEqual([...names].sort());

  const back = await rowseal(['setup', '-c', config.path, '--uninstall', '--print'], env);
  expect(back.code).toBe(0);
  expect(unclean(back.stdout)).toEqual([]);
  await feed(back.stdout);
  expect(await isSuper()).toBe(false);
  expect(await server.sql(`select from pg_namespace where nspname = 'rowseal'`)).toEqual([]);
});

test('doctor and setup name tables on one line each, and so that they stay apart', async () => {
  const doctor = await rowseal(['doctor', '-c', config.path], env);
  expect(unclean(doctor.stdout)).toEqual([]);
  expect(doctor.stdout).toContain(`other.k\\u{a}; ${ESCALATE}`);
  // What is pasted from it: a fix, and what stands in a comment behind it.
  const fixes = doctor.stdout.split('\n').filter((line) => line.includes('→ ALTER TABLE'));
  expect(fixes).toHaveLength(2);
  for (const fix of fixes) expect(fix).toContain(`ALTER TABLE "other".U&"`);
  const json = await rowseal(['doctor', '-c', config.path, '--json'], env);
  expect(unclean(json.stdout)).toEqual([]);
  const { trails } = JSON.parse(json.stdout) as { trails: { checks: { fix: string }[] }[] };
  for (const { fix } of trails[0]?.checks ?? []) expect(isClean(fix), fix).toBe(true);

  const refused = await rowseal(['setup', '-c', config.path, '--yes'], env);
  expect(refused.code).toBe(1);
  expect(unclean(refused.stdout)).toEqual([]);
  await server.sql('drop schema other cascade');
  const done = await rowseal(['setup', '-c', config.path, '--yes'], env);
  expect(done.code, done.stderr).toBe(0);
  expect(unclean(done.stdout)).toEqual([]);
  for (const name of names) expect(done.stdout).toContain(`done     public.${clean(name)}: publish`);
  expect(await isSuper()).toBe(false);
});

test('the daemon’s log, /healthz, /metrics, status, show and verify steer no terminal', async () => {
  const log = join(folder, 'daemon.log');
  const said = () => readFile(log, 'utf8').catch(() => '');
  const io = {
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: process.env,
    signal: new AbortController().signal,
  };
  const daemon = startDaemon(runCommand, ['-c', config.path], io, log);
  const listen = /"listen": "([^"]+)"/.exec(await readFile(config.path, 'utf8'))?.[1];
  const ask = async (path: string) => (await fetch(`http://${listen}${path}`)).text();
  try {
    await until(async () => (await said()).includes('tables are captured'));
    for (const name of names)
      await server.sql(`insert into public.${quote(name)} values (1, $1)`, [`\u001b[2J${name}`]);
    // A table that nobody published: the daemon complains of it by its name.
    await server.sql(`create table public.${quote('new\u001b[2J\u202e\n')} (id int primary key)`);
    await until(async () => (await ask('/healthz')).includes('new'));
    await until(() => changes() >= names.length);
    for (const path of ['/healthz', '/metrics']) expect(unclean(await ask(path))).toEqual([]);
    // It asks the daemon for three seconds at most, which is less than a busy machine takes at times.
    await until(async () => {
      const status = await rowseal(['status', '-c', config.path]);
      expect(unclean(status.stdout + status.stderr)).toEqual([]);
      return status.stdout.includes(clean('new\u001b[2J\u202e\n'));
    });
    const json = await rowseal(['status', '-c', config.path, '--json']);
    expect(unclean(json.stdout)).toEqual([]);
    await until(async () => (await said()).includes('not whole'));
  } finally {
    await daemon.stop();
  }
  expect(unclean(await said())).toEqual([]);
  expect(
    (await said())
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).msg),
  ).toContain('the capture is not whole');

  const shown = await rowseal(['show', config.folder, '--ddl', '--table', `public.${names[0]}`]);
  expect(shown.code, shown.stderr).toBe(0);
  expect(unclean(shown.stdout + shown.stderr)).toEqual([]);
  const all = await rowseal(['show', config.folder]);
  expect(unclean(all.stdout)).toEqual([]);
  for (const name of names) expect(all.stdout).toContain(`public.${clean(name)}`);
  // Where a program reads: the very bytes.
  const bytes = await rowseal(['show', config.folder, '--json']);
  const lines = readTrail(config.folder).records.map(({ line }) => line);
  expect(bytes.stdout.split('\n').filter(Boolean).sort()).toEqual(lines.sort());
  const none = await rowseal(['show', config.folder, '--table', 'no\u001b[2J\u202esuch']);
  expect(unclean(none.stdout + none.stderr)).toEqual([]);

  await mkdir(join(config.folder, 'segments', 'junk\u001b[2J\n\u202e'));
  await writeFile(join(config.folder, 'segments', 'junk\u001b[2J\n\u202e', 'x\r.jsonl.zst'), 'x');
  const verified = await rowseal(['verify', config.folder, '--key', config.vkey]);
  expect(verified.code, verified.stdout).toBe(0);
  expect(unclean(verified.stdout + verified.stderr)).toEqual([]);
  const verdict = await rowseal(['verify', config.folder, '--key', config.vkey, '--json']);
  expect(unclean(verdict.stdout)).toEqual([]);
});

const changes = () =>
  readTrail(config.folder).records.filter(({ line }) => line.includes('"kind":"change"')).length;

test('errors tell what was given on one line', async () => {
  const bad = 'x\u001b[2J\u0007\n\u202e\u009b';
  const ways = [
    [bad],
    ['show', bad],
    ['show', config.folder, `--${bad}`],
    ['status', '-c', bad],
    ['doctor', '-c', config.path, '--trail', bad],
    ['verify', config.folder, '--key', bad],
    ['verify', join(folder, bad)],
    ['keygen', '--out', join(folder, bad, 'x'), '--name', 'audit.example.com/x'],
    ['keygen', '--out', join(folder, 'x'), '--name', bad],
    ['demo', '--source', bad],
  ];
  for (const argv of ways) {
    const { code, stdout, stderr } = await rowseal(argv);
    expect(code, stderr).toBeGreaterThan(0);
    expect(unclean(stdout + stderr), argv.join(' ')).toEqual([]);
    expect((stdout + stderr).split('\n').length, stderr).toBeLessThan(16);
  }
});
