/**
 * What a source may meet at the worst moment: tampering while a transaction is under way, a catalog that says
 * something else than the log did, a network that swallows everything.
 */
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until, withPatience } from '../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../test/support/postgres.ts';
import { capture, NEW_TRAIL, slotIsFree } from '../../../test/support/postgres-capture.ts';
import type { Observation } from '../../change/change.ts';
import { createPostgresSource } from './source.ts';
import { createWatch } from './watch/watch.ts';
import { parsePostgresUrl } from './wire/connection.ts';
import { createSideSession } from './wire/sessions.ts';

let server: TestServer;
const nothing = () => undefined;
const recordNothing = {
  begin: nothing,
  row: nothing,
  truncate: nothing,
  message: nothing,
  commit: nothing,
  quiet: nothing,
  observe: nothing,
};
beforeAll(async () => {
  server = await testServer({ major: 16, own: true });
  await server.sql('create publication rowseal for all tables; create table far (id int primary key)');
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** Opens a slot, lets `work` happen unread, and resolves with what a later stream tells of it. */
async function readLater(slot: string, work: string) {
  let resume: { through: string; incarnation: string; acceptGap: null };
  {
    await using before = await capture(server, { slot, acknowledge: false });
    const { start, identity } = before.opened;
    resume = { through: start, incarnation: identity.incarnation, acceptGap: null };
  }
  await slotIsFree(server, slot);
  await server.sql(work);
  const after = await capture(server, { slot, resume });
  await after.caughtUp(server);
  return after;
}

// The watch said it once, to a stream that was inside a transaction and kept it for later; the link broke, and the
// next stream's watch knew it already.
test('tampering noticed inside a transaction that then breaks off is told all the same', async () => {
  await server.sql(
    'create table wide (id int, pad text); create table seen (id int); create publication told for table wide, seen',
  );
  const parts = { slot: 'told', publication: 'told', matches: () => true };
  const watch = createWatch(parts);
  const told: Observation[] = [];
  const observe = (observation: Observation) => void told.push(observation);
  const unpublished = () =>
    told.filter((each) => each.kind === 'tamper' && each.what === 'table_unpublished');
  let at = '';
  let began = false;
  let resume: { through: string; incarnation: string; acceptGap: null };
  {
    const inside = Promise.withResolvers<void>();
    await using running = await capture(server, {
      ...parts,
      watch,
      watchMs: 30,
      acknowledge: false,
      handler: {
        observe,
        row: () => {
          if (began) return;
          began = true;
          running.source.pause();
          inside.resolve();
        },
      },
    });
    const { start, identity } = running.opened;
    resume = { through: start, incarnation: identity.incarnation, acceptGap: null };
    await server.sql("insert into wide select n, repeat('x', 100) from generate_series(1, 300000) n");
    await inside.promise;
    await server.sql('alter publication told drop table seen');
    await sleep(500);
    at = unpublished().length === 0 ? 'kept' : 'told';
    await server.sql(
      "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = 'told'",
    );
    await sleep(200);
    running.source.resume();
    expect(await running.ended).toMatchObject({ code: 'source_unreachable' });
  }
  await slotIsFree(server, 'told');
  expect(at).toBe('kept');
  await using again = await capture(server, { ...parts, watch, watchMs: 30, resume, handler: { observe } });
  await again.until(() => again.rows().length === 300_000);
  expect(unpublished()).toHaveLength(1);
});

// Every Relation message brought the next look forward, and so put it off: with one each 100 ms there was none at all.
test('whoever alters tables without pause does not keep the watch from looking', async () => {
  await server.sql(
    'create table busy (id int); create table prey (id int); create publication churn for table busy, prey',
  );
  const parts = { slot: 'churn', publication: 'churn', matches: () => true };
  await using running = await capture(server, { ...parts, watchMs: 400 });
  await server.sql('alter publication churn drop table prey');
  const isTold = () => running.observations.some((each) => each.kind === 'tamper');
  let i = 0;
  const altered = async () => {
    await server.sql(`alter table busy add c${++i} int; insert into busy values (${i})`);
    return isTold();
  };
  await until(altered, undefined, 80, 'the tampering to be told');
});

// While the seal that says 'started' waited for the store, the server restarted. The stream then began on a socket
// that was closed already, whose end nobody would hear again, and took a minute to notice.
test('a server that goes away between opening and streaming', async () => {
  const source = createPostgresSource({
    url: server.url,
    slot: 'early',
    publication: 'rowseal',
    matches: () => true,
    log: { info: () => undefined, warn: () => undefined },
    clock: Date.now,
  });
  await source.open(NEW_TRAIL);
  await server.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rowseal'",
  );
  await sleep(300);
  const streamed = source.stream(recordNothing).then(
    () => 'ended',
    (error: unknown) => error,
  );
  expect(await withPatience(streamed, 'the stream to end')).toMatchObject({ code: 'source_unreachable' });
  await source.close();
});

// The key was asked from the catalogs as they are; the rows are of before the key was another.
test('under REPLICA IDENTITY DEFAULT the key is the one of the log, not of the catalogs of now', async () => {
  await server.sql('create table moved (id int primary key, tenant int not null, note text)');
  await using later = await readLater(
    'moved',
    `insert into moved values (1, 7, 'a'); delete from moved;
     alter table moved drop constraint moved_pkey, add primary key (tenant, id);
     insert into moved values (2, 8, 'b')`,
  );
  expect(later.rows().map(({ action, relation }) => [action, relation.primaryKey])).toEqual([
    ['insert', null], // not learnt: what the log flags is taken instead
    ['delete', null],
    ['insert', ['tenant', 'id']],
  ]);
});

// A partition that was dropped before its last rows were read has no ancestors any more.
test('a relation that is gone says so, and one that is there does not', async () => {
  await server.sql('create table parted (id int) partition by list (id)');
  await using later = await readLater(
    'parted',
    `create table parted_1 partition of parted for values in (1); insert into parted values (1);
     insert into far values (1); drop table parted_1`,
  );
  expect(later.rows().map(({ table, relation }) => [table, relation.gone === true])).toEqual([
    ['public.parted_1', true],
    ['public.far', false],
  ]);
});

/** A way to the server that can be made to swallow everything, in both directions, without closing anything. */
async function swallowingProxy(target: string) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let silent = false;
  const listener = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => !silent && to.destroy());
      from.on('data', (bytes) => !silent && to.write(bytes));
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((listener.address() as { port: number }).port);
  return {
    url: url.href,
    silence: () => {
      silent = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

// A catalog look-up that was never answered held the stream up for as long as the kernel tries (a quarter of an
// hour), while idle seals went on and /healthz was green.
test('a server that answers nothing any more is given up, and a session to it can be closed', async () => {
  await using proxy = await swallowingProxy(server.url);
  const url = `${proxy.url}${proxy.url.includes('?') ? '&' : '?'}connect_timeout=3`;
  const [asked, idle] = [0, 1].map(() => createSideSession(parsePostgresUrl(url), () => undefined, 3000));
  for (const side of [asked!, idle!]) await side.query('select 1');
  proxy.silence();
  const answer = asked!.query('select 2').catch((error: unknown) => error);
  expect(await withPatience(answer, 'an end')).toMatchObject({ code: 'source_unreachable' });
  await withPatience(idle!.close(), 'the idle session to be closed');
});
