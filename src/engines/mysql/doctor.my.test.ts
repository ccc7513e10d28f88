/** doctor and setup as a DBA uses them, on real MySQL and MariaDB: refusals, plan, second run, mending, taking it all back. */
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestMysql, testMysql } from '../../../test/support/mysql.ts';
import { eventually, until } from '../../../test/support/patience.ts';
import type { Command } from '../../commands/command.ts';
import { doctorCommand } from '../../commands/doctor/index.ts';
import { runCommand } from '../../commands/run/index.ts';
import { createSetupCommand, setupCommand } from '../../commands/setup/index.ts';
import { statusCommand } from '../../commands/status/index.ts';
import type { TrailStatus } from '../../commands/status/judge.ts';
import { statementsOf } from '../../source/mysql/kit/script.ts';
import { createThreads } from '../../source/mysql/sessions/threads.ts';
import { readCapture } from '../../source/mysql/watch/settings.ts';
import { parseMysqlUrl } from '../../source/mysql/wire/connection.ts';
import { readFacts } from '../../source/mysql/wire/server.ts';
import { connectSession, leave } from '../../source/mysql/wire/sessions.ts';
import type { Check, Unchecked } from '../../source/preflight.ts';
import { signerOf } from '../../trail/note.ts';

const NAME = 'audit.example.com/shop';
const PASSWORD = 'a secret that no log may show';
const LONG = 'a_table_whose_name_is_as_long_as_the_server_lets_a_name_be_64_ch';

