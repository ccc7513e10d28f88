/**
 * What DDL messages say of what a statement did, on real servers: statement by statement against a table, and against
 * the catalogs that the test reads itself before and after each.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import { DDL_STATEMENTS } from '../../../../test/support/postgres-ddl-statements.ts';
import { delivered, kitFile, messages } from '../../../../test/support/postgres-kit-stream.ts';
import {
  catalogChanges,
  catalogTables,
  outlineOf,
  type Target,
  toldChanges,
} from '../../../../test/support/postgres-targets.ts';
import { ddlTargets } from '../../../change/record/ddl-targets.ts';
import { parseJsonTree } from '../../../change/values/json-tree.ts';

interface Kit {
  readonly server: TestServer;
  readonly admin: pg.Client;
  /** The DDL messages since the last call. What is valid in them, the daemon passes on as it is. */
  since(client?: pg.Client): Promise<Message[]>;
  /** A line for each message of these statements. */
  told(sql: string, client?: pg.Client): Promise<string[]>;
}

interface Message {
  readonly tag: string;
  readonly identity: string | null;
  readonly targets: readonly Target[] | null;
}

async function kitServer(major: number): Promise<Kit> {
  const server = await testServer({ major, own: true });
  const admin = await server.session();
  for (const file of ['01-kit.sql', '02-capture-role.sql', '03-tables.sql', '04-publication.sql'])
    await admin.query(kitFile(file));
  await admin.query(`create role r1; create role r2; create role app login password 'x';
    grant create on schema public to app`);
  await admin.query(`select pg_create_logical_replication_slot('kit', 'pgoutput')`);
  const since: Kit['since'] = async (client = admin) => {
    const told = messages(await delivered(client), 'rowseal.ddl');
    for (const { targets } of told)
      if (targets !== null)
        expect(JSON.parse(ddlTargets(parseJsonTree(JSON.stringify(targets))))).toEqual(targets);
    return told;
  };
  const told: Kit['told'] = async (sql, client = admin) => {
    await since();
    await client.query(sql);
    return linesOf(await since());
  };
  return { server, admin, since, told };
}

function linesOf(told: readonly Message[]): string[] {
  return told.map(({ targets }) => outlineOf(targets));
}

