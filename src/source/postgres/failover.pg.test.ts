/** A failover slot (17+): the standby is promoted, and the stream goes on there without loss or gap. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { until } from '../../../test/support/patience.ts';
import { startPostgres, type TestServer, testServer } from '../../../test/support/postgres.ts';
import { capture } from '../../../test/support/postgres-capture.ts';

/** Slots and rows come to a standby when its workers get to it. */
const comes = (what: string, condition: () => Promise<boolean>) => until(condition, 60_000, 250, what);

test.each([17, 18])('a promoted standby of Postgres %i', async (major) => {
  await using primary = await testServer({
    major,
    own: true,
    settings: { synchronized_standby_slots: 'standby', log_min_messages: 'warning' },
  });
  await primary.sql('create table t (id int primary key); create publication rowseal for table t');
  await primary.sql(`select pg_create_physical_replication_slot('standby', true)`);
  await using standby = await cloneOf(primary);

  await using running = await capture(primary, { failover: true });
  for (let id = 1; id <= 5; id++) await primary.sql(`insert into t values (${id})`);
  await running.until(() => running.transactions.length === 5);
  await comes('the slot on the standby', async () => {
    await primary.sql(`select pg_log_standby_snapshot()`);
    const [slot] = await standby.sql(`select synced and not temporary as ready from pg_replication_slots`);
    return slot?.['ready'] === 't';
  });
  await primary.sql('insert into t values (6)');
  await running.until(() => running.transactions.length === 6);
  const { incarnation } = running.opened.identity;
  await comes('the standby', async () => {
    const [row] = await standby.sql('select count(*) as count from t');
    return row!['count'] === '6';
  });
  await primary.embedded!.stop('immediate');
  await running.ended;
  await standby.sql('select pg_promote()');
  await standby.sql('insert into t values (7)');

  const sealed = running.transactions.at(-1)!.end!;
  await using again = await capture(standby, { resume: { through: sealed, incarnation, acceptGap: null } });
  expect(again.opened.gap).toBeNull();
  expect(again.opened.identity.incarnation).toBe(incarnation.replace(/1$/, '2'));
  await again.until(() => again.rows().length === 1);
  expect(again.rows().map(({ after }) => after)).toEqual([{ id: '7' }]);
});

/** A standby by a cold copy: the packages hold no pg_basebackup. */
async function cloneOf(primary: TestServer): Promise<TestServer> {
  const embedded = primary.embedded!;
  const target = new URL(primary.url);
  const server = await startPostgres({ major: embedded.major });
  await server.stop('immediate');
  await embedded.stop('fast');
  const keep = fs.readFileSync(path.join(server.data, 'postgresql.conf'));
  const owner = fs.statSync(server.data);
  fs.rmSync(server.data, { recursive: true });
  execFileSync('cp', ['-a', embedded.data, server.data]);
  await embedded.start();
  const settings = {
    hot_standby_feedback: 'on',
    sync_replication_slots: 'on',
    primary_slot_name: 'standby',
    primary_conninfo: `host=127.0.0.1 port=${embedded.port} user=postgres password=${target.password} dbname=postgres sslmode=disable`,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  fs.writeFileSync(path.join(server.data, 'postgresql.conf'), `${keep}${lines.join('')}`);
  fs.writeFileSync(path.join(server.data, 'standby.signal'), '');
  for (const file of ['postgresql.conf', 'standby.signal']) {
    fs.chownSync(path.join(server.data, file), owner.uid, owner.gid);
  }
  fs.rmSync(path.join(server.data, 'pg_replslot'), { recursive: true });
  fs.mkdirSync(path.join(server.data, 'pg_replslot'), { mode: 0o700 });
  fs.chownSync(path.join(server.data, 'pg_replslot'), owner.uid, owner.gid);
  await server.start();
  // The passwords came over with the copy.
  const url = new URL(server.url);
  url.password = target.password;
  const client = new pg.Client({
    connectionString: url.href,
    types: { getTypeParser: () => (value: unknown) => value } as never,
  });
  client.on('error', () => undefined);
  await client.connect();
  return {
    url: url.href,
    embedded: server,
    sql: async (text) => (await client.query(text)).rows as Record<string, string | null>[],
    session: () => Promise.reject(new Error('not on a standby')),
    urlFor: () => url.href,
    [Symbol.asyncDispose]: async () => {
      await client.end().catch(() => undefined);
      await server[Symbol.asyncDispose]();
    },
  };
}
