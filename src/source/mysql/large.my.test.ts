/** More than fits into memory at once, through the whole daemon on real servers. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startEdge } from '../../../test/support/mysql-edge.ts';

describe.each(['mysql', 'mariadb'] as const)('on %s', (flavor) => {
  test('a transaction of 500,000 rows, values of 40 MB, 1,000 columns: memory is bounded', async () => {
    const limits = { max_age: '1s', max_records: 50_000 };
    await using edge = await startEdge({ flavor, settings: ['max-allowed-packet=128M'], seal: limits });
    const { server } = edge;
    const columns = Array.from({ length: 1000 }, (_, i) => `c${i} int`).join(',');
    await server.sql(`create table shop.many (id int primary key, a varchar(60), b int);
      create table shop.wide (id int primary key, ${columns});
      create table shop.large (id int primary key, b longblob, c longtext)`);
    await using daemon = await edge.run();
    const peakMb = () => {
      const [, kb] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8')) ?? [];
      return Number(kb) / 1024;
    };
    await server.sql(`insert into shop.wide (id, c0, c999) values (1, 1, 2); update shop.wide set c500 = 7`);
    await server.sql(`insert into shop.many
      with recursive n as (select 1 as i union all select i + 1 from n where i < 1000)
      select a.i * 1000 + b.i, concat('row ', a.i, '-', b.i, '-', repeat('x', 30)), b.i
        from n a join n b where a.i <= 500`);
    await edge.sealed();
    const small = peakMb();
    for (let id = 1; id <= 4; id++) {
      await server.sql(`insert into shop.large values (${id}, repeat(x'00ff', 20000000), null)`);
    }
    // Its event holds the value twice. And one whose text has to be escaped.
    await server.sql(`update shop.large set c = 'x' where id = 1`);
    await server.sql(`insert into shop.large values (9, null, repeat('t"', 20000000))`);
    await edge.sealed();
    expect(small).toBeLessThan(500);
    expect(peakMb()).toBeLessThan(1000);
    expect(await daemon.terminate()).toBe(0);
    expect([edge.count('change'), edge.count('gap')]).toEqual([500_008, 0]);
    expect(await edge.verify()).toBeNull();
  });
});