describe.each([14, 18])('DDL targets on Postgres %i', (major) => {
  let server: TestServer;
  let admin: pg.Client;
  let since: Kit['since'];
  let told: Kit['told'];

  beforeAll(async () => {
    ({ server, admin, since, told } = await kitServer(major));
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  test('statements of every kind, and the catalogs before and after each', async () => {
    const wrong: unknown[] = [];
    await since();
    for (const [sql, ...expected] of DDL_STATEMENTS) {
      const before = await catalogTables(admin);
      await admin.query(sql);
      const after = await catalogTables(admin);
      const found = await since();
      const lines = linesOf(found);
      if (JSON.stringify(lines) !== JSON.stringify(expected)) wrong.push({ sql, expected, lines });
      // Where several statements went, what one did another may have undone.
      if (sql.includes(';')) continue;
      const changed = catalogChanges(before, after);
      if (JSON.stringify(toldChanges(found)) !== JSON.stringify(changed))
        wrong.push({ sql, changed, told: toldChanges(found) });
    }
    expect(wrong).toEqual([]);
  });

  test('a temporary table says nothing, hostile names arrive whole', async () => {
    expect(await told('create temp table tt (id int); alter table tt add a int; drop table tt')).toEqual([]);
    const name = `x"'; drop table t; --\n\\u0022{"effects":["none"]}\u2028`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await admin.query(`create schema ${quoted}; create table ${quoted}.${quoted} (${quoted} int)`);
    await since();
    await admin.query(`alter table ${quoted}.${quoted} rename to plain`);
    expect((await since())[0]?.targets).toMatchObject([
      { schema: name, table: name, effects: ['renames'], becomes: { schema: name, table: 'plain' } },
    ]);
    await admin.query(`drop schema ${quoted} cascade`);
    expect((await since()).map((message) => message.targets?.[0])).toMatchObject([
      { schema: null, name, kind: 'schema', effects: ['drops'] },
      { schema: name, table: 'plain', effects: ['drops'] },
    ]);
  });

  test('what waited for another session is not passed off as what it did itself', async () => {
    // A command's snapshot is older than the lock it waits for: what the other committed meanwhile looks like its own doing.
    await admin.query(`create table w (id int); create table wp (id int) partition by list (id);
      create table wp1 (id int)`);
    const other = await server.session();
    const waiting = async (first: string, second: string) => {
      await since();
      await other.query('begin');
      await other.query(first);
      const done = admin.query(second);
      const blocked = `select exists (select from pg_locks where not granted)::text as blocked`;
      await until(async () => (await other.query(blocked)).rows[0].blocked === 'true');
      await other.query('commit');
      await done;
      return linesOf(await since());
    };
    expect(await waiting('alter table w add column theirs int', 'alter table w add column ours int')).toEqual(
      ['table public.w columns [2]', 'table public.w unknown'],
    );
    expect(
      await waiting(
        'alter table wp attach partition wp1 for values in (1)',
        'alter table wp add column ours int',
      ),
    ).toEqual([
      'table public.wp none; table public.wp1 none',
      'table public.wp unknown; table public.wp1 unknown',
    ]);
    // In a snapshot of the transaction's they are not even seen.
    await admin.query('begin isolation level repeatable read; select 1');
    await other.query('create table wp2 partition of wp for values in (2); alter table w rename to w2');
    await since(other);
    await admin.query('alter table wp add column more int');
    await admin.query('alter table w2 add column more int; commit');
    expect(linesOf(await since())).toEqual(['unknown', 'table public.w unknown']);
  });

  test('nothing that goes wrong in it fails a statement: a warning, and unknown', async () => {
    const app = await server.session();
    await app.query('set session authorization app');
    await app.query(`set plpgsql.extra_errors = 'all'; set standard_conforming_strings = off;
      set search_path = pg_temp, public; set row_security = off; set jit = on; set jit_above_cost = 0`);
    expect(await told('create table public.app_own (id int)', app)).toEqual(['table public.app_own creates']);
    expect(await told('alter table public.app_own add a int', app)).toEqual([
      'table public.app_own columns [2]',
    ]);
    await admin.query('revoke select on pg_catalog.pg_attribute from public');
    const warnings: (string | undefined)[] = [];
    app.on('notice', (notice) => warnings.push(notice.message));
    await since();
    await app.query('alter table public.app_own add b int');
    const [message] = await since();
    expect(message).toMatchObject({ tag: 'ALTER TABLE', identity: 'public.app_own', targets: null });
    expect(warnings).toEqual([
      expect.stringMatching(/^rowseal: not known what ALTER TABLE did: permission denied/),
    ]);
    await admin.query('grant select on pg_catalog.pg_attribute to public');
    await app.query('drop table public.app_own');
  });

  test('more targets than a message holds come in several', async () => {
    await since();
    await admin.query(`select rowseal.emit_ddl('ddl_command_end', 'ALTER TABLE', 'table', 'public', 'public.p',
      (select jsonb_agg(jsonb_build_object('schema', 'public', 'table', repeat('p', 60) || i, 'effects', array['none']))
         from generate_series(1, 3000) as i), false)`);
    const parts = await since();
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(JSON.stringify(part).length).toBeLessThan(100_000);
    const tables = parts.flatMap(({ targets }) => (targets ?? []).map(({ table }) => table?.slice(60)));
    expect(tables).toEqual(Array.from({ length: 3000 }, (_, i) => String(i + 1)));
  });
});

// Such a command leaves no snapshot behind it: a query of a STABLE event trigger that does not ask for one ends the server.
test.each([14, 15, 16, 17, 18])(
  'Postgres %i lives through commands that commit on their way',
  async (major) => {
    const { server, admin, since, told } = await kitServer(major);
    await using _ = server;
    await admin.query('create table c (id int primary key, a text)');
    expect(await told('create index concurrently c_a on c (a)')).toEqual([
      'index public.[c_a] creates; table public.c none',
    ]);
    const reindexed = await told('reindex index concurrently c_a');
    expect(reindexed).toEqual(major >= 17 ? ['index public.[c_a] none; table public.c none'] : []);
    await told('reindex table concurrently c');
    await admin.query('cluster c using c_pkey');
    expect(await told('drop index concurrently c_a')).toEqual(['index public.[c_a] drops']);
    await admin.query(
      `create table cp (id int) partition by list (id); create table cp1 partition of cp for values in (1)`,
    );
    expect(await told('alter table cp detach partition cp1 concurrently')).toEqual(['table public.cp none']);
    await admin.query(`create procedure steps() language plpgsql as $$ begin
    alter table c add b int; commit; alter table c rename to c2; rollback; alter table c rename b to bb; end $$`);
    await since();
    await admin.query('call steps()');
    expect(linesOf(await since())).toEqual(['table public.c columns [3]', 'table public.c columns [3]']);
  },
);
