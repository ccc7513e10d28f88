/** A second decoder on the same stream: the parser of pg-logical-replication, where it can read. */
import { PgoutputPlugin } from 'pg-logical-replication';
import { expect, test } from 'vitest';
import { until } from '../../../test/support/patience.ts';
import { testServer } from '../../../test/support/postgres.ts';
import { capture } from '../../../test/support/postgres-capture.ts';
import { parsePostgresUrl } from './wire/connection.ts';
import { createFrameReader } from './wire/frames.ts';
import { connectSession } from './wire/sessions.ts';
import { takeSocket } from './wire/takeover.ts';

test.each([14, 16, 18])('both decoders say the same of Postgres %i', async (major) => {
  await using server = await testServer({ major });
  await server.sql(`create table t (id int primary key, a text, b text collate "C", c jsonb); create table f (id int, x text);
    alter table f replica identity full; create publication rowseal for table t, f`);
  await server.sql(`select pg_create_logical_replication_slot('second', 'pgoutput')`);
  await using running = await capture(server);
  for (let round = 0; round < 30; round++) {
    await server.sql(`begin; insert into t select g, md5(g::text), null, '{"k": 1}' from generate_series(${round * 10}, ${round * 10 + 9}) g;
      insert into f values (${round}, 'x'); update f set x = x || 'ü' where id % 3 = ${round % 3};
      update t set a = null, id = id + 100000 where id % 7 = 0 and id < 100000; delete from f where id % 5 = 4; commit`);
  }
  await server.sql('truncate t, f');
  await running.caughtUp(server);

  // The library's own connection would acknowledge: only its parser is asked, on the same messages.
  const parser = new PgoutputPlugin({ protoVersion: 1, publicationNames: ['rowseal'] });
  const theirs: unknown[] = [];
  let commits = 0;
  const socket = takeSocket(await connectSession(parsePostgresUrl(server.url), 'replication'));
  const reader = createFrameReader((type, bytes, start, end) => {
    if (type !== 0x64 || bytes[start] !== 0x77) return;
    const message = parser.parse(Buffer.from(bytes.subarray(start + 25, end)));
    if (message.tag === 'commit') commits++;
    if (message.tag === 'insert') theirs.push(['insert', message.relation.name, message.new]);
    if (message.tag === 'update')
      theirs.push(['update', message.relation.name, message.new, message.old ?? message.key ?? null]);
    if (message.tag === 'delete') theirs.push(['delete', message.relation.name, message.old ?? message.key]);
    if (message.tag === 'truncate') theirs.push(['truncate', message.relations.map(({ name }) => name)]);
  });
  socket.on('data', (chunk: Buffer) => reader.push(chunk));
  const command = `START_REPLICATION SLOT "second" LOGICAL 0/0 (proto_version '1', publication_names '"rowseal"')\0`;
  const head = Buffer.from('Q\0\0\0\0');
  head.writeInt32BE(command.length + 4, 1);
  socket.write(Buffer.concat([head, Buffer.from(command)]));
  socket.resume();
  await until(() => commits >= 31);
  socket.destroy();

  const json = (row: Record<string, unknown> | null) =>
    row && Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(name, value)]));
  const ours = running.transactions.flatMap(({ events }) =>
    events.map((event) => {
      if (event.action === 'message') return null;
      if (event.action === 'truncate')
        return ['truncate', event.tables.map((name) => name.replace('public.', ''))];
      const { relation, before, after } = event;
      if (event.action === 'insert') return ['insert', relation.table, json(after)];
      if (event.action === 'update') return ['update', relation.table, json(after), json(before)];
      return ['delete', relation.table, json(before)];
    }),
  );
  expect(ours.length).toBeGreaterThan(300);
  expect(JSON.parse(JSON.stringify(ours))).toEqual(JSON.parse(JSON.stringify(theirs)));
});

/** As the library has it: integers as numbers, jsonb parsed, what was not sent left out or null. */
function plain(name: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return undefined; // outside of the key
  if (name === 'id' && typeof value === 'string') return Number(value);
  return name === 'c' && typeof value === 'string' ? JSON.parse(value) : value;
}
