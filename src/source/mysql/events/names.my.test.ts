/** A server that keeps names of schemas and tables in lower case: rules match them in whatever case they are written. */
import { describe, expect, test } from 'vitest';
import { rowseal } from '../../../../test/support/daemon.ts';
import { startEdge } from '../../../../test/support/mysql-edge.ts';
import type { Check } from '../../preflight.ts';

// With lower_case_table_names = 1 the binlog says `shop.orders` of what everybody calls Shop.Orders. A rule that was written
// so matched nothing: changes were out of the trail, what was excluded or redacted was in it, and nobody was told.
describe.each(['mysql', 'mariadb'] as const)('names without case on %s', (flavor) => {
  test('are recorded, left out and redacted as the rules mean', async () => {
    await using edge = await startEdge({
      flavor,
      initial: ['lower-case-table-names=1'],
      tables: [
        { match: 'Shop.*' },
        { match: 'shop.Customers', columns: { Email: 'mask' }, former_columns: { Phone: 'mask' } },
        { match: 'SHOP.Secret', exclude: true },
      ],
    });
    const { server } = edge;
    await server.sql(`create table Shop.Orders (id int primary key);
      create table Shop.Customers (id int primary key, email varchar(50));
      create table Shop.Secret (id int primary key,
        constraint of_order foreign key (id) references Shop.Orders (id) on delete cascade)`);
    {
      await using daemon = await edge.run();
      await server.sql(`insert into Shop.Orders values (1); insert into SHOP.Secret values (1);
        insert into shop.CUSTOMERS values (2, 'ada@example.com')`);
      await edge.sealed();
      expect(await daemon.terminate()).toBe(0);
      expect(edge.found(['ada@example.com'], [daemon])).toEqual([]);
    }
    expect(edge.records('change').map(({ target, patch }) => [target.table, patch[0].value])).toEqual([
      ['orders', { id: 1 }],
      ['customers', { id: 2, email: null }],
    ]);
    // The excluded child's cascade is nobody's business.
    expect(edge.records('lifecycle').filter(({ event }) => event === 'cascades_not_shown')).toEqual([]);
    expect(await edge.verify()).toBeNull();
    // As the capture account sees it.
    const { stdout } = await rowseal(['doctor', '-c', edge.config.path, '--json']);
    const { checks } = (JSON.parse(stdout) as { trails: { checks: Check[] }[] }).trails[0]!;
    const tables = checks.filter(({ id }) => id.startsWith('tables.'));
    expect(tables.map(({ status, what }) => `${status} ${what}`)).toEqual(['ok 2 tables match']);
    expect(checks.filter(({ group }) => group === 'foreign key')).toEqual([]);
  });
});
