/** Wide rows and large values pass, in bounded memory. */
import { expect, test } from 'vitest';
import { testServer } from '../../../test/support/postgres.ts';
import { capture } from '../../../test/support/postgres-capture.ts';

test.each([14, 18])('1,600 columns on Postgres %i', async (major) => {
  await using server = await testServer({ major });
  const columns = Array.from({ length: 1599 }, (_, index) => `c${index} int`);
  await server.sql(
    `create table wide (id int primary key, ${columns.join(', ')}); create publication rowseal for table wide`,
  );
  await using running = await capture(server);
  await server.sql(`insert into wide values (1, ${columns.map((_, index) => index).join(', ')})`);
  await server.sql('update wide set c7 = null');
  await running.caughtUp(server);
  const [inserted, updated] = running.rows();
  expect(Object.keys(inserted!.after!)).toHaveLength(1600);
  expect(inserted!.after!['c1598']).toBe('1598');
  expect(updated!.after).toMatchObject({ c7: null, c8: '8' });
});

// It took 261 MB once, 260 were allowed: a message's memory waited for the collector while the next one was put together.
test('values of 100 MB take the memory of one', async () => {
  const VALUE_BYTES = 100_000_000;
  await using server = await testServer({ major: 16, settings: { shared_buffers: '32MB' } });
  await server.sql(`create table t (id int primary key, a text); alter table t alter a set storage external;
    create publication rowseal for table t`);
  const seen: number[] = [];
  await using running = await capture(server, {
    handler: {
      begin: () => undefined,
      commit: () => undefined,
      row: (_action, _relation, _before, _isKey, after) => seen.push(after!.ends[1]! - after!.starts[1]!),
    },
  });
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  for (let id = 0; id < 5; id++)
    await server.sql(`insert into t values (${id}, repeat('x', ${VALUE_BYTES}))`);
  await running.until(() => seen.length === 5);
  clearInterval(timer);
  expect(seen).toEqual(Array.from({ length: 5 }, () => VALUE_BYTES));
  // One message is put together at a time, in one allocation, which goes back before the next is begun; it is read
  // through a buffer of 64 KiB. Half a value is left for whatever else the test's process does meanwhile: a second
  // copy, or a first one that waits for the collector, takes a whole value more.
  expect((peak - before) / VALUE_BYTES).toBeLessThan(1.5);
});

test('memory stays flat inside a large transaction', async () => {
  await using server = await testServer({ major: 16 });
  await server.sql('create table t (id int primary key, a text); create publication rowseal for table t');
  let rows = 0;
  let peak = 0;
  await using running = await capture(server, {
    handler: {
      begin: () => undefined,
      commit: () => undefined,
      row: () => {
        if (++rows % 10_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
      },
    },
  });
  await server.sql(`insert into t select g, repeat('x', 50) from generate_series(1, 100000) g`);
  await running.until(() => rows === 100_000);
  const settled = peak;
  await server.sql(`insert into t select g, repeat('x', 50) from generate_series(100001, 1000000) g`);
  await running.until(() => rows === 1_000_000);
  expect((peak - settled) / 1e6).toBeLessThan(40);
});

// ALTER DATABASE … SET transaction_timeout ended the walsender in the middle of a large transaction (25P04), each time anew.
test.each([14, 18])(
  'timeouts that the database or the role sets do not end the stream of Postgres %i',
  async (major) => {
    await using server = await testServer({ major });
    await server.sql('create table t (id int primary key, a text); create publication rowseal for table t');
    const [{ database, role } = { database: '', role: '' }] = await server.sql(
      'select current_database() as database, current_user as role',
    );
    const timeouts = ['statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout'];
    for (const name of [...timeouts, ...(major >= 17 ? ['transaction_timeout'] : [])]) {
      await server.sql(
        `alter database "${database}" set ${name} = '150ms'; alter role "${role}" set ${name} = '150ms'`,
      );
    }
    let rows = 0;
    let commits = 0;
    const handler = { begin: () => undefined, commit: () => commits++, row: () => rows++ };
    await using running = await capture(server, { handler });
    await server.sql(`set statement_timeout = 0; ${major >= 17 ? 'set transaction_timeout = 0;' : ''}
    insert into t select g, repeat('x', 100) from generate_series(1, 400000) g`);
    await running.until(() => rows === 400_000 && commits > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await server.sql(`insert into t values (0, '')`);
    await running.until(() => rows === 400_001);
  },
);
