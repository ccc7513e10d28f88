/** What a running trail says of our triggers when their tables go, on real servers; and how an older kit comes to be the shipped one. */
import { describe, expect, test } from 'vitest';
import { rowseal } from '../../../../test/support/daemon.ts';
import { type MysqlEdge, startEdge, until } from '../../../../test/support/mysql-edge.ts';

async function setup(edge: MysqlEdge): Promise<string> {
  const { server, config } = edge;
  const env = { ROWSEAL_ADMIN_URL: `${server.urlFor({ database: '' })}?ssl-ca=${server.caFile}` };
  const { code, stdout, stderr } = await rowseal(['setup', '-c', config.path, '--yes'], env);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

describe.each(['mysql', 'mariadb'] as const)('the kit on %s', (flavor) => {
  const tables = [{ match: 'shop.*', context_trigger: true }];
  const three = (table: string) =>
    ['DELETE', 'INSERT', 'UPDATE'].map((event) => `trigger shop.${table} AFTER ${event}`);

  // An application dropped a table, and the trail said of its three triggers that somebody had tampered with them.
  test('triggers that go with their table are no tampering, those that are dropped are', async () => {
    await using edge = await startEdge({ flavor, tables });
    const { server } = edge;
    await server.sql(`create table shop.dropped (id int primary key);
      create table shop.renamed (id int primary key);
      create table shop.stays (id int primary key)`);
    await setup(edge);
    await using daemon = await edge.runWatching();
    const objects = (event: string) =>
      edge
        .records('lifecycle')
        .filter((record) => record['event'] === event)
        .map(({ details }) => details.object as string)
        .sort();
    const tampered = () => edge.records('tamper').map(({ what, details }) => [what, details.object]);
    await server.sql(`insert into shop.dropped values (1); insert into shop.renamed values (1);
      insert into shop.stays values (1)`);
    await edge.sealed();
    await server.sql('drop table shop.dropped');
    await until(() => objects('context_object_gone').length === 3);
    await server.sql('rename table shop.renamed to shop.moved');
    await until(() => objects('context_object_created').length === 3);
    await until(() => objects('context_object_gone').length === 6);
    expect(objects('context_object_gone')).toEqual([...three('dropped'), ...three('renamed')]);
    expect(objects('context_object_created')).toEqual(three('moved'));
    expect(tampered()).toEqual([]);

    await server.sql('drop trigger shop.rowseal_i_stays');
    await until(() => tampered().length > 0);
    expect(tampered()).toEqual([['context_object_dropped', 'trigger shop.stays AFTER INSERT']]);
    // What its owner may not see need not be gone.
    await server.sql('revoke trigger on shop.* from rowseal_owner@localhost');
    await until(() => tampered().length > 1);
    expect(
      tampered()
        .slice(1)
        .map(([, object]) => object)
        .sort(),
    ).toEqual(['grant TRIGGER ON shop.*', ...three('moved'), ...three('stays').toSpliced(1, 1)]);
    expect(objects('context_object_gone')).toHaveLength(6);
    expect(await daemon.terminate()).toBe(0);
    expect(await edge.verify()).toBeNull();
  });

  test('setup renews what an older kit lacks, and leaves alone what every trigger calls', async () => {
    await using edge = await startEdge({ flavor, tables });
    const { server } = edge;
    await server.sql('create table shop.t (id int primary key)');
    await setup(edge);
    const app = await server.session({ database: 'rowseal' });
    await app.query('drop procedure inventory');
    await app.query(`create definer = rowseal_owner@localhost procedure inventory() reads sql data
      begin select 'trigger' as kind; end`);
    // Gone if it were made anew.
    await app.query(`alter procedure emit_session comment 'the same one'`);
    expect(await setup(edge)).toContain('inventory');
    const routines = await server.sql(`select routine_name as name, routine_comment as said,
        routine_definition like '%SCHEMA_PRIVILEGES%' as told
      from information_schema.routines where routine_schema = 'rowseal' and routine_name in ('emit_session', 'inventory')
      order by 1`);
    expect(routines).toEqual([
      { name: 'emit_session', said: 'the same one', told: '0' },
      { name: 'inventory', said: '', told: '1' },
    ]);
    expect(await setup(edge)).toMatch(/nothing to do/i);
    await server.sql('insert into shop.t values (1)');
  });
});
