/**
 * What a redaction names is renamed. The values stood in the trail in the clear, under a lock that nobody can take off,
 * and health was green; now the trail stops before the first of them, and goes on where the configuration follows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrailConfig, rowseal, writeConfig } from '../../../test/support/daemon.ts';
import { type RunningTrail, startTrail } from '../../../test/support/in-process.ts';
import * as patience from '../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../test/support/postgres.ts';
import { foundIn } from '../../../test/support/trail-bytes.ts';
import { readTrail } from '../../../test/support/trail-reader.ts';
import type { Check } from '../../source/preflight.ts';

// biome-ignore lint/suspicious/noExplicitAny: records of every kind, looked into by tests
type AnyRecord = { readonly [name: string]: any };

const ALL = { match: 'public.*' };
const PAYMENTS = { match: 'public.payments', columns: { card_number: 'mask' } };
/** Long enough that no look comes by itself. */
const NEVER_MS = 600_000;

let server: TestServer;
let shops = 0;

/** A database of its own with a publication of everything, and a trail's configuration. */
async function startShop(sql: string, tables: readonly object[]) {
  const name = `shop${++shops}`;
  await server.sql(`create database ${name}`);
  const session = await server.session(name);
  await session.query(sql);
  await session.query(`create publication rowseal for all tables`);
  const url = server.urlFor({ database: name, user: 'capture', password: 'open sesame' });
  const options = (rules: readonly object[]) => ({
    source: { type: 'postgres', url, slot: name, publication: 'rowseal', accept_unbounded_wal: true },
    tables: rules,
  });
  const config = await createTrailConfig(options(tables));
  const records = (kind: string) =>
    readTrail(config.folder)
      .records.map(({ line }) => JSON.parse(line) as AnyRecord)
      .filter((record) => record['kind'] === kind);
  return {
    config,
    run: async (text: string) => void (await session.query(text)),
    configure: (rules: readonly object[]) => writeConfig(config.path, options(rules), config.name),
    /** Resolves when it streams. */
    start: async (watchMs = NEVER_MS): Promise<RunningTrail> => {
      const trail = await startTrail(config.path, (store) => store, { watchMs });
      await until(() => trail.health.state === 'streaming', trail);
      return trail;
    },
    records,
    /** Changes, as `table row`. */
    changes: () =>
      records('change').map(({ target, patch }) => `${target.table} ${JSON.stringify(patch[0].value)}`),
    /** So many changes are sealed. */
    sealed: (count: number, trail: RunningTrail) => until(() => records('change').length >= count, trail),
    verify: async () => {
      const { code, stdout, stderr } = await rowseal([
        'verify',
        config.folder,
        '--key',
        config.vkey,
        '--strict',
      ]);
      return code === 0 ? null : stdout + stderr;
    },
    [Symbol.asyncDispose]: async () => {
      await session.end();
      await config[Symbol.asyncDispose]();
    },
  };
}

async function until(holds: () => boolean, trail: RunningTrail): Promise<void> {
  let over = false;
  const ended = trail.done.finally(() => {
    over = true;
  });
  ended.catch(() => undefined);
  await patience.until(async () => {
    if (over) await ended;
    return holds();
  });
}

const refused = (table: string) =>
  expect.objectContaining({ code: 'redaction_unmatched', message: expect.stringContaining(table) });
/** What ended it. */
const end = (trail: Promise<RunningTrail> | RunningTrail) =>
  Promise.resolve(trail).then(
    ({ done }) =>
      done.then(
        () => null,
        (error: unknown) => error,
      ),
    (error: unknown) => error,
  );