describe.each(['mysql', 'mariadb'] as const)('doctor and setup on %s', (flavor) => {
  let server: TestMysql;
  let folder: string;
  let config: string;

  beforeAll(async () => {
    server = await testMysql({
      flavor,
      own: true,
      settings: ['general-log=ON', `general-log-file=general.log`, 'log-output=TABLE'],
    });
    await server.sql(`
      create database shop;
      create table shop.orders (id int primary key, note varchar(50));
      create table shop.lines (id int primary key, order_id int,
        constraint of_order foreign key (order_id) references shop.orders (id) on delete cascade);
      create table shop.keyless (note varchar(50));
      create table shop.\`${LONG}\` (id int primary key);
      create table test.elsewhere (id int primary key);
      create user app@'%' identified by 'app';
      grant select, insert, update, delete, execute on shop.* to app@'%';
      grant select, insert, update, delete on test.* to app@'%'`);
    folder = await mkdtemp(join(tmpdir(), 'rowseal-doctor-'));
    await writeFile(join(folder, 'log.key'), `${signerOf(NAME, Buffer.alloc(32, 7)).text}\n`, {
      mode: 0o600,
    });
    await writeFile(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    await configure();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true });
  });

  const SHOP = '{ match: "shop.*", context_trigger: true }';
  async function configure(tables: string = SHOP, source: Record<string, string> = {}): Promise<void> {
    const members = {
      type: flavor,
      url: `"mysql://capture@127.0.0.1:${server.port}/?ssl-ca=${server.caFile}"`,
      password_file: './password',
      server_id: '4242',
      context_accounts: '["app@%"]',
      longest_outage: '1d',
      ...source,
    };
    const lines = Object.entries(members).map(([name, value]) => `      ${name}: ${value}\n`);
    config = join(folder, 'rowseal.yaml');
    await writeFile(
      config,
      `store: { type: file, path: ./trails }
signer: { type: file, path: ./log.key }
trails:
  - name: ${NAME}
    source:
${lines.join('')}    tables: [${tables}]
`,
    );
  }

  const adminUrl = () => `${server.urlFor({ database: '' })}?ssl-ca=${server.caFile}`;
  async function run(command: Command, argv: string[], env: Record<string, string> = {}) {
    const stdout = new PassThrough();
    const chunks: string[] = [];
    stdout.on('data', (chunk) => chunks.push(String(chunk)));
    const io = { stdout, stderr: new PassThrough(), env, signal: new AbortController().signal };
    const status = await command.run(['-c', config, ...argv], io);
    return { status, text: chunks.join('') };
  }
  const setup = (...argv: string[]) => run(setupCommand, argv, { ROWSEAL_ADMIN_URL: adminUrl() });
  const doctor = async (env: Record<string, string> = {}) => {
    const { status, text } = await run(doctorCommand, ['--json'], env);
    const { trails } = JSON.parse(text) as { trails: { checks: Check[]; unchecked: Unchecked[] }[] };
    const { checks, unchecked } = trails[0]!;
    const byId = new Map(checks.map((each) => [each.id, each]));
    const failed = checks.filter((each) => each.status === 'fail').map(({ id }) => id);
    return { status, checks, unchecked, byId, failed };
  };
  const helped = () => doctor({ ROWSEAL_ADMIN_URL: adminUrl() });
  const as = (user: string, password = user) => server.session({ user, password, database: 'shop' });
  const triggers = async () =>
    (
      await server.sql(
        `select concat(event_object_table, ' ', event_manipulation, ' ', trigger_name) as t from information_schema.triggers
          where trigger_schema = 'shop' order by event_object_table, action_order, 1`,
      )
    ).map(({ t }) => t);

  test('before setup: without an admin it says what it could not check; with one, what is missing', async () => {
    const alone = await doctor();
    expect(alone.status).toBe(2);
    expect(alone.unchecked).toEqual([expect.objectContaining({ why: 'no login to ask through' })]);
    expect(alone.byId.get('login.ordinary')).toMatchObject({ status: 'fail' });
    const asked = await helped();
    expect(asked.failed).toEqual(['kit.installed']);
    expect(asked.byId.get('kit.installed')).toMatchObject({
      what: 'rowseal is not installed yet: 4 tables match',
      fix: `rowseal setup -c ${config}`,
    });
    expect(asked.byId.get('tables.matched')?.what).toBe('4 tables match, 1 of them without a primary key');
    expect(asked.byId.get('server.sql_log_bin')?.what).toMatch(/'root'@/);
    for (const id of ['binlog_format', 'binlog_row_metadata', 'binlog_row_image', 'binlog_checksum'])
      expect(asked.byId.get(`binlog.${id.slice(7)}`)?.status ?? 'ok', id).toBe('ok');
    const { text } = await run(doctorCommand, [], { ROWSEAL_ADMIN_URL: adminUrl() });
    expect(text).not.toContain(PASSWORD);
  });

  test('foreign keys that cascade: each is named with what mends it, unless the server logs what they change', async () => {
    const { byId } = await helped();
    if (flavor === 'mysql') {
      expect(byId.get('foreign_keys.cascades')).toMatchObject({
        status: 'ok',
        what: expect.stringMatching(/^1 cascade/),
      });
      return;
    }
    const found = byId.get('foreign_key.shop.lines.of_order');
    expect(found).toMatchObject({
      status: 'warn',
      what: 'shop.lines: of_order ON DELETE CASCADE, from shop.orders',
    });
    const [mend = ''] = found!.fix.split(' -- ');
    await server.sql(mend);
    expect((await helped()).byId.has('foreign_key.shop.lines.of_order')).toBe(false);
    await server.sql(`alter table shop.lines drop foreign key of_order;
      alter table shop.lines add constraint of_order foreign key (order_id) references shop.orders (id) on delete cascade`);
  });

  test('a trigger of somebody else that bears our name is refused, and nothing is touched', async () => {
    await server.sql(
      `create trigger shop.rowseal_i_orders before insert on shop.orders for each row set new.note = 'theirs'`,
    );
    try {
      const { status, text } = await setup('--yes');
      expect(status).toBe(1);
      expect(text).toContain('the trigger rowseal_i_orders bears a name of ours, and is somebody else’s');
      expect(text).toContain('Nothing was changed.');
      expect(
        await server.sql(`select 1 from information_schema.schemata where schema_name = 'rowseal'`),
      ).toEqual([]);
    } finally {
      await server.sql('drop trigger shop.rowseal_i_orders');
    }
  });

  test('a configuration for the other kind of server, and replica_identity, are refused in clear words', async () => {
    await configure(SHOP, { type: flavor === 'mysql' ? 'mariadb' : 'mysql' });
    const { text } = await setup('--print');
    expect(text).toContain(`source: { type: ${flavor}, … }`);
    expect((await helped()).byId.get('server.version')?.status).toBe('fail');
    await configure('{ match: "shop.*", replica_identity: full }');
    await expect(setup('--print')).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('tables[0].replica_identity'),
    });
    await configure();
  });

  test('an account of context_accounts that does not exist: doctor says so, setup refuses all of it', async () => {
    await configure(SHOP, { context_accounts: `["app@%", "nobody@10.0.0.4"]` });
    const found = (await helped()).byId.get(`kit.account.'nobody'@'10.0.0.4'`);
    expect(found).toMatchObject({
      status: 'fail',
      what: `the account 'nobody'@'10.0.0.4' does not exist`,
      fix: `CREATE USER 'nobody'@'10.0.0.4' IDENTIFIED BY '…'; -- or correct context_accounts`,
    });
    const { status, text } = await setup('--yes');
    expect(status).toBe(1);
    expect(text).toContain(`refused  context_accounts: 'nobody'@'10.0.0.4': there is no such account`);
    expect(text).toContain('Nothing was changed.');
    expect(
      await server.sql(`select 1 from information_schema.schemata where schema_name = 'rowseal'`),
    ).toEqual([]);
    await configure();
  });

  test('a wrong password of the admin says where it comes from', async () => {
    const url = new URL(adminUrl());
    url.password = '';
    for (const [password, hint] of [
      ['wrong', /^See the password in MYSQL_PWD \(or ROWSEAL_ADMIN_URL\)/],
      ['', /^No password was given for root/],
    ] as const) {
      const env = { ROWSEAL_ADMIN_URL: url.href, MYSQL_PWD: password };
      await expect(run(setupCommand, ['--print'], env)).rejects.toMatchObject({
        code: 'source_refused',
        hint: expect.stringMatching(hint),
      });
      expect((await doctor(env)).unchecked).toEqual([
        expect.objectContaining({ fix: expect.stringMatching(hint) }),
      ]);
    }
  });

  test('--print gives SQL for the command line, without a hash, and changes nothing', async () => {
    const { status, text } = await setup('--print');
    expect(status).toBe(0);
    expect(text).toContain(
      'CREATE DEFINER = rowseal_owner@localhost TRIGGER `shop`.`rowseal_i_orders` AFTER INSERT',
    );
    expect(text).toContain(`'capture'@'%'`);
    expect(text).not.toMatch(/\$A\$|\*[0-9A-F]{40}/);
    expect(statementsOf(text).length).toBeGreaterThan(30);
    expect(
      await server.sql(`select 1 from information_schema.schemata where schema_name = 'rowseal'`),
    ).toEqual([]);
  });

  test('setup installs; a second run has nothing to do; what was there is respected', async () => {
    await server.sql(`create trigger shop.mine after insert on shop.orders for each row set @mine = new.id`);
    const first = await setup('--yes');
    expect(first.text).toContain('done     shop.orders: context triggers AFTER INSERT, UPDATE, DELETE');
    expect(first.status).toBe(0);
    expect((await setup('--yes')).text).toContain('Nothing to do: everything is installed.');
    const found = await triggers();
    expect(found).toHaveLength(4 * 3 + 1);
    expect(found.filter((each) => each?.startsWith('orders INSERT'))).toEqual([
      'orders INSERT mine',
      'orders INSERT rowseal_i_orders',
    ]);
    expect(found.filter((each) => each?.startsWith('a_table'))).toEqual([
      expect.stringMatching(/ DELETE rowseal_d_a_table_.*_[0-9a-f]{8}$/),
      expect.stringMatching(/ INSERT rowseal_i_a_table_.*_[0-9a-f]{8}$/),
      expect.stringMatching(/ UPDATE rowseal_u_a_table_.*_[0-9a-f]{8}$/),
    ]);
  });

  test('the password never reaches the logs of the server, and the account can log in with it', async () => {
    const logged = await server.sql(`select convert(argument using utf8mb4) as said from mysql.general_log`);
    expect(logged.length).toBeGreaterThan(20);
    expect(logged.filter(({ said }) => said?.includes('no log may show'))).toEqual([]);
    const files = await server.sql('show binary logs');
    for (const { Log_name: file } of files) {
      const events = await server.sql(`show binlog events in '${file}'`);
      expect(events.filter(({ Info: info }) => info?.includes('no log may show'))).toEqual([]);
      if (file === files.at(-1)?.['Log_name'])
        expect(events.some(({ Info: info }) => /ALTER USER 'capture'/i.test(info ?? ''))).toBe(true);
    }
    const { byId } = await doctor();
    expect(byId.get('login.ordinary')).toMatchObject({ status: 'ok', what: 'capture logs in as capture@%' });
  });

  test('afterwards the capture account sees by itself that all is well, and may do nothing else', async () => {
    const { failed, unchecked, byId } = await doctor();
    expect(failed).toEqual([]);
    expect(unchecked).toEqual([]);
    expect(byId.get('kit.procedures')).toMatchObject({
      status: 'ok',
      what: 'its procedures are the shipped ones',
    });
    expect(byId.get('tables.matched')?.what).toMatch(/^4 tables match/);
    expect(byId.get('account.reads')?.status).toBe('ok');
    expect(byId.get('account.lookups')?.status).toBe('ok');
    expect(byId.get('server.unseen')?.status).toBe('warn');
    const asked = await helped();
    expect(asked.failed).toEqual([]);
    expect(asked.byId.get('kit.forging')?.what).toMatch(/'root'@/);
    expect(asked.byId.has('kit.callers')).toBe(false);

    const capture = await connectSession(
      parseMysqlUrl(`mysql://capture@127.0.0.1:${server.port}/?ssl-ca=${server.caFile}`, PASSWORD),
    );
    for (const no of [
      'select * from shop.orders',
      'insert into shop.orders values (99, null)',
      'create table rowseal.x (id int)',
      'insert into rowseal.context (id) values (1)',
      `call rowseal.set_context('{}')`,
      'set global binlog_format = MIXED',
      'set sql_log_bin = 0',
      'select processlist_info from performance_schema.threads',
      `select ${flavor === 'mysql' ? 'query_sample_text' : '*'} from performance_schema.events_statements_summary_by_digest`,
    ])
      await expect(capture.query(no), no).rejects.toMatchObject({ errno: expect.any(Number) });
    // What the daemon looks up there is granted, column by column.
    const side = { query: capture.query, close: async () => {} };
    const facts = await readFacts(side);
    expect(await readCapture(side, facts, null, null)).toMatchObject({ logBinUses: expect.any(Number) });
    const threads = createThreads({ side, facts, clock: Date.now });
    // Right after a start nobody is looked up: the number may be of a session before it.
    const find = async () => threads.find(capture.threadId, Date.now());
    await eventually(find, (owner) => expect(owner).toMatchObject({ login: 'capture@127.0.0.1' }));
    expect(threads.problem()).toBeNull();
    await leave(capture);
  });

  test('whole tables of performance_schema, as setup granted them once, serve too; doctor takes them back', async () => {
    const tables = ['threads', 'session_connect_attrs', 'events_statements_summary_by_digest'];
    for (const table of tables) {
      await server.sql(`revoke select on performance_schema.${table} from capture@'%'`);
      if (table !== 'threads') await server.sql(`grant select on performance_schema.${table} to capture@'%'`);
    }
    expect((await doctor()).byId.get('account.lookups')).toMatchObject({ status: 'warn' });
    await server.sql(`grant select on performance_schema.threads to capture@'%'`);
    const wide = await doctor();
    expect(wide.byId.get('account.lookups')?.status).toBe('ok');
    const found = wide.byId.get('account.wide_lookups');
    expect(found).toMatchObject({
      status: 'warn',
      what: `'capture'@'%' may read all of performance_schema.threads, .events_statements_summary_by_digest`,
    });
    expect((await setup('--yes')).text).toContain('Nothing to do: everything is installed.');
    await server.sql(found!.fix);
    const mended = await doctor();
    expect(mended.byId.has('account.wide_lookups')).toBe(false);
    expect(mended.byId.get('account.lookups')?.status).toBe('ok');
  });

  test('the application writes as before, and cannot write what our triggers write', async () => {
    const app = await as('app');
    await app.query(`insert into orders values (1, 'a'), (2, 'b')`);
    await app.query(`update orders set note = 'c'`);
    await app.query('delete from orders where id = 2');
    await app.query(`insert into \`${LONG}\` values (1)`);
    for (const no of [
      'call rowseal.emit_session()',
      `call rowseal.emit('session', null, 'x')`,
      `insert into rowseal.context (kind) values ('x')`,
    ])
      await expect(app.query(no), no).rejects.toMatchObject({ errno: expect.any(Number) });
  });

  // A grant of a table goes by its name: renamed, its triggers lost their right, and every write failed.
  test('a renamed table can still be written to', async () => {
    const app = await as('app');
    await server.sql('rename table shop.orders to shop.orders_kept');
    await app.query(`insert into orders_kept values (7, 'renamed')`);
    await app.query('delete from orders_kept where id = 7');
    await server.sql('rename table shop.orders_kept to shop.orders');
  });

  test('run seals what the application writes; status tells of both, before, during and after', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await appendFile(
      config,
      `metrics: { listen: "127.0.0.1:${port}" }\nseal: { max_age: 100ms, idle: 500ms }\n`,
    );
    const stopping = new AbortController();
    const status = async () => {
      const { status, text } = await run(statusCommand, ['--json']);
      return { status, trail: (JSON.parse(text) as { trails: TrailStatus[] }).trails[0]! };
    };
    const before = await status();
    expect(before).toMatchObject({ status: 1, trail: { head: null, binlog: { streaming: false } } });
    expect(before.trail.problems).toEqual([expect.stringContaining('no trail yet')]);

    const daemon = runCommand.run(['-c', config, '--log-level', 'warn'], {
      stdout: new PassThrough().resume(),
      stderr: new PassThrough(),
      env: {},
      signal: stopping.signal,
    });
    daemon.catch(() => undefined);
    const shows = async (done: (now: Awaited<ReturnType<typeof status>>) => boolean) => {
      let now = await status();
      const isDone = async () => {
        now = await status();
        return done(now);
      };
      await until(isDone, undefined, 100, () => `${done}; status stays ${JSON.stringify(now)}`);
      return now;
    };
    await shows(({ trail }) => trail.daemon?.state === 'streaming' && trail.head !== null);
    const app = await as('app');
    await app.query(`insert into orders values (50, 'x'), (51, 'y')`);
    const during = await shows(({ trail }) => trail.recent?.changes === 2 && trail.lag?.transactions === 0);
    expect(during).toMatchObject({ status: 0, trail: { problems: [], binlog: { streaming: true } } });
    expect(during.trail.recent?.tiers).toMatchObject({ connection: 2 });
    const { text } = await run(statusCommand, []);
    expect(text).toMatch(/^ {2}lag {10}0 transactions, \d+ s; the server is at /m);
    expect(text).toMatch(/^ {2}binlog {7}is streamed; \d+ files, /m);
    expect((await doctor()).byId.get('server.id')?.what).toContain(
      flavor === 'mysql' ? 'ours, and in use' : 'replicas are not shown',
    );
    expect((await helped()).byId.get('server.id')?.what).toContain('ours, and in use');
    // It would seal the end under the daemon, which then ends with trail_forked.
    const early = await setup('--uninstall', '--yes');
    expect(early).toMatchObject({ status: 1, text: expect.stringContaining('Stop the daemon first') });
    expect(early.text).toMatch(/^refused {2}a daemon streams from the server/m);
    expect(early.text).toContain('note     everything that was committed so far is sealed');
    await app.query(`insert into orders values (53, 'still captured')`);
    await shows(({ trail }) => trail.recent?.changes === 3 && trail.lag?.transactions === 0);
    stopping.abort();
    expect(await daemon).toBe(0);
    const left = await setup('--uninstall', '--print');
    expect(left.text).not.toContain('REFUSED');
    expect(left.text).toContain('-- NOTE everything that was committed so far is sealed');

    await app.query(`insert into orders values (52, 'z')`);
    const after = await shows(
      ({ trail }) => trail.binlog !== 'unknown' && trail.binlog?.['streaming'] === false,
    );
    expect(after.trail.lag?.transactions).toBe(1);
    expect((await setup('--uninstall', '--print')).text).toContain(
      '-- NOTE 1 transaction behind the last seal will not be in the trail. To seal it, ',
    );
    expect(after.trail.problems).toEqual([expect.stringContaining('nobody streams from the server')]);
    expect((await doctor()).byId.get('trail.head')?.status).toBe('ok');
    if (flavor === 'mysql') {
      await server.sql('flush binary logs');
      const files = await server.sql('show binary logs');
      await server.sql(`purge binary logs to '${files.at(-1)?.['Log_name']}'`);
      expect((await status()).trail.problems).toContainEqual(
        expect.stringMatching(/^the binary logs with .* were removed;/),
      );
      expect((await doctor()).byId.get('trail.head')).toMatchObject({
        status: 'fail',
        fix: expect.stringContaining('--accept-gap='),
      });
    }
    await rm(join(folder, 'trails'), { recursive: true });
    await configure();
  });

  test('an altered procedure is found, and mended without a caller losing its grant', async () => {
    await server.sql('drop procedure rowseal.set_context');
    await server.sql(
      `create definer = rowseal_owner@localhost procedure rowseal.set_context(context longtext) sql security definer begin end`,
    );
    await server.sql(`grant execute on procedure rowseal.set_context to app@'%'`);
    await server.sql('drop trigger shop.rowseal_u_orders');
    const { failed, byId } = await doctor();
    expect(failed).toEqual(['kit.procedures', 'table.shop.orders.trigger']);
    expect(byId.get('kit.procedures')?.what).toBe('not the shipped ones: set_context');
    expect((await setup('--yes')).status).toBe(0);
    expect((await helped()).failed).toEqual([]);
    const app = await as('app');
    await app.query(`call rowseal.set_context('{"actor":{"type":"user","id":"u_1"}}')`);
  });

  test('a new table is what the next run adds; its trigger is missing until then', async () => {
    await server.sql('create table shop.later (id int primary key)');
    expect((await doctor()).failed).toEqual(['table.shop.later.trigger']);
    const { text } = await setup('--yes');
    expect(text.match(/^will do/gm)).toHaveLength(1);
    expect((await doctor()).failed).toEqual([]);
  });

  // Our trigger on such a table made the application's writes fail, where GTIDs are enforced.
  test('a context trigger on a table that takes no part in transactions: doctor names it, setup breaks no writes', async () => {
    await server.sql('create table shop.old (id int primary key) engine=MyISAM');
    try {
      const { byId } = await helped();
      const { status } = await setup('--yes');
      if (flavor === 'mysql') {
        expect(byId.get('table.shop.old.engine')).toMatchObject({
          status: 'fail',
          why: expect.stringContaining('1785'),
        });
        expect(status).toBe(1);
        expect((await triggers()).filter((each) => each?.startsWith('old '))).toEqual([]);
      } else {
        expect(byId.get('table.shop.old.engine')).toMatchObject({ status: 'warn' });
        expect(status).toBe(0);
      }
      await server.sql('insert into shop.old values (1)');
    } finally {
      await server.sql('drop table shop.old');
    }
  });

  test('without TLS, an account with REQUIRE SSL is refused in the words of a wrong password: that is said', async () => {
    await configure(SHOP, { url: `"mysql://capture@127.0.0.1:${server.port}/?ssl-mode=DISABLED"` });
    const { byId } = await doctor();
    expect(byId.get('login.ordinary')).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('REQUIRE SSL'),
    });
    await configure();
  });

  test('settings that lose changes are found, and what doctor says mends them', async () => {
    await server.sql(`set global binlog_row_metadata = MINIMAL; set global binlog_row_image = MINIMAL`);
    const { byId, failed } = await doctor();
    expect(failed).toEqual(['binlog.row_metadata', 'binlog.row_image']);
    for (const id of ['binlog.row_metadata', 'binlog.row_image']) await server.sql(byId.get(id)!.fix);
    await server.sql('set global binlog_expire_logs_seconds = 3600');
    const short = await doctor();
    expect(short.failed).toEqual(['binlog.retention']);
    expect(short.byId.get('binlog.retention')?.what).toBe(
      'binlogs are kept for 1.0 h; longest_outage is 1 d',
    );
    await server.sql(short.byId.get('binlog.retention')!.fix);
    expect((await doctor()).failed).toEqual([]);
    const [{ id } = {}] = await server.sql('select @@global.server_id as id');
    await configure(SHOP, { server_id: id! });
    expect((await doctor()).byId.get('server.id')).toMatchObject({ status: 'fail' });
    await configure();
  });

  test('--uninstall takes it all back: schema, triggers and accounts of ours; writes go on', async () => {
    const command = createSetupCommand({ sealUninstalled: async () => 17 });
    const { status, text } = await run(command, ['--uninstall', '--yes'], { ROWSEAL_ADMIN_URL: adminUrl() });
    expect(text).toContain('sealed the end of the trail: seal 17');
    expect(text).toContain(`applications that call rowseal.set_context will fail: 'app'@'%'`);
    expect(status).toBe(0);
    expect(await triggers()).toEqual(['orders INSERT mine']);
    expect(
      await server.sql(`select user from mysql.user where user in ('capture', 'rowseal_owner')
        union select schema_name from information_schema.schemata where schema_name = 'rowseal'`),
    ).toEqual([]);
    expect(await server.sql(`select * from mysql.procs_priv where Db = 'rowseal'`)).toEqual([]);
    const granted = await server.sql(`show grants for app@'%'`);
    expect(granted.filter((row) => /rowseal/.test(JSON.stringify(row)))).toEqual([]);
    const app = await as('app');
    await app.query(`insert into orders values (7, 'after')`);
    const again = await run(command, ['--uninstall', '--yes'], { ROWSEAL_ADMIN_URL: adminUrl() });
    expect(again.text).toContain('Nothing of rowseal is here.');
  });
});

