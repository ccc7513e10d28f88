/**
 * One writer (invariant I9) on MySQL and MariaDB: two daemons on one configuration. The server would end the stream of the
 * first for the second; so the second must see the first before, wait, and stop in the end. MariaDB, where registered
 * replicas can't be seen, once had the two end each other for ever, each sealing that it started.
 */
import { expect, test } from 'vitest';
import { isConnected, type LogLine, startDaemon, writeConfig } from '../support/daemon.ts';
import { startTrail } from '../support/in-process.ts';
import { type MysqlEdge, startEdge } from '../support/mysql-edge.ts';
import { until, withPatience } from '../support/patience.ts';

const waits = (line: LogLine) => line['code'] === 'server_id_in_use';
const keys = (edge: MysqlEdge) => edge.records('change').map(({ target }) => target.key.id);
const started = (edge: MysqlEdge) =>
  edge.records('lifecycle').filter(({ event }) => event === 'started').length;

test.each(['mysql', 'mariadb'] as const)(
  '%s: the second of two daemons waits, then stops, and the first goes on undisturbed',
  async (flavor) => {
    await using edge = await startEdge({ flavor });
    const { server } = edge;
    await server.sql('create table shop.t (id int primary key)');
    await using first = await edge.run();
    await server.sql('insert into shop.t values (1)');
    await edge.sealed();
    const second = await startTrail(await secondConfig(edge), (store) => store, { patienceMs: 6000 });
    const began = performance.now();
    const over = second.done.then(
      () => null,
      (error: unknown) => error,
    );
    await until(() => second.log.some((line) => waits(JSON.parse(line))));
    for (let id = 2; id < 8; id++) await server.sql(`insert into shop.t values (${id})`);
    expect(await withPatience(over, 'the second to stop')).toMatchObject({ code: 'server_id_in_use' });
    expect(performance.now() - began).toBeGreaterThan(5500);
    await server.sql('insert into shop.t values (8)');
    await edge.sealed();
    expect(first.log.filter(({ level }) => level !== 'info' && Number(level) !== 30)).toEqual([]);
    expect(await first.terminate()).toBe(0);
    expect(keys(edge)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(started(edge)).toBe(1);
    expect(await edge.verify()).toBeNull();
  },
);

test.each(['mysql', 'mariadb'] as const)(
  '%s: the second takes over when the first is killed',
  async (flavor) => {
    await using edge = await startEdge({ flavor, heartbeat: '2s' });
    const { server } = edge;
    await server.sql('create table shop.t (id int primary key)');
    await using first = await edge.run();
    await using second = startDaemon(await secondConfig(edge));
    await second.says(waits);
    await server.sql('insert into shop.t values (1)');
    await edge.sealed();
    await first.kill();
    // The server keeps the dead one's stream until it can't send it a heartbeat.
    await second.says(isConnected, 40_000);
    await server.sql('insert into shop.t values (2)');
    await edge.sealed();
    expect(await second.terminate()).toBe(0);
    expect(keys(edge)).toEqual([1, 2]);
    expect(await edge.verify()).toBeNull();
  },
);

/** The same configuration, but for where it listens. */
async function secondConfig({ config, options }: MysqlEdge): Promise<string> {
  const path = config.path.replace('rowseal.yaml', 'second.yaml');
  await writeConfig(path, options, config.name);
  return path;
}
