/** doctor and setup as a DBA uses them, on real servers: refusals, plan, second run, new tables, taking it all back. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../test/support/postgres.ts';
import { catalogSnapshot } from '../../../test/support/postgres-kit-stream.ts';
import type { Command } from '../../commands/command.ts';
import { doctorCommand } from '../../commands/doctor/index.ts';
import { createSetupCommand, setupCommand } from '../../commands/setup/index.ts';
import type { Check, Unchecked } from '../../source/preflight.ts';
import { signerOf } from '../../trail/note.ts';

const NAME = 'audit.example.com/shop';
const PASSWORD = 'a secret that no log may show';

describe.each([14, 16, 18])('doctor and setup on Postgres %i', (major) => {
  let server: TestServer;
  let admin: pg.Client;
  let folder: string;
  let config: string;

  beforeAll(async () => {
    server = await testServer({
      major,
      own: true,
      settings: { log_statement: 'all', log_min_duration_statement: '0' },
    });
    admin = await server.session();
    await admin.query(`
      create table orders (id int primary key, note text);
      create table keyless (id int, note text);
      create table parts (id int, note text, primary key (id)) partition by list (id);
      create table parts_1 partition of parts for values in (1);
      create unlogged table cache (id int primary key);
      create temporary table passing (id int)`);
    folder = await mkdtemp(join(tmpdir(), 'rowseal-doctor-'));
    await writeFile(join(folder, 'log.key'), `${signerOf(NAME, Buffer.alloc(32, 7)).text}\n`, {
      mode: 0o600,
    });
    await writeFile(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    await configure('{ match: "public.*" }');
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function configure(...tables: string[]): Promise<void> {
    const { port } = new URL(server.url);
    config = join(folder, 'rowseal.yaml');
    await writeFile(
      config,
      `store: { type: file, path: ./trails }
signer: { type: file, path: ./log.key }
trails:
  - name: ${NAME}
    source:
      type: postgres
      url: postgres://capture@127.0.0.1:${port}/postgres?sslmode=disable
      password_file: ./password
      accept_unbounded_wal: true
    tables: [${tables.join(', ')}]
`,
    );
  }

  async function run(command: Command, argv: string[], env: Record<string, string> = {}) {
    const stdout = new PassThrough();
    const chunks: string[] = [];
    stdout.on('data', (chunk) => chunks.push(String(chunk)));
    const io = { stdout, stderr: new PassThrough(), env, signal: new AbortController().signal };
    const status = await command.run(['-c', config, ...argv], io);
    return { status, text: chunks.join('') };
  }
  const setup = (...argv: string[]) => run(setupCommand, argv, { ROWSEAL_ADMIN_URL: server.url });
  const doctor = async (env: Record<string, string> = {}) => {
    const { status, text } = await run(doctorCommand, ['--json'], env);
    const { trails } = JSON.parse(text) as { trails: { checks: Check[]; unchecked: Unchecked[] }[] };
    const byId = new Map(trails[0]!.checks.map((each) => [each.id, each]));
    return { status, checks: trails[0]!.checks, unchecked: trails[0]!.unchecked, byId };
  };

  test('before setup: without an admin it says what it could not check; with one, what is missing', async () => {
    const alone = await doctor();
    expect(alone.status).toBe(2); // could not check
    expect(alone.unchecked).toHaveLength(1);
    expect(alone.byId.get('login.ordinary')).toMatchObject({ status: 'fail' });
    expect(alone.byId.get('key.file')?.what).toContain(NAME);
    expect(alone.byId.get('key.password_file')?.status).toBe('ok');
    const helped = await doctor({ ROWSEAL_ADMIN_URL: server.url });
    expect(helped.status).toBe(1);
    const failed = helped.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
    expect(failed).toEqual([
      'kit.installed',
      'table.public.cache.uncapturable',
      'table.public.keyless.refused',
    ]);
    expect(helped.byId.get('kit.installed')).toMatchObject({
      what: 'rowseal is not installed yet: 4 tables match',
      fix: `rowseal setup -c ${config}`,
    });
    expect(helped.byId.get('server.wal_keep')?.status).toBe('warn');
    expect(helped.byId.get('tables.matched')?.what).toMatch(/^4 tables match, 0/);
    expect(helped.byId.has('table.public.passing.unpublished')).toBe(false);
    const { text } = await run(doctorCommand, [], { ROWSEAL_ADMIN_URL: server.url });
    expect(text).toContain('ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL;');
    expect(text).not.toContain(PASSWORD);
  });

  test('an admin URL that leads elsewhere, or lets nobody in, is told as such', async () => {
    const { port } = new URL(server.url);
    const elsewhere = await doctor({
      ROWSEAL_ADMIN_URL: server.url.replace(/\/postgres(?=\?|$)/, '/template1'),
    });
    expect(elsewhere.unchecked[0]?.why).toBe(
      `ROWSEAL_ADMIN_URL (127.0.0.1:${port}/template1) is not the server of this trail (127.0.0.1:${port}/postgres)`,
    );
    const down = 'postgres://postgres@127.0.0.1:1/postgres?sslmode=disable';
    const env = { ROWSEAL_ADMIN_URL: down };
    await expect(run(setupCommand, ['--print'], env)).rejects.toMatchObject({
      code: 'source_unreachable',
      hint: 'See whether the server runs, and the host and port in ROWSEAL_ADMIN_URL.',
    });
    await admin.query(`create role dba superuser login password 'right'`);
    const as = (password: string) =>
      server.url.replace(/\/\/[^@]*@/, `//dba${password === '' ? '' : `:${password}`}@`);
    const attempt = (url: string) => run(setupCommand, ['--print'], { ROWSEAL_ADMIN_URL: url });
    try {
      await expect(attempt(as('wrong'))).rejects.toMatchObject({
        code: 'source_refused',
        hint: expect.stringContaining('is not the one of dba'),
      });
      await expect(attempt(as(''))).rejects.toMatchObject({
        code: 'source_refused',
        message: expect.stringContaining('asks for a password, and none is configured'),
        hint: expect.stringContaining('PGPASSWORD'),
      });
      const refused = await doctor({ ROWSEAL_ADMIN_URL: as('wrong') });
      expect(refused.unchecked[0]?.fix).not.toContain('doctor');
    } finally {
      await admin.query('drop role dba');
    }
  });

  test('setup refuses a table without a key, and then touches nothing', async () => {
    const before = await catalogSnapshot(admin);
    const { status, text } = await setup('--yes');
    expect(status).toBe(1);
    expect(text).toContain('refused  public.keyless: no key');
    expect(text).toContain('Nothing was changed.');
    expect(await catalogSnapshot(admin)).toBe(before);
    await configure(
      '{ match: "public.*" }',
      '{ match: public.keyless, replica_identity: full }',
      '{ match: public.cache, exclude: true }',
      '{ match: public.parts_1, context_trigger: true }',
    );
    await expect(setup()).rejects.toMatchObject({ code: 'usage' }); // no terminal, no --yes: not even asked
    expect(await catalogSnapshot(admin)).toBe(before);
  });

  test('setup installs, a second run changes nothing, new tables are added, and it all goes away again', async () => {
    const before = await catalogSnapshot(admin);
    const printed = await setup('--print');
    expect(printed.text).toContain('\\password "capture"');
    expect(printed.text).not.toContain('SCRAM-SHA-256$');
    expect(await catalogSnapshot(admin)).toBe(before);

    const first = await setup('--yes');
    expect(first.status).toBe(0);
    const installed = await catalogSnapshot(admin);
    const second = await setup('--yes');
    expect(second).toEqual({ status: 0, text: 'Nothing to do: everything is installed.\n' });
    expect(await catalogSnapshot(admin)).toBe(installed);
    // The application goes on, on every table.
    await admin.query(`insert into keyless values (1, 'a'); update keyless set note = 'b'; delete from keyless;
      insert into parts values (1, 'a'); update parts set note = 'b'; delete from parts`);

    const well = await doctor();
    expect(well.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(well.status).toBe(0);
    expect(well.byId.get('login.logical')?.status).toBe('ok');
    // initdb's pg_hba.conf has replication lines for this machine: the doctor tries, and tells.
    expect(well.byId.get('login.physical')).toMatchObject({ status: 'warn' });
    expect(well.byId.get('login.physical')?.fix).toContain('reject');

    // With an admin's eyes it names the lines that allow it.
    const seen = await doctor({ ROWSEAL_ADMIN_URL: server.url });
    expect(seen.byId.get('login.physical')?.why).toMatch(/line \d+: host replication all 127\.0\.0\.1/);
    await admin.query(`create table later (id int primary key, twice int generated always as (id * 2) stored);
      create table parts_2 partition of parts for values in (2)`);
    const grown = await doctor();
    expect(grown.status).toBe(1);
    expect(grown.byId.get('table.public.later.unpublished')?.fix).toBe(
      'ALTER PUBLICATION "rowseal" ADD TABLE ONLY "public"."later";',
    );
    const third = await setup('--yes');
    expect(third.text).toContain('done     public.later: publish');
    expect(third.text).toContain('done     public.parts_2: publish');
    expect((await doctor()).status).toBe(0);
    await admin.query('drop table later, parts_2');

    const removed = await run(
      createSetupCommand({ sealUninstalled: async () => 17 }),
      ['--uninstall', '--yes'],
      { ROWSEAL_ADMIN_URL: server.url },
    );
    expect(removed.status).toBe(0);
    expect(removed.text).toContain('seal 17');
    expect(JSON.parse(await catalogSnapshot(admin))).toEqual(JSON.parse(before));
    expect((await setup('--uninstall', '--yes')).text).toBe('Nothing of rowseal is here.\n');
    await expect(admin.query(`select 'capture'::regrole`)).rejects.toThrow();
  });

  test('the password never reaches the log of the server, and the daemon can log in with it', async () => {
    await setup('--yes');
    const { readFile } = await import('node:fs/promises');
    const log = await readFile(join(server.embedded!.dir, 'server.log'), 'utf8');
    expect(log.includes('SCRAM-SHA-256$4096:')).toBe(true);
    expect(log.includes(PASSWORD)).toBe(false);
    await writeFile(join(folder, 'password'), 'another\n');
    expect((await doctor()).byId.get('login.ordinary')?.status).toBe('fail');
    const changed = await setup('--yes');
    expect(changed.text).toBe(
      'will do  role capture: its password, as a SCRAM verifier\ndone     role capture: its password, as a SCRAM verifier\n',
    );
    expect((await doctor()).status).toBe(0);
  });

  test('a table that is locked by somebody is not waited for, and the next run goes on', async () => {
    await admin.query('create table busy (id int primary key)');
    const other = await server.session();
    await other.query('begin; lock table busy');
    await expect(setup('--yes')).rejects.toMatchObject({
      code: 'source_misconfigured',
      hint: expect.stringContaining('again'),
    });
    await other.query('rollback');
    expect((await setup('--yes')).status).toBe(0);
    await admin.query('drop table busy');
  });

  test('each thing that somebody spoils is found', async () => {
    const spoiled: [string, string, string][] = [
      [`drop event trigger rowseal_drop`, 'kit.event_triggers', 'setup'],
      [`alter event trigger rowseal_ddl disable`, 'kit.event_triggers', 'setup'],
      [`grant execute on all functions in schema pg_catalog to public`, 'kit.forging', 'setup'],
      [`revoke execute on function rowseal.heartbeat() from capture`, 'kit.heartbeat', 'setup'],
      [
        `create or replace function rowseal.trailing_comment(given text) returns text language sql as $$ select null $$`,
        'kit.functions',
        'setup',
      ],
      [`alter function rowseal.on_ddl() volatile`, 'kit.functions', 'setup'],
      [`update rowseal.kit set version = 1`, 'kit.installed', 'setup'],
      [`alter role capture noreplication`, 'role.replication', 'setup'],
      [`alter table parts_1 disable trigger rowseal_context_before`, 'table.public.parts_1.trigger', 'setup'],
      [`alter table keyless replica identity default`, 'table.public.keyless.identity', 'setup'],
      [`alter publication rowseal drop table orders`, 'table.public.orders.unpublished', 'setup'],
      [`alter publication rowseal set (publish = 'insert')`, 'publication.actions', 'setup'],
      [`alter publication rowseal set (publish_via_partition_root = true)`, 'publication.root', 'setup'],
    ];
    for (const [sql, id] of spoiled) {
      await admin.query(sql);
      const ill = await doctor({ ROWSEAL_ADMIN_URL: server.url });
      expect(ill.byId.get(id), sql).toMatchObject({ status: 'fail' });
      expect(ill.byId.get(id)?.fix, sql).not.toBe('');
      expect((await setup('--yes')).status, sql).toBe(0);
      expect((await doctor()).status, sql).toBe(0);
    }
  });

  test('what would break the application is refused: keyless, FULL with generated columns, wide publications', async () => {
    await admin.query('create table g (id int, twice int generated always as (id * 2) stored)');
    await admin.query('alter publication rowseal add table g');
    expect((await doctor()).byId.get('table.public.g.breaks')).toMatchObject({ status: 'fail' });
    expect((await setup('--yes')).status).toBe(1);
    await admin.query('alter table g replica identity full');
    if (major === 18) {
      await admin.query('alter publication rowseal set (publish_generated_columns = none)');
      expect((await doctor()).byId.get('table.public.g.breaks')?.why).toContain('stored generated column');
      expect((await setup('--yes')).status).toBe(0); // which publishes them
      await admin.query('alter table g add column thrice int generated always as (id * 3) virtual');
      expect((await doctor()).byId.get('table.public.g.breaks')?.why).toContain('virtual generated column');
      expect((await setup('--yes')).text).toContain('refused  public.g: a virtual generated column');
    }
    await admin.query('insert into g values (1)');
    if (major < 18) await admin.query('update g set id = 2');
    await admin.query('drop table g');
    await admin.query('drop publication rowseal; create publication rowseal for all tables');
    expect((await doctor()).byId.get('publication.list')?.status).toBe('fail');
    expect((await setup('--yes')).text).toContain('refused  the publication: FOR ALL TABLES');
    await admin.query('drop publication rowseal');
    expect((await setup('--yes')).status).toBe(0);
  });

  test('a slot without a trail, a slot in use, an unbounded WAL', async () => {
    await admin.query(`select pg_create_logical_replication_slot('rowseal', 'pgoutput')`);
    const orphan = await doctor();
    expect(orphan.byId.get('trail.head')).toMatchObject({ status: 'fail' });
    const stream = new pg.Client({
      connectionString: server.url,
      replication: 'database',
    } as pg.ClientConfig);
    stream.on('error', () => undefined);
    await stream.connect();
    stream
      .query(`START_REPLICATION SLOT rowseal LOGICAL 0/0 (proto_version '1', publication_names 'rowseal')`)
      .catch(() => undefined);
    const fits = async () => (await doctor()).byId.get('slot.fits')?.what;
    await eventually(fits, (what) => expect(what).toContain(', in use'));
    const refused = await setup('--uninstall', '--yes');
    expect(refused).toMatchObject({ status: 1, text: expect.stringContaining('Stop rowseal run first.') });
    (stream as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await eventually(fits, (what) => expect(what).toContain('not in use'));
    const removed = await setup('--uninstall', '--yes');
    expect(removed.text).toContain('there is no trail yet whose end could be sealed');
    expect(removed.text).toMatch(/\d+ bytes of the server's log lie behind the last seal/);
    expect((await admin.query('select from pg_replication_slots')).rows).toEqual([]);
  });
});
