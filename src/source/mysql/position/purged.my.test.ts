/** Binary logs that the server removed before they were sealed, through the whole daemon on real servers. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rowseal, startDaemon } from '../../../../test/support/daemon.ts';
import { startEdge, until } from '../../../../test/support/mysql-edge.ts';

describe.each(['mysql', 'mariadb'] as const)('on %s', (flavor) => {
  test('purged: health warns before, the error names the position, and with the gap accepted it goes on', async () => {
    await using edge = await startEdge({ flavor, seal: { max_age: '1h', max_records: 1_000_000 } });
    const { server } = edge;
    await server.sql('create table shop.t (id int primary key)');
    const { metrics } = JSON.parse(readFileSync(edge.config.path, 'utf8'));
    const health = async () => {
      const response = await fetch(`http://${metrics.listen}/healthz`);
      return { status: response.status, report: JSON.stringify(await response.json()) };
    };
    {
      await using daemon = await edge.run();
      await server.sql('insert into shop.t values (1)');
      expect((await health()).status).toBe(200);
      await server.sql('set global binlog_expire_logs_seconds = 12');
      await until(async () => (await health()).status === 503, 40_000);
      expect((await health()).report).toContain('binlog: binlog at risk (changes of');
      await daemon.kill();
    }
    await server.sql(
      'flush binary logs; insert into shop.t values (2); flush binary logs; insert into shop.t values (3)',
    );
    await server.sql('set global binlog_expire_logs_seconds = 2592000');
    // MariaDB keeps what its storage engine has not flushed yet.
    await until(async () => {
      const [last] = (await server.sql('show binary logs')).slice(-1);
      await server.sql(`purge binary logs to '${last!['Log_name']}'`);
      return (await server.sql('show binary logs')).length === 1;
    });
    await using stopped = startDaemon(edge.config.path);
    expect(await stopped.exited).toBe(2);
    const error = stopped.log.find(({ msg }) => msg === 'the trail stopped')!;
    expect(error['code']).toBe('binlog_purged');
    const [, position = ''] = /--accept-gap=(\S+?)"/.exec(JSON.stringify(error)) ?? [];
    expect(position).not.toBe('');
    // Another position than the one that is named is no acceptance.
    await using wrong = startDaemon(edge.config.path, ['--accept-gap=0-1-1']);
    expect(await wrong.exited).toBe(2);
    {
      await using daemon = await edge.run([`--accept-gap=${position}`]);
      await server.sql('insert into shop.t values (4)');
      // Read, not sealed: that is for the daemon's leave here.
      await until(async () => {
        const counted = await (await fetch(`http://${metrics.listen}/metrics`)).text();
        return /^rowseal_changes_total\{.*outcome="recorded".*\} 2$/m.test(counted);
      });
      expect(await daemon.terminate()).toBe(0);
    }
    const ids = edge.records('change').map(({ patch }) => patch[0].value.id);
    expect(ids).toEqual([3, 4]);
    expect(edge.records('gap')).toEqual([
      expect.objectContaining({ from: position, reason: expect.stringMatching(/^accepted: .*were removed/) }),
    ]);
    const status = await rowseal(['status', '-c', edge.config.path]);
    expect(status.stdout).toMatch(/gap/i);
    expect(status.stdout).toContain('were removed');
    expect(await edge.verify()).toBeNull();
  });
});
