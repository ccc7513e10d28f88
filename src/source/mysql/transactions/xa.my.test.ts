/** Prepared transactions beyond what memory holds, through a daemon that is killed while they wait for their verdict. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Daemon } from '../../../../test/support/daemon.ts';
import { startEdge, until } from '../../../../test/support/mysql-edge.ts';

const MEGABYTE = 2 ** 20;
const XIDS = ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'] as const;
type Xid = (typeof XIDS)[number];
const rowsOf = (xid: Xid) => ({
  first: XIDS.indexOf(xid) * 100_000 + 100_000,
  count: xid === 'aa' ? 20_000 : 7000,
});

test.each(['mysql', 'mariadb'] as const)('%s: 110 MB that wait for their verdict', async (flavor) => {
  await using edge = await startEdge({ flavor });
  const { server } = edge;
  await server.sql('create table shop.t (id int primary key, who varchar(20), v longtext)');
  /** Rows of 2 kB each, in a session of its own: MariaDB's keeps the transaction. */
  const prepare = async (xid: Xid) => {
    const session = await server.session();
    const { first, count } = rowsOf(xid);
    const depth = flavor === 'mysql' ? 'cte_max_recursion_depth' : 'max_recursive_iterations';
    await session.query(`set session ${depth} = 100000; xa start '${xid}'; insert into shop.t
      with recursive n as (select 0 as i union all select i + 1 from n where i < ${count - 1})
      select ${first} + i, '${xid}', concat('secret-', repeat('${xid}', 1000)) from n;
      xa end '${xid}'; xa prepare '${xid}'`);
    return [xid, session] as const;
  };
  await using daemon = await edge.run();
  const sessions = new Map<Xid, Awaited<ReturnType<typeof prepare>>[1]>();
  for (const xid of XIDS) sessions.set(...(await prepare(xid)));
  await server.sql(`insert into shop.t values (1, 'now', null)`);
  await until(() => edge.count('change') === 1);

  // Files without a name, in which nothing can be read.
  expect(edge.found(['secret-'], [daemon])).toEqual([]);
  expect(readdirSync(join(edge.config.dir, 'spool'))).toEqual([]);
  const held = spooled(daemon);
  expect(held.length).toBeGreaterThan(45 * MEGABYTE);
  expect(held.includes('secret-')).toBe(false);

  await daemon.kill();
  // The server finds out that nobody reads its log when it has something to send.
  for (let i = 0; i < 3; i++) await server.sql('flush binary logs');
  await using again = await edge.run();
  await until(() => spooled(again).length >= held.length);
  const committed = ['cc', 'aa', 'ff', 'bb', 'dd'] as const;
  for (const xid of committed) await sessions.get(xid)!.query(`xa commit '${xid}'`);
  await sessions.get('ee')!.query(`xa rollback 'ee'`);
  await edge.sealed();
  expect(spooled(again)).toHaveLength(0);
  expect(await again.terminate()).toBe(0);

  const told = committed.flatMap((xid) => {
    const { first, count } = rowsOf(xid);
    return Array.from({ length: count }, (_, i) => `${first + i} ${xid}`);
  });
  const changes = edge.records('change').map(({ patch: [{ value }] }) => `${value.id} ${value.who}`);
  expect(changes).toEqual(['1 now', ...told]);
  expect(edge.count('gap')).toBe(0);
  expect(await edge.verify()).toBeNull();
});

/** What stands in the spools of a process for what it may not deliver yet. */
function spooled({ pid }: Daemon): Buffer {
  const folder = `/proc/${pid}/fd`;
  const contents = readdirSync(folder).flatMap((fd) => {
    try {
      const path = join(folder, fd);
      return readlinkSync(path).endsWith('.prepared.rowseal-spool (deleted)') ? [readFileSync(path)] : [];
    } catch {
      return []; // closed in between
    }
  });
  return Buffer.concat(contents);
}