describe.each([14, 18])('Postgres %i', (major) => {
  beforeAll(async () => {
    server = await testServer({ major, own: true });
    await server.sql(`create role capture login replication password 'open sesame'`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('a column that is renamed while we stream, and the way out', async () => {
    const sql = 'create table payments (id int primary key, card_number text, note text)';
    await using shop = await startShop(sql, [ALL, PAYMENTS]);
    const first = await shop.start();
    await shop.run(`insert into payments values (1, 'PLAIN-1', 'a')`);
    // What came before the rename is sealed, in the very transaction too.
    await shop.run(`begin; insert into payments values (2, 'PLAIN-2', 'b');
      alter table payments rename column card_number to pan;
      insert into payments values (3, 'PLAIN-3', 'c'); commit`);
    await shop.run(`insert into payments values (4, 'PLAIN-4', 'd')`);
    expect(await end(first)).toEqual(refused('public.payments: card_number'));
    const before = [
      'payments {"id":1,"card_number":null,"note":"a"}',
      'payments {"id":2,"card_number":null,"note":"b"}',
    ];
    expect(shop.changes()).toEqual(before);
    expect(shop.records('lifecycle').at(-1)).toMatchObject({
      event: 'disconnected',
      details: { code: 'redaction_unmatched' },
    });
    // As long as nobody corrects the entry, it does not even begin.
    expect(await end(shop.start())).toEqual(refused('public.payments: card_number'));
    const doctor = await rowseal(['doctor', '-c', shop.config.path, '--json']);
    const { checks } = (JSON.parse(doctor.stdout) as { trails: { checks: Check[] }[] }).trails[0]!;
    expect(checks.find(({ id }) => id === 'tables.redaction.public.payments')).toMatchObject({
      status: 'fail',
      what: 'public.payments: card_number: the table has no such column',
    });

    await shop.configure([
      ALL,
      { ...PAYMENTS, columns: { pan: 'mask' }, former_columns: { card_number: 'mask' } },
    ]);
    const second = await shop.start();
    await shop.sealed(4, second);
    await second.stop();
    expect(shop.changes()).toEqual([
      ...before,
      'payments {"id":3,"pan":null,"note":"c"}',
      'payments {"id":4,"pan":null,"note":"d"}',
    ]);
    const started = shop.records('lifecycle').findLast(({ event }) => event === 'started');
    expect(started?.['details'].configuration.tables[1]).toEqual({
      match: 'public.payments',
      class: 'default',
      columns: { pan: 'mask' },
      former_columns: { card_number: 'mask' },
    });
    expect(foundIn(shop.config.dir, ['PLAIN-'])).toEqual([]);
    expect(await shop.verify()).toBeNull();
  });

  // docs/operate.md, "To rename without a stop".
  test('a column whose rename was announced', async () => {
    const sql = 'create table payments (id int primary key, card_number text)';
    const both = { match: PAYMENTS.match, former_columns: { card_number: 'mask', pan: 'mask' } };
    await using shop = await startShop(sql, [ALL, both]);
    const first = await shop.start(50);
    await shop.run(`insert into payments values (1, 'PLAIN-1')`);
    await shop.run('alter table payments rename column card_number to pan');
    await shop.run(`insert into payments values (2, 'PLAIN-2')`);
    await shop.sealed(2, first);
    await first.stop();
    await shop.configure([
      ALL,
      { match: PAYMENTS.match, columns: { pan: 'mask' }, former_columns: { card_number: 'mask' } },
    ]);
    const second = await shop.start(50);
    await shop.run(`insert into payments values (3, 'PLAIN-3')`);
    await shop.sealed(3, second);
    await second.stop();
    expect(foundIn(shop.config.dir, ['PLAIN-'])).toEqual([]);
    expect(await shop.verify()).toBeNull();
  });

  test('a table that is renamed to where another rule holds, before a row of it came', async () => {
    await using shop = await startShop('create table payments (id int primary key, card_number text)', [
      ALL,
      PAYMENTS,
    ]);
    const first = await shop.start();
    await shop.run(`alter table payments rename to payments2; insert into payments2 values (1, 'PLAIN-1')`);
    expect(await end(first)).toEqual(refused('public.payments2: card_number'));
    expect(await end(shop.start())).toEqual(refused('public.payments: card_number: there is no such table'));
    await shop.configure([
      ALL,
      { match: 'public.payments', former_columns: { card_number: 'mask' } },
      { match: 'public.payments2', columns: { card_number: 'mask' } },
    ]);
    const second = await shop.start();
    await shop.sealed(1, second);
    await second.stop();
    expect(shop.changes()).toEqual(['payments2 {"id":1,"card_number":null}']);
    expect(foundIn(shop.config.dir, ['PLAIN-'])).toEqual([]);
  });

  test('a column that is renamed while we are away, with rows under its former name behind us', async () => {
    await using shop = await startShop('create table payments (id int primary key, card_number text)', [
      ALL,
      PAYMENTS,
    ]);
    await (await shop.start()).stop();
    await shop.run(`insert into payments values (1, 'PLAIN-1')`);
    await shop.run('alter table payments rename column card_number to pan');
    await shop.run(`insert into payments values (2, 'PLAIN-2')`);
    expect(await end(shop.start())).toEqual(refused('public.payments: card_number'));
    // Without the former name, the rows of before stop it: nobody says what their card_number is.
    await shop.configure([ALL, { ...PAYMENTS, columns: { pan: 'mask' } }]);
    expect(await end(shop.start())).toEqual(refused('public.payments: pan'));
    expect(shop.changes()).toEqual([]);
    await shop.configure([
      ALL,
      { ...PAYMENTS, columns: { pan: 'mask' }, former_columns: { card_number: 'mask' } },
    ]);
    const trail = await shop.start();
    await shop.sealed(2, trail);
    await trail.stop();
    expect(shop.changes()).toEqual(['payments {"id":1,"card_number":null}', 'payments {"id":2,"pan":null}']);
    expect(foundIn(shop.config.dir, ['PLAIN-'])).toEqual([]);
  });

  test('a pattern: its column in one table renamed, with and without a row; its column nowhere', async () => {
    const sql = `create table a (id int primary key, email text); create table b (id int primary key, email text);
      create table c (id int primary key)`;
    await using shop = await startShop(sql, [{ match: 'public.*', columns: { email: 'mask' } }]);
    const first = await shop.start();
    await shop.run(`alter table a rename column email to mail; insert into a values (1, 'PLAIN-1')`);
    expect(await end(first)).toEqual(refused('public.a: email'));
    await shop.configure([{ match: 'public.*', columns: { email: 'mask', mail: 'mask' } }]);
    // A look finds it, no row comes.
    const second = await shop.start(50);
    await shop.sealed(1, second);
    await shop.run('alter table b rename column email to address');
    expect(await end(second)).toEqual(refused('public.b: email, now address'));
    expect(await end(shop.start())).toEqual(refused('public.*: email: no table of it has such a column'));
    expect(shop.changes()).toEqual(['a {"id":1,"mail":null}']);
    expect(foundIn(shop.config.dir, ['PLAIN-'])).toEqual([]);
  });

  test('what is no rename goes on', async () => {
    const sql = `create table payments (id int primary key, card_number text, note text,
        hidden text generated always as (upper(card_number)) stored) partition by range (id);
      create table p1 partition of payments for values from (0) to (100);
      create table people (id int primary key, email text); create table dull (id int primary key, note text)`;
    await using shop = await startShop(sql, [
      { match: 'public.*', columns: { email: 'mask' } },
      { match: 'public.payments', columns: { card_number: 'mask', hidden: 'mask' } },
    ]);
    await (await shop.start()).stop();
    // The rows are of before, the catalogs of now: cvv came, and its redaction with it.
    await shop.run(`insert into payments values (1, 'PLAIN-1', 'a')`);
    await shop.run('alter table payments add cvv text');
    await shop.configure([
      { match: 'public.*', columns: { email: 'mask' } },
      { match: 'public.payments', columns: { card_number: 'mask', hidden: 'mask', cvv: 'drop' } },
    ]);
    const trail = await shop.start(50);
    const steps = [
      `insert into payments (id, card_number, cvv) values (2, 'PLAIN-2', 'PLAIN-CVV')`,
      `alter table payments drop column note; insert into payments (id, card_number) values (3, 'PLAIN-3')`,
      `alter table people alter email type varchar(200); insert into people values (1, 'PLAIN-4')`,
      `drop table people; create table people (email text, id int primary key); insert into people values ('PLAIN-5', 2)`,
      `alter table dull add email text; insert into dull values (1, 'x', 'PLAIN-6')`,
      `alter table dull rename column note to remark; insert into dull values (2, 'y', 'PLAIN-7')`,
      `create table later (id int primary key, email text); insert into later values (1, 'PLAIN-8')`,
      'create table plain (id int primary key); insert into plain values (1)',
      `create table p2 partition of payments for values from (100) to (200); insert into payments (id, card_number) values (100, 'PLAIN-9')`,
    ];
    for (const [step, text] of steps.entries()) {
      await shop.run(text);
      await shop.sealed(step + 2, trail);
    }
    await new Promise((done) => setTimeout(done, 300)); // a few looks
    await trail.stop();
    expect(foundIn(shop.config.dir, ['PLAIN-'])).toEqual([]);
    expect(await shop.verify()).toBeNull();
  });

  test('a column list that leaves the column out needs no redaction of it', async () => {
    if (major < 15) return; // it has none
    await using shop = await startShop('create table payments (id int primary key, card_number text)', [
      ALL,
      PAYMENTS,
    ]);
    await shop.run('drop publication rowseal; create publication rowseal for table payments (id)');
    const trail = await shop.start(50);
    await shop.run(`insert into payments values (1, 'PLAIN-1')`);
    await shop.sealed(1, trail);
    await trail.stop();
    expect(shop.changes()).toEqual(['payments {"id":1}']);
  });
});
