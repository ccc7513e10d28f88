/** A second daemon under the same server_id gives up in the end, and says why; nothing of it is in the trail. */
import { expect, test } from 'vitest';
import { startDaemon, writeConfig } from '../support/daemon.ts';
import { startEdge } from '../support/mysql-edge.ts';

test.each(['mysql', 'mariadb'] as const)(
  '%s: two daemons on one configuration: the second stops with server_id_in_use, the first goes on',
  async (flavor) => {
    await using edge = await startEdge({ flavor });
    await using first = await edge.run();
    const path = edge.config.path.replace('rowseal.yaml', 'second.yaml');
    await writeConfig(path, edge.options, edge.config.name);
    await using second = startDaemon(path);
    const began = performance.now();
    expect(await second.exited).toBe(2);
    expect(performance.now() - began).toBeGreaterThan(55_000);
    expect(second.stderr()).toContain('[server_id_in_use]');
    await edge.server.sql('create table shop.t (id int primary key)');
    await edge.sealed();
    expect(first.log.filter(({ msg }) => msg === 'connected')).toHaveLength(1);
    expect(await first.terminate()).toBe(0);
    expect(edge.records('lifecycle').filter(({ event }) => event === 'started')).toHaveLength(1);
    expect(await edge.verify()).toBeNull();
  },
);
