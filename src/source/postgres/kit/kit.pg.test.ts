/** The SQL kit on real servers: what its messages say, when they come, who may write them, and that it goes away cleanly. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import {
  catalogSnapshot,
  delivered,
  kitFile,
  messages,
  outline,
} from '../../../../test/support/postgres-kit-stream.ts';
import { createAttributor, readMessage } from '../../../change/attribution/attribution.ts';
import { KIT_VERSION } from '../preflight/wish.ts';

const MAJORS = [14, 16, 18];

describe.each(MAJORS)('SQL kit on Postgres %i', (major) => {
  let server: TestServer;
  let admin: pg.Client;
  let app: pg.Client;

  /** What the stream delivers of everything since the last call. */
  const since = () => delivered(admin);
  /** Runs as the application in one transaction and tells what the stream delivers of it. */
  const transaction = async (...statements: string[]) => {
    await since();
    await app.query('begin');
    for (const statement of statements) await app.query(statement);
    await app.query('commit');
    return since();
  };

  beforeAll(async () => {
    server = await testServer({ major, own: true });
    admin = await server.session();
    await admin.query(`
      create role app login; create role auditor nologin; grant auditor to app;
      create table t (id int primary key, a text);
      create table parent (id int primary key);
      create table child (id int primary key, parent int references parent on delete cascade on update cascade);
      create table p (id int, a text, primary key (id)) partition by list (id);
      create table p1 partition of p for values in (1);
      grant all on t, parent, child, p, p1 to app, auditor; grant create, usage on schema public to app`);
    for (const file of ['01-kit.sql', '02-capture-role.sql', '03-tables.sql', '04-publication.sql'])
      await admin.query(kitFile(file));
    await admin.query(`
      alter publication rowseal add table only t, only parent, only child, only p1;
      select rowseal.attach('t'), rowseal.attach('parent'), rowseal.attach('p')`);
    await admin.query(`select pg_create_logical_replication_slot('kit', 'pgoutput')`);
    await admin.query(`alter user app password 'x'`);
    app = await connectAs('app');
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  async function connectAs(user: string, database?: string): Promise<pg.Client> {
    const { Client } = (await import('pg')).default;
    const client = new Client({
      connectionString: server.urlFor({
        user,
        password: 'x',
        ...(database === undefined ? {} : { database }),
      }),
      application_name: 'billing-api',
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  test('a session message says what the server knows', async () => {
    const events = await transaction(
      `set local rowseal.actor = 'user:u_1'`,
      `insert into t values (1, 'x') /* route='/pay' */;`,
    );
    expect(outline(events)).toBe('[session] insert');
    const [content] = messages(events, 'rowseal.session');
    const { rows } = await app.query(`select pg_backend_pid() as pid, 't'::regclass::oid::text as relid`);
    expect(content).toEqual({
      v: 1,
      xid: expect.stringMatching(/^[0-9]+$/),
      pid: rows[0].pid,
      login: 'app',
      role: 'none',
      system_user: major >= 16 ? 'scram-sha-256:app' : null,
      application: 'billing-api',
      address: '127.0.0.1',
      actor: 'user:u_1',
      comment: "/* route='/pay' */",
      op: 'INSERT',
      relid: rows[0].relid,
      replication_role: 'origin',
    });
  });

  test('once per transaction, and again when login, role, application, actor or comment change', async () => {
    const write = `insert into t values ((select max(id) + 1 from t), 'x')`;
    const once = await transaction(write, write, `update t set a = 'y'`, 'delete from t where id > 2');
    expect(messages(once, 'rowseal.session')).toHaveLength(1);
    const changes = await transaction(
      write,
      'set local role auditor',
      write,
      `set local application_name = 'other'`,
      write,
      `set local rowseal.actor = 'u_2'`,
      write,
      `${write} /*a=1*/`,
    );
    const told = messages(changes, 'rowseal.session');
    expect(told.map(({ role, application, actor, comment }) => [role, application, actor, comment])).toEqual([
      ['none', 'billing-api', null, null],
      ['auditor', 'billing-api', null, null],
      ['auditor', 'other', null, null],
      ['auditor', 'other', 'u_2', null],
      ['auditor', 'other', 'u_2', '/*a=1*/'],
    ]);
    expect(outline(changes)).toBe(Array(5).fill('[session] insert').join(' '));
    const savepoint = await transaction('savepoint s', write, 'rollback to s', write);
    expect(outline(savepoint)).toBe('[session] insert');
  });

  test('statements of every kind bring it', async () => {
    const start = await transaction(`update t set a = 'first'`);
    expect(outline(start)).toMatch(/^(update )+\[session\]$/);
    await admin.query(`copy t from program 'printf "90\\tx\\n91\\ty\\n"'`);
    expect(outline(await since())).toBe('[session] insert insert');
    const upsert = `insert into t values (90, 'z') on conflict (id) do update set a = excluded.a`;
    expect(outline(await transaction(upsert))).toBe('[session] update');
    await transaction(
      'insert into parent values (1), (2)',
      'insert into child values (1, 1), (2, 1), (3, 2)',
    );
    const cascade = outline(await transaction('delete from parent where id = 1'));
    expect(cascade.split(' ').sort()).toEqual(['[session]', 'delete', 'delete', 'delete']);
    expect(outline(await transaction('insert into p values (1)'))).toBe('[session] insert');
    expect(outline(await transaction('update p1 set a = $$x$$'))).toBe('update [session]');
    if (major >= 15) {
      const merge = `merge into t using (values (90), (99)) as v (id) on t.id = v.id
        when matched then update set a = 'm' when not matched then insert values (v.id, 'n')`;
      const events = await transaction(merge);
      expect(outline(events)).toMatch(/^\[session\] (insert update|update insert)$/);
    }
    await admin.query('grant truncate on t to app');
    expect(outline(await transaction('truncate t'))).toBe('[session] truncate');
    await since();
    await app.query(`begin`);
    await app.query(`insert into t values (1, 'two-phase')`);
    await app.query(`prepare transaction 'x'`);
    expect(await since()).toEqual([]);
    await app.query(`commit prepared 'x'`);
    expect(outline(await since())).toBe('[session] insert');
    await admin.query(`set session_replication_role = replica`);
    await admin.query(`insert into t values (2, 'silenced?')`);
    await admin.query(`reset session_replication_role`);
    const replica = await since();
    expect(outline(replica)).toBe('[session] insert');
    expect(messages(replica, 'rowseal.session')[0].replication_role).toBe('replica');
  });

  test('a statement that changes nothing assigns no transaction id', async () => {
    for (const nothing of [`update t set a = 'x' where false`, 'delete from t where id = -1']) {
      await app.query('begin');
      await app.query(nothing);
      const { rows } = await app.query('select pg_current_xact_id_if_assigned()::text as xid');
      await app.query('commit');
      expect(rows[0].xid).toBeNull();
    }
  });

  test('new partitions and new tables that the settings name get the triggers', async () => {
    const attached = async (table: string) =>
      (
        await admin.query(
          `select count(*)::int::text as n from pg_trigger where tgrelid = $1::regclass and tgenabled = 'A'`,
          [table],
        )
      ).rows[0].n;
    await admin.query(`update rowseal.kit set attach_new = '{public.*,!public.quiet_*}'`);
    await app.query('create table new_one (id int primary key); create table quiet_one (id int)');
    await app.query('create table new_two as select 1 as id');
    await admin.query('create table p2 partition of p for values in (2)');
    await admin.query(
      `create table p3 (id int primary key, a text); alter table p attach partition p3 for values in (3)`,
    );
    expect(await Promise.all(['new_one', 'quiet_one', 'new_two', 'p2', 'p3'].map(attached))).toEqual([
      '2',
      '0',
      '2',
      '2',
      '2',
    ]);
    await admin.query(`select rowseal.detach('p')`);
    expect(await Promise.all(['p', 'p1', 'p2'].map(attached))).toEqual(['0', '0', '0']);
    await admin.query(`update rowseal.kit set attach_new = '{}'; select rowseal.attach('p')`);
    expect(await Promise.all(['p', 'p1', 'p2'].map(attached))).toEqual(['2', '2', '2']);
    await app.query('drop table new_one, quiet_one, new_two');
  });

  test('set_context sends the envelope and checks it', async () => {
    const envelope = { actor: { type: 'user', id: 'u_8842', email: 'ana@example.com' }, request: 'req-77' };
    const events = await transaction(
      `select rowseal.set_context('${JSON.stringify(envelope)}')`,
      `insert into t values (1000, 'ctx')`,
    );
    expect(outline(events)).toBe('[context] [session] insert');
    const [content] = messages(events, 'rowseal.context');
    const { rows } = await app.query('select pg_backend_pid() as pid');
    expect(content).toEqual({
      v: 1,
      context: envelope,
      login: 'app',
      role: 'none',
      application: 'billing-api',
      address: '127.0.0.1',
      pid: rows[0].pid,
    });
    const long = JSON.stringify({ actor: { id: 'u' }, reason: 'x'.repeat(8200) });
    for (const bad of [
      '[]',
      '{}',
      '{"actor":"x"}',
      '{"actor":{}}',
      '{"actor":{"id":""}}',
      '{"actor":{"id":"u","type":"admin"}}',
      'null',
      long,
    ])
      await expect(app.query('select rowseal.set_context($1::jsonb)', [bad])).rejects.toMatchObject({
        code: '22023',
      });
    await expect(app.query('select rowseal.set_context(null)')).rejects.toMatchObject({ code: '22023' });
  });

  test('the reader finds each tier in what the kit sends', async () => {
    let id = 5000;
    const tierOf = async (...before: string[]) => {
      const comment = before.at(-1)?.startsWith('/*') ? before.pop() : '';
      const events = await transaction(...before, `insert into t values (${++id}, 'x') ${comment}`);
      const attributor = createAttributor({ actor: () => null });
      attributor.begin();
      for (const { prefix, bytes } of events) {
        const message = bytes === undefined ? null : readMessage(bytes);
        if (message === null) continue;
        if (prefix === 'rowseal.context') attributor.asserted(message, bytes?.length ?? 0);
        else attributor.session(message);
      }
      const found = attributor.current();
      const json = JSON.parse(`{${String(found?.actor).slice(1)}${String(found?.context)}}`);
      expect(json.connection).toMatchObject({ user: 'app', address: '127.0.0.1', pid: expect.any(Number) });
      return `${json.attribution.tier} ${json.attribution.via} ${json.actor.type}:${json.actor.id}`;
    };
    expect(await tierOf()).toBe('connection trigger login:app');
    expect(await tierOf(`/* user_id='u_3',route='%2Fpay' */`)).toBe('annotated comment user:u_3');
    expect(await tierOf(`set local application_name = 'billing actor=u_2'`)).toBe(
      'session application_name user:u_2',
    );
    expect(await tierOf(`set local rowseal.actor = 'u_1'`, `/* user_id='u_3' */`)).toBe(
      'session setting user:u_1',
    );
    const asserted = `select rowseal.set_context('{"actor":{"type":"service","id":"cron"}}')`;
    expect(await tierOf(asserted, `set local rowseal.actor = 'u_1'`)).toBe('asserted message service:cron');
  });

  test('DDL, drops and rewrites leave a message each; what an extension brings does not', async () => {
    await since();
    const told = async (client: pg.Client, sql: string) => {
      await client.query(sql);
      return messages(await since(), 'rowseal.ddl').map(({ event, tag, object_type, identity }) =>
        [event, tag, object_type, identity].join('|'),
      );
    };
    expect(await told(app, 'create table d (id int primary key, a int)')).toEqual([
      'ddl_command_end|CREATE TABLE|table|public.d',
      'ddl_command_end|CREATE INDEX|index|public.d_pkey',
    ]);
    expect(await told(app, 'alter table d alter a type text using a::text')).toEqual([
      'table_rewrite|ALTER TABLE|table|public.d',
      'ddl_command_end|ALTER TABLE|table|public.d',
    ]);
    expect(await told(app, 'alter table d drop column a')).toEqual([
      'sql_drop|ALTER TABLE|table column|public.d.a',
      'ddl_command_end|ALTER TABLE|table|public.d',
    ]);
    expect(await told(app, 'grant select on d to auditor')).toEqual(['ddl_command_end|GRANT|TABLE|']);
    expect(await told(app, 'create temp table secret (id int); drop table secret')).toEqual([]);
    await app.query(`set rowseal.actor = 'u_1'`);
    await app.query('drop table d');
    await app.query('reset rowseal.actor');
    const [drop] = messages(await since(), 'rowseal.ddl');
    const { rows } = await app.query('select pg_backend_pid() as pid');
    expect(drop).toEqual({
      v: 1,
      tag: 'DROP TABLE',
      object_type: 'table',
      schema: 'public',
      identity: 'public.d',
      command: 'drop table d',
      event: 'sql_drop',
      login: 'app',
      role: 'none',
      application: 'billing-api',
      address: '127.0.0.1',
      pid: rows[0].pid,
      actor: 'u_1',
      in_extension: false,
      targets: [{ schema: 'public', table: 'd', kind: 'table', oid: expect.any(Number), effects: ['drops'] }],
    });
    expect(await told(admin, 'create extension citext')).toEqual([
      'ddl_command_end|CREATE EXTENSION|extension|citext',
    ]);
    expect(await told(admin, 'drop extension citext')).toEqual(['sql_drop|DROP EXTENSION|extension|citext']);
    expect(await told(admin, `alter table t disable trigger rowseal_context_before`)).toEqual([
      'ddl_command_end|ALTER TABLE|table|public.t',
    ]);
    await admin.query(`select rowseal.attach('t')`);
    expect((await since()).length).toBeGreaterThan(0);
  });

  test('the capture role beats; it and the application can do nothing else', async () => {
    await admin.query(`alter role rowseal password 'x'`);
    const capture = await connectAs('rowseal');
    await since();
    await capture.query('select rowseal.heartbeat()');
    const beat = await since();
    expect(beat.map(({ kind }) => kind)).toEqual(['begin', 'message', 'commit']);
    expect(messages(beat, 'rowseal.heartbeat')).toEqual(['']);
    const forge = [
      `select pg_logical_emit_message(true, 'rowseal.context', '{}')`,
      `select pg_logical_emit_message(true, 'rowseal.context', '\\x7b7d'::bytea)`,
      `select rowseal.emit_ddl('x', 'x', 'x', 'x', 'x', '[]', false)`,
      `select rowseal.before('pg_class'::regclass, 't'::regclass, true)`,
      `select rowseal.utf8('x')`,
      `update rowseal.kit set version = 2`,
      `insert into rowseal.replica_identity values (1, 'd')`,
      `set role rowseal_owner`,
      `create table rowseal.mine ()`,
    ];
    for (const client of [app, capture])
      for (const sql of forge) await expect(client.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    await expect(app.query('select rowseal.heartbeat()')).rejects.toMatchObject({ code: '42501' });
    await expect(capture.query('select * from t')).rejects.toMatchObject({ code: '42501' });
    // A table of one's own with our trigger function: not allowed either.
    await app.query('create table own (id int)');
    const steal =
      'create trigger x before insert on own for each row execute function rowseal.emit_session()';
    await expect(app.query(steal)).rejects.toMatchObject({ code: '42501' });
    await app.query('drop table own');
    await capture.end();
  });

  test('a hostile search_path changes nothing', async () => {
    await admin.query('create schema evil authorization app');
    const shadows = [
      ['texteq(text, text)', 'boolean'],
      ['concat(variadic "any")', 'text'],
      ['current_setting(text)', 'text'],
      ['current_setting(text, boolean)', 'text'],
      ['set_config(text, text, boolean)', 'text'],
      ['jsonb_typeof(jsonb)', 'text'],
      ['right(text, int)', 'text'],
      ['rtrim(text, text)', 'text'],
      ['convert_to(text, name)', 'bytea'],
      ['json_build_object(variadic "any")', 'json'],
      ['pg_logical_emit_message(boolean, text, bytea)', 'pg_lsn'],
    ];
    for (const [signature, type] of shadows) {
      if (signature!.includes('"any"')) continue; // plpgsql can't take it, nor could an attacker without C
      await app.query(
        `create function evil.${signature} returns ${type} language plpgsql as $$ begin raise exception 'hijacked by %', current_user; end $$`,
      );
    }
    await app.query(`create function evil.eq(text, text) returns boolean language plpgsql as
        $$ begin raise exception 'hijacked by %', current_user; end $$;
      create operator evil.= (leftarg = text, rightarg = text, function = evil.eq);
      create function evil.ge(int, int) returns boolean language plpgsql as
        $$ begin raise exception 'hijacked by %', current_user; end $$;
      create operator evil.>= (leftarg = int, rightarg = int, function = evil.ge);
      create domain evil.text as int; create domain evil.int4 as date;
      set search_path = evil, public, pg_catalog`);
    await expect(app.query(`select 'a'::pg_catalog.text = 'b'::pg_catalog.text`)).rejects.toThrow('hijacked');
    const events = await transaction(
      `select rowseal.set_context('{"actor":{"id":"u"}}')`,
      `insert into public.t values (2000, 'x') /*c*/`,
      `update public.t set a = 'y' where id operator(pg_catalog.=) 2000`,
      `create table public.by_path (id int)`,
      `drop table public.by_path`,
    );
    await app.query('reset search_path');
    expect(outline(events)).toBe('[context] [session] insert [session] update [ddl] [ddl]');
    expect(messages(events, 'rowseal.session')[0]).toMatchObject({ login: 'app', comment: '/*c*/' });
    await admin.query('set client_min_messages = error; drop schema evil cascade; reset client_min_messages');
  });

  test.each([
    ['LATIN1', 'é'],
    ['SQL_ASCII', 'é'],
    ['EUC_JP', '日'],
  ])('messages are UTF-8 in a database of %s', async (encoding, letter) => {
    const database = `enc_${encoding.toLowerCase()}`;
    await admin.query(
      `create database ${database} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`,
    );
    const other = await server.session(database);
    for (const file of ['01-kit.sql', '01-kit.sql', '02-capture-role.sql', '04-publication.sql'])
      await other.query(kitFile(file));
    await other.query(
      `create table t (id int primary key); alter publication rowseal add table only t; select rowseal.attach('t')`,
    );
    await other.query(`select pg_create_logical_replication_slot('${database}', 'pgoutput')`);
    await other.query('begin');
    await other.query(`select rowseal.set_context('{"actor":{"id":"${letter}"}}')`);
    await other.query(`set local rowseal.actor = 'u_${letter}'`);
    await other.query(`insert into t values (1) /* ${letter} */`);
    await other.query(`create table "${letter}" ()`);
    await other.query('commit');
    const events = await delivered(other, database);
    expect(messages(events, 'rowseal.context')[0].context.actor.id).toBe(letter);
    expect(messages(events, 'rowseal.session')[0]).toMatchObject({
      actor: `u_${letter}`,
      comment: `/* ${letter} */`,
    });
    expect(messages(events, 'rowseal.ddl')[0].identity).toBe(`public."${letter}"`);
    if (encoding === 'SQL_ASCII') {
      // Bytes that are no UTF-8 must not make the application fail; they are taken as LATIN1.
      await other.query('begin');
      await other.query(
        `do $$ begin perform set_config('rowseal.actor', convert_from('\\xe9'::bytea, 'SQL_ASCII'), true); end $$`,
      );
      await other.query('insert into t values (2)');
      await other.query('commit');
      expect(messages(await delivered(other, database), 'rowseal.session')[0].actor).toBe('é');
    }
    await other.query(`select pg_drop_replication_slot('${database}')`);
    await other.query(kitFile('99-uninstall.sql'));
    await other.end();
    await admin.query(`drop database ${database}`);
  });

  test('over the kit of 0.1, whose messages name no targets, it leaves what it installs afresh', async () => {
    const functions = async () => {
      const { rows } = await admin.query(
        `select oid::regprocedure::text as name, provolatile::text as volatility, md5(prosrc) as body,
           proowner::regrole::text as owner, proacl::text as acl
           from pg_proc where pronamespace = 'rowseal'::regnamespace order by 1`,
      );
      return rows;
    };
    const fresh = await functions();
    await admin.query(`drop event trigger rowseal_ddl; drop function rowseal.on_ddl();
      create function rowseal.emit_ddl(event text, tag text, object_type text, schema_name text, identity text) returns void
        language plpgsql as $$ begin end $$;
      create function rowseal.on_ddl() returns event_trigger language plpgsql security definer as $$ begin end $$;
      alter function rowseal.on_ddl() owner to rowseal_owner;
      revoke all on function rowseal.on_ddl(), rowseal.emit_ddl(text, text, text, text, text) from public;
      create event trigger rowseal_ddl on ddl_command_end execute function rowseal.on_ddl();
      update rowseal.kit set version = 1`);
    await admin.query(kitFile('01-kit.sql'));
    expect(await functions()).toEqual(fresh);
    expect((await admin.query('select version::text as version from rowseal.kit')).rows).toEqual([
      { version: String(KIT_VERSION) },
    ]);
    await since();
    await admin.query('create table after_upgrade (id int)');
    expect(messages(await since(), 'rowseal.ddl')[0].targets).toMatchObject([{ effects: ['creates'] }]);
    await admin.query('drop table after_upgrade');
  });

  test('installed twice and uninstalled twice, the catalogs are as before', async () => {
    const { rows } = await admin.query(
      `select rolname from pg_roles where rolname like 'rowseal%' order by 1`,
    );
    expect(rows.map(({ rolname }) => rolname)).toEqual(['rowseal', 'rowseal_owner']);
    await admin.query(`select pg_drop_replication_slot('kit')`);
    await admin.query(kitFile('99-uninstall.sql'));
    await admin.query(`create unique index t_a on t (id); alter table t replica identity using index t_a;
      alter table child replica identity nothing`);
    const before = await catalogSnapshot(admin);
    expect(before.includes('rowseal')).toBe(false);
    for (let run = 0; run < 2; run++) {
      for (const file of ['01-kit.sql', '02-capture-role.sql', '03-tables.sql', '04-publication.sql'])
        await admin.query(kitFile(file));
      await admin.query(`select rowseal.full_identity('t'), rowseal.full_identity('child'), rowseal.full_identity('parent'),
        rowseal.attach('t'), rowseal.attach('p')`);
    }
    await admin.query(`alter publication rowseal add table only t, only child`);
    await admin.query(`select pg_create_logical_replication_slot('rowseal', 'pgoutput')`);
    expect(await catalogSnapshot(admin)).not.toBe(before);
    await admin.query(kitFile('99-uninstall.sql'));
    expect(JSON.parse(await catalogSnapshot(admin))).toEqual(JSON.parse(before));
    await admin.query(kitFile('99-uninstall.sql'));
    expect(await catalogSnapshot(admin)).toBe(before);
    await app.query(`select pg_logical_emit_message(true, 'anyone', 'again')`);
  });
});