// Nothing could be asked then, and the hint named doctor, which it came from.
test.each(['mysql', 'mariadb'] as const)(
  'a server without binary log: one finding, all else is looked at: %s',
  async (flavor) => {
    await using server = await testMysql({
      flavor,
      own: true,
      settings: ['skip-log-bin', 'binlog-row-metadata=MINIMAL'],
    });
    const folder = await mkdtemp(join(tmpdir(), 'rowseal-doctor-'));
    try {
      const config = join(folder, 'rowseal.yaml');
      const tls = `ssl-ca=${server.caFile}`;
      await writeFile(join(folder, 'log.key'), `${signerOf(NAME, Buffer.alloc(32, 7)).text}\n`, {
        mode: 0o600,
      });
      await writeFile(
        config,
        `store: { type: file, path: ./trails }
signer: { type: file, path: ./log.key }
trails:
  - name: ${NAME}
    source: { type: ${flavor}, url: "mysql://capture:x@127.0.0.1:${server.port}/?${tls}", server_id: 4242 }
    tables: [{ match: "test.*" }]
`,
      );
      const run = async (command: Command, ...argv: string[]) => {
        const stdout = new PassThrough();
        const chunks: string[] = [];
        stdout.on('data', (chunk) => chunks.push(String(chunk)));
        const env = { ROWSEAL_ADMIN_URL: `${server.urlFor({ database: '' })}?${tls}` };
        const io = { stdout, stderr: new PassThrough(), env, signal: new AbortController().signal };
        return { status: await command.run(['-c', config, ...argv], io), text: chunks.join('') };
      };
      await server.sql('create table test.t (id int primary key)');
      const asked = await run(doctorCommand, '--json');
      const { trails } = JSON.parse(asked.text) as { trails: { checks: Check[]; unchecked: Unchecked[] }[] };
      const { checks, unchecked } = trails[0]!;
      expect(unchecked).toEqual([]);
      expect(checks.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual([
        'binlog.log_bin',
        'binlog.row_metadata',
        'kit.installed',
      ]);
      expect(checks.find(({ id }) => id === 'binlog.log_bin')).toMatchObject({
        what: 'the server writes no binary log',
        fix: expect.stringMatching(/^my\.cnf: log_bin = .* restart the server$/),
      });
      const refused = await run(setupCommand, '--yes');
      expect(refused.status).toBe(1);
      expect(refused.text).toMatch(/^refused {2}the server writes no binary log: .*\n {9}my\.cnf: log_bin/m);
      expect((await run(setupCommand, '--uninstall', '--yes')).text).toContain('Nothing of rowseal is here.');
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
