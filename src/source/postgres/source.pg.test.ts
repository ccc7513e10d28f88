/** The source's life: exact acknowledgement, restarts, the cases of opening, back-pressure, heartbeats, the watch. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until, withPatience } from '../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../test/support/postgres.ts';
import {
  type CapturedRow,
  type CapturedTransaction,
  capture,
  NEW_TRAIL,
  slotIsFree,
} from '../../../test/support/postgres-capture.ts';
import { RowsealError } from '../../base/errors.ts';
import { createWatch } from './watch/watch.ts';
import { parseLsn } from './wire/lsn.ts';

const code = (error: unknown) => (error instanceof RowsealError ? error.code : error);

describe.each([14, 18])('the source on Postgres %i', (major) => {
  let server: TestServer;
  beforeEach(async () => {
    server = await testServer({ major, own: true });
    await server.sql('create table t (id int primary key, a text); create publication rowseal for table t');
  });
  afterEach(() => server?.[Symbol.asyncDispose]());

  const ids = (rows: readonly CapturedRow[]) => rows.map((row) => (row.after ?? row.before)?.['id']);
  const resume = async (through: string, acceptGap: string | null = null) => {
    const { identity } = await inspect();
    return { through, incarnation: identity.incarnation, acceptGap };
  };
  const inspect = async () => {
    await using running = await capture(server, { slot: 'probe', acknowledge: false });
    await running.source.close();
    await slotIsFree(server, 'probe');
    await server.sql(`select pg_drop_replication_slot('probe')`);
    return running.opened;
  };
  const confirmed = async () =>
    (
      await server.sql(`select confirmed_flush_lsn from pg_replication_slots where slot_name = 'rowseal'`)
    )[0]?.['confirmed_flush_lsn'] as string;
  const refusal = (options: Parameters<typeof capture>[1]) =>
    capture(server, options).then(() => 'opened', code);

  // The npm replication library acknowledges a commit's end + 1 and so loses the commit that starts right there.
  test('a commit right behind an acknowledged one is not lost', async () => {
    const [a, b] = [await server.session(), await server.session()];
    let pair: readonly CapturedTransaction[] = [];
    {
      await using running = await capture(server, { acknowledge: false });
      const adjacent = () => pair.length === 2 && pair[0]!.end === pair[1]!.position;
      for (let id = 0; id < 40 && !adjacent(); id += 2) {
        await a.query(`begin; insert into t values (${id})`);
        await b.query(`begin; insert into t values (${id + 1})`);
        await Promise.all([a.query('commit'), b.query('commit')]);
        await running.until(() => running.transactions.length === id + 2);
        pair = running.transactions.slice(-2);
      }
      expect(adjacent()).toBe(true);
      running.source.acknowledge(pair[0]!.end!);
    }
    await slotIsFree(server);
    expect(await confirmed()).toBe(pair[0]!.end);
    await using again = await capture(server, { resume: await resume(pair[0]!.end!) });
    await again.until(() => again.transactions.length === 1);
    expect(again.transactions[0]!.position).toBe(pair[1]!.position);
  });

  test('nothing is acknowledged by itself, and a stream goes on exactly where it was acknowledged', async () => {
    let first: string;
    {
      await using running = await capture(server, { acknowledge: false });
      first = running.opened.start;
      for (let id = 1; id <= 20; id++) await server.sql(`insert into t values (${id})`);
      await running.until(() => running.transactions.length === 20);
    }
    await slotIsFree(server);
    expect(await confirmed()).toBe(first);
    let through = first;
    const seen: unknown[] = [];
    for (let round = 0; round < 4; round++) {
      await using running = await capture(server, { acknowledge: false, resume: await resume(through) });
      await running.until(() => running.transactions.length === 20 - round * 5);
      through = running.transactions[4]!.end!;
      running.source.acknowledge(through);
      running.source.acknowledge(first); // never back
      seen.push(...ids(running.rows()).slice(0, 5));
      await running.source.close();
      await slotIsFree(server);
      expect(await confirmed()).toBe(through);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => String(index + 1)));
  });

  test('a server that restarts is a retryable error, and the stream goes on without loss', async () => {
    let through: string;
    {
      await using running = await capture(server);
      await server.sql('insert into t values (1)');
      await running.until(() => running.transactions.length === 1);
      through = running.transactions[0]!.end!;
      await server.embedded!.restart('immediate');
      const error = await running.ended;
      expect(code(error)).toBe('source_unreachable');
      expect((error as RowsealError).retryable).toBe(true);
    }
    await server.sql('insert into t values (2)');
    await using again = await capture(server, { resume: await resume(through) });
    await again.until(() => again.transactions.length === 1);
    expect(ids(again.rows())).toEqual(['2']);
  });

  test('a fast shutdown does not wait for a sealer that never seals', async () => {
    await using running = await capture(server, { acknowledge: false });
    await server.sql('insert into t values (1)');
    await running.until(() => running.transactions.length === 1);
    await withPatience(server.embedded!.stop('fast'), 'the server to stop');
    expect(code(await running.ended)).toBe('source_unreachable');
  });

  test('a server that was killed, and one that is not there', async () => {
    await using running = await capture(server);
    await server.embedded!.kill();
    expect(code(await running.ended)).toBe('source_unreachable');
    expect(await refusal({ resume: { through: '0/1', incarnation: null, acceptGap: null } })).toBe(
      'source_unreachable',
    );
  });

  test('the cases of opening', async () => {
    const { start, identity } = await inspect();
    const at = { through: start, incarnation: identity.incarnation, acceptGap: null };
    // No slot, though there is a trail.
    expect(await refusal({ resume: at })).toBe('slot_missing');
    expect(await refusal({ resume: { ...at, acceptGap: '0/1' } })).toBe('slot_missing');
    {
      await using running = await capture(server, { resume: { ...at, acceptGap: start } });
      expect(running.opened.gap).toMatchObject({ from: start, to: running.opened.start });
      expect(await refusal({ resume: { ...at, through: running.opened.start } })).toBe('slot_in_use');
    }
    await slotIsFree(server);
    // A crash between the creation of the slot and the first seal that holds a position.
    {
      await using running = await capture(server, { resume: NEW_TRAIL });
      expect(running.opened.start).toBe(await confirmed());
    }
    await slotIsFree(server);
    // Somebody advanced it.
    const before = await confirmed();
    await server.sql('insert into t values (1)');
    await server.sql(`select pg_replication_slot_advance('rowseal', pg_current_wal_lsn())`);
    const moved = await confirmed();
    expect(parseLsn(moved)).toBeGreaterThan(parseLsn(before));
    expect(await refusal({ resume: { ...at, through: before } })).toBe('slot_moved');
    {
      await using running = await capture(server, { resume: { ...at, through: before, acceptGap: before } });
      expect(running.opened.gap).toMatchObject({ from: before, to: moved });
    }
    await slotIsFree(server);
    // Another cluster, an older timeline, a log that ends before the trail.
    expect(await refusal({ resume: { ...at, incarnation: '1/1' } })).toBe('source_changed');
    expect(await refusal({ resume: { ...at, incarnation: identity.incarnation.replace(/1$/, '2') } })).toBe(
      'source_changed',
    );
    expect(await refusal({ resume: { ...at, through: 'FF/0' } })).toBe('source_changed');
    // Not ours to read.
    await server.sql(
      `select pg_drop_replication_slot('rowseal'); select pg_create_logical_replication_slot('rowseal', 'test_decoding')`,
    );
    expect(await refusal({ resume: at })).toBe('source_misconfigured');
    expect(await refusal({ slot: 'other', publication: 'nowhere' })).toBe('source_misconfigured');
    expect(await server.sql(`select from pg_replication_slots where slot_name = 'other'`)).toEqual([]);
  });

  test('a slot that the server invalidated', async () => {
    let through: string;
    {
      await using running = await capture(server);
      through = running.opened.start;
    }
    await slotIsFree(server);
    await server.sql(`alter system set max_slot_wal_keep_size = '1MB'`);
    await server.sql('select pg_reload_conf()');
    for (let i = 0; i < 4; i++) {
      await server.sql(`select pg_logical_emit_message(false, 'x', repeat('x', 1000000)), pg_switch_wal()`);
    }
    await server.sql('checkpoint');
    expect(await refusal({ resume: await resume(through) })).toBe('slot_lost');
    await using running = await capture(server, { resume: await resume(through, through) });
    expect(running.opened.gap?.from).toBe(through);
    await server.sql('insert into t values (1)');
    await running.until(() => running.transactions.length === 1);
  });

  test('a publication that is dropped, and one that is created again', async () => {
    const watch = createWatch({ slot: 'rowseal', publication: 'rowseal', matches: () => true });
    {
      await using running = await capture(server, { watchMs: 50, watch });
      await server.sql('drop publication rowseal');
      await server.sql('insert into t values (1)');
      expect(code(await running.ended)).toBe('source_misconfigured');
    }
    await slotIsFree(server);
    await server.sql('create publication rowseal for table t');
    // 18 passes over the rows in between in silence; the others can't go on over them.
    if (major < 18) return;
    await using running = await capture(server, {
      watchMs: 50,
      watch,
      resume: await resume(await confirmed()),
    });
    await server.sql('drop publication rowseal; create publication rowseal for table t');
    await running.until(() =>
      running.observations.some((each) => 'what' in each && each.what === 'publication_recreated'),
    );
  });

  test('a walsender that is terminated while its slot is dropped', async () => {
    await using running = await capture(server);
    await server.sql('select pg_terminate_backend(pid) from pg_stat_replication');
    expect(code(await running.ended)).toBe('source_unreachable');
    await slotIsFree(server);
    await server.sql(`select pg_drop_replication_slot('rowseal')`);
    expect(await refusal({ resume: await resume(running.opened.start) })).toBe('slot_missing');
  });

  test('pause stops the socket, status updates go on, resume goes on', async () => {
    await server.sql(`alter system set wal_sender_timeout = '5s'`);
    await server.sql('select pg_reload_conf()');
    await using running = await capture(server, { statusMs: 300 });
    await server.sql('insert into t values (0)');
    await running.until(() => running.transactions.length === 1);
    running.source.pause();
    await server.sql(`insert into t select g, repeat('x', 1000) from generate_series(1, 30000) g`);
    const [sessionsBefore] = await server.sql('select pid from pg_stat_replication');
    await new Promise((resolve) => setTimeout(resolve, 6500));
    expect(running.transactions.length).toBe(1);
    running.source.resume();
    await running.until(() => running.transactions.length === 2);
    expect(running.rows().length).toBe(30_001);
    expect(await server.sql('select pid from pg_stat_replication')).toEqual([sessionsBefore]);
  });

  test('heartbeats move the slot of an idle database while its neighbour writes', async () => {
    await using running = await capture(server, { heartbeatMs: 200 });
    await server.sql('create database neighbour');
    const neighbour = await server.session('neighbour');
    await neighbour.query('create table n (id int)');
    const restartLsn = async () =>
      parseLsn((await server.sql('select restart_lsn from pg_replication_slots'))[0]!['restart_lsn']!);
    const before = await restartLsn();
    for (let i = 0; i < 20; i++) {
      await neighbour.query('insert into n select generate_series(1, 1000)');
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    // restart_lsn moves with a running-xacts record, which a checkpoint writes.
    await server.sql('checkpoint');
    await until(async () => (await restartLsn()) > before, undefined, 200);
    expect(running.transactions).toEqual([]);
  });

  test('what weakens the capture is told once, between transactions', async () => {
    await server.sql(`create table later (id int primary key); create table part (id int primary key) partition by list (id);
      create table part1 partition of part for values in (1); alter publication rowseal add table later`);
    const matches = (_: string, table: string, ancestors: readonly string[]) =>
      table !== 'hidden' && ancestors.every((name) => name !== 'public.ignored');
    await using running = await capture(server, { watchMs: 50, matches });
    await running.until(() => running.observations.length === 1);
    expect(running.observations[0]).toMatchObject({
      kind: 'lifecycle',
      event: 'capture',
      details: { tables_published: 2 },
    });
    const whats = () =>
      running.source
        .health()
        .map(({ what, object }) => `${what} ${object}`)
        .sort();
    expect(whats()).toEqual(['table_not_published public.part1']);
    const told = async (sql: string, count = 1) => {
      const before = running.observations.length;
      await server.sql(sql);
      await running.until(() => running.observations.length >= before + count);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return running.observations
        .slice(before)
        .map((each) => ('what' in each ? each.what : 'event' in each ? each.event : each.kind));
    };
    expect(await told('create table hidden (id int); create table fresh (id int)')).toEqual([
      'table_not_published',
    ]);
    expect(await told('alter publication rowseal add table fresh, part', 2)).toEqual(
      expect.arrayContaining(['table_published', 'table_published']),
    );
    expect(whats()).toEqual([]);
    expect(await told('alter publication rowseal drop table later')).toEqual(['table_unpublished']);
    expect(whats()).toEqual(['table_not_published public.later']);
    expect(await told(`alter publication rowseal set (publish = 'insert, update')`, 2)).toEqual([
      'publication_altered',
      'publication_altered',
    ]);
    expect(await told('alter table t replica identity full')).toEqual(['replica_identity_changed']);
    expect(await told('alter table t replica identity nothing')).toEqual(['replica_identity_lowered']);
    expect(
      await told('alter table t replica identity default; alter table t drop constraint t_pkey', 0),
    ).toEqual([]);
    if (major >= 15) {
      expect(await told('alter publication rowseal set table t where (id > 5), fresh, part')).toEqual([
        'row_filter_altered',
      ]);
      expect(await told('alter publication rowseal set table t (id), fresh, part', 2)).toEqual(
        expect.arrayContaining(['row_filter_altered', 'column_list_altered']),
      );
      expect(whats()).toContain('column_list public.t');
    }
    await server.sql(`create function noop() returns trigger language plpgsql as 'begin return null; end';`);
    expect(
      await told(`create trigger rowseal_context_before before insert on fresh for each statement execute function noop();
        alter table fresh enable always trigger rowseal_context_before`),
    ).toEqual(['context_trigger_enabled']);
    expect(await told('alter table fresh disable trigger rowseal_context_before')).toEqual([
      'context_trigger_disabled',
    ]);
    expect(whats()).toContain('context_trigger_disabled public.fresh');
  });
});
