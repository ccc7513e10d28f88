/**
 * What a redaction names is renamed, on MySQL and MariaDB, where the log knows a table by its name alone. The values stood
 * in the trail in the clear; now the trail stops before the first of them, and goes on where the configuration follows.
 */
import { describe, expect, test } from 'vitest';
import { rowseal, writeConfig } from '../../../test/support/daemon.ts';
import { type RunningTrail, startTrail } from '../../../test/support/in-process.ts';
import { type MysqlEdge, startEdge, until } from '../../../test/support/mysql-edge.ts';

const ALL = { match: 'shop.*' };
const PAYMENTS = { match: 'shop.payments', columns: { Card_Number: 'mask' } };
const CORRECTED = {
  match: 'shop.payments',
  columns: { pan: 'mask' },
  former_columns: { card_number: 'mask' },
};
/** Long enough that no look comes by itself. */
const NEVER_MS = 600_000;

/** Resolves when it streams, or has ended. */
async function start(edge: MysqlEdge, watchMs = NEVER_MS): Promise<RunningTrail> {
  const trail = await startTrail(edge.config.path, (store) => store, { watchMs });
  let over = false;
  const done = trail.done.finally(() => {
    over = true;
  });
  done.catch(() => undefined);
  await until(() => over || trail.health.state === 'streaming');
  return trail;
}

const ended = ({ done }: RunningTrail) =>
  done.then(
    () => null,
    (error: unknown) => error,
  );
const refused = (text: string) =>
  expect.objectContaining({ code: 'redaction_unmatched', message: expect.stringContaining(text) });
const configure = ({ config, options }: MysqlEdge, tables: readonly object[]) =>
  writeConfig(config.path, { ...options, tables }, config.name);
const changes = (edge: MysqlEdge) =>
  edge.records('change').map(({ target, patch }) => `${target.table} ${JSON.stringify(patch[0].value)}`);

describe.each(['mysql', 'mariadb'] as const)('%s', (flavor) => {
  test('a column is renamed: while we stream, and while we are away with rows behind us', async () => {
    await using edge = await startEdge({ flavor, tables: [ALL, PAYMENTS] });
    const { server } = edge;
    await server.sql('create table shop.payments (id int primary key, card_number varchar(20))');
    const first = await start(edge);
    await server.sql(`insert into shop.payments values (1, 'PLAIN-1');
      alter table shop.payments change card_number pan varchar(20);
      insert into shop.payments values (2, 'PLAIN-2')`);
    expect(await ended(first)).toEqual(refused('shop.payments: card_number, now pan'));
    expect(changes(edge)).toEqual(['payments {"id":1,"card_number":null}']);
    expect(edge.records('lifecycle').at(-1)).toMatchObject({
      event: 'disconnected',
      details: { code: 'redaction_unmatched' },
    });
    expect(await ended(await start(edge))).toEqual(refused('shop.payments: Card_Number'));
    const doctor = await rowseal(['doctor', '-c', edge.config.path, '--json']);
    expect(doctor.stdout).toContain('shop.payments: Card_Number: the table has no such column');

    await configure(edge, [ALL, CORRECTED]);
    const second = await start(edge);
    await edge.sealed();
    await second.stop();
    // Renamed once more, with rows of both names and of a column to come behind us.
    await server.sql(`insert into shop.payments values (3, 'PLAIN-3');
      alter table shop.payments rename column pan to number;
      insert into shop.payments values (4, 'PLAIN-4'); alter table shop.payments add cvv int;
      insert into shop.payments values (5, 'PLAIN-5', 0)`);
    expect(await ended(await start(edge))).toEqual(refused('shop.payments: pan'));
    const columns = { number: 'mask', cvv: 'drop' };
    await configure(edge, [
      ALL,
      { match: 'shop.payments', columns, former_columns: { pan: 'mask', cvv: 'drop' } },
    ]);
    const third = await start(edge);
    await edge.sealed();
    await third.stop();
    expect(changes(edge)).toEqual([
      'payments {"id":1,"card_number":null}',
      'payments {"id":2,"pan":null}',
      'payments {"id":3,"pan":null}',
      'payments {"id":4,"number":null}',
      'payments {"id":5,"number":null}',
    ]);
    expect(edge.found(['PLAIN-'], [])).toEqual([]);
    expect(await edge.verify()).toBeNull();
  });

  test('a table is renamed to where another rule holds, before a row of it came, and by way of an excluded name', async () => {
    await using edge = await startEdge({
      flavor,
      tables: [ALL, PAYMENTS, { match: 'shop.tmp', exclude: true }],
    });
    const { server } = edge;
    await server.sql('create table shop.payments (id int primary key, card_number varchar(20))');
    const first = await start(edge);
    await server.sql(`alter table shop.payments rename to shop.tmp; rename table shop.tmp to shop.payments2;
      insert into shop.payments2 values (1, 'PLAIN-1')`);
    expect(await ended(first)).toEqual(refused('shop.payments2: Card_Number'));
    expect(await ended(await start(edge))).toEqual(
      refused('shop.payments: Card_Number: there is no such table'),
    );
    await configure(edge, [
      ALL,
      { match: 'shop.payments', former_columns: { card_number: 'mask' } },
      { match: 'shop.payments2', columns: { card_number: 'mask' } },
    ]);
    const second = await start(edge);
    await edge.sealed();
    await second.stop();
    expect(changes(edge)).toEqual(['payments2 {"id":1,"card_number":null}']);
    expect(edge.found(['PLAIN-'], [])).toEqual([]);
  });

  test('a pattern’s column nowhere; what a look finds twice; what is no rename', async () => {
    await using edge = await startEdge({
      flavor,
      tables: [{ match: 'shop.*', columns: { email: 'mask' } }, PAYMENTS],
    });
    const { server } = edge;
    await server.sql(`create table shop.payments (id int primary key, CARD_number varchar(20));
      create table shop.a (id int primary key)`);
    expect(await ended(await start(edge))).toEqual(
      refused('shop.*: email: no table of it has such a column'),
    );
    await server.sql('create table shop.b (id int primary key, EMAIL varchar(20))');
    const trail = await start(edge, 100);
    await server.sql(`insert into shop.payments values (1, 'PLAIN-1'); insert into shop.b values (1, 'PLAIN-2');
      alter table shop.payments add note text first, modify CARD_number varchar(40);
      insert into shop.payments values ('x', 2, 'PLAIN-3');
      alter table shop.payments rename column note to remark, rename column CARD_number to card_NUMBER;
      insert into shop.payments values ('y', 3, 'PLAIN-4'); alter table shop.payments drop remark;
      insert into shop.payments values (4, 'PLAIN-5');
      drop table shop.payments; create table shop.payments (card_number varchar(20), id int primary key);
      insert into shop.payments values ('PLAIN-6', 5); rename table shop.b to shop.c;
      insert into shop.c values (2, 'PLAIN-7'); create table shop.d like shop.c; insert into shop.d values (1, 'PLAIN-8');
      drop table shop.d; create table shop.d (id int primary key); insert into shop.d values (2)`);
    await edge.sealed();
    await new Promise((done) => setTimeout(done, 500));
    expect(trail.health.state).toBe('streaming');
    expect(changes(edge)).toHaveLength(9);
    expect(edge.found(['PLAIN-'], [])).toEqual([]);
    // No row comes: the looks find that the only table with such a column has none any more.
    await server.sql('alter table shop.c drop column EMAIL');
    expect(await ended(trail)).toEqual(refused('shop.*: email: no table of it has such a column'));
    expect(await edge.verify()).toBeNull();
  });
});
