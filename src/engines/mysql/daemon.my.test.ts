/** What the daemon says of itself on MySQL and MariaDB: that it is ready, what is wrong and how to mend it, what it counted. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { LogLine } from '../../../test/support/daemon.ts';
import { rowseal } from '../../../test/support/daemon.ts';
import { type MysqlEdge, startEdge, until } from '../../../test/support/mysql-edge.ts';

const ready = ({ msg }: LogLine) => msg === 'tables are captured';
const notWhole = ({ msg }: LogLine) => msg === 'the capture is not whole';
const wholeAgain = ({ msg }: LogLine) => msg === 'the capture is whole again';

test.each(['mysql', 'mariadb'] as const)(
  '%s: ready, not whole, whole again; contexts that are none are counted',
  async (flavor) => {
    const tables = [{ match: 'shop.*', context_trigger: true }];
    await using edge = await startEdge({ flavor, tables });
    const { server, config } = edge;
    await server.sql('create table shop.orders (id int primary key)');
    const setup = () => rowseal(['setup', '-c', config.path, '--yes'], { ROWSEAL_ADMIN_URL: adminUrl(edge) });
    const first = await setup();
    expect(first.code, first.stdout + first.stderr).toBe(0);

    await using daemon = await edge.run();
    expect(await daemon.says(ready)).toMatchObject({ tables: 1, problems: 0 });
    expect(await health(edge)).toEqual([]);
    expect(await metric(edge, 'rowseal_reconnects_total')).toBe(0);

    await server.sql('set global binlog_row_image = minimal');
    await server.sql('create table shop.tt (id int primary key)');
    await until(async () => (await health(edge)).length === 2);
    expect(await health(edge)).toEqual([
      expect.stringMatching(/^binlog_row_image: .*MINIMAL.* → rowseal doctor -c /),
      `shop.tt has no context trigger → rowseal setup -c ${config.path}`,
    ]);
    expect(await daemon.says(notWhole)).toBeDefined();
    await server.sql('set global binlog_row_image = full');
    expect((await setup()).code).toBe(0);
    await until(async () => (await health(edge)).length === 0);
    await daemon.says(wholeAgain);

    const app = await server.session({ database: 'shop' });
    const actors = ['{bad', '{"actor":{"type":"person","id":"9"}}', `{"actor":{"id":"${'9'.repeat(9000)}"}}`];
    for (const [id, actor] of [...actors, 'u_1'].entries()) {
      await app.query('set @rowseal_actor = ?', [actor]);
      await app.query('insert into orders values (?)', [id]);
    }
    await edge.sealed();
    expect(await metric(edge, 'rowseal_bad_contexts_total')).toBe(3);
    expect(edge.records('change').map(({ attribution }) => attribution.tier)).toEqual([
      ...actors.map(() => 'connection'),
      'session',
    ]);
    expect(await daemon.terminate()).toBe(0);
    expect(edge.records('lifecycle').find(({ event }) => event === 'capture')?.['details']).toMatchObject({
      tables_matched: 1,
    });
    expect(await edge.verify()).toBeNull();
  },
);

function adminUrl({ server }: MysqlEdge): string {
  const url = new URL(server.urlFor({ database: '' }));
  url.searchParams.set('ssl-ca', server.caFile as string);
  return url.href;
}

async function ask({ config }: MysqlEdge, path: string): Promise<string> {
  const { metrics } = JSON.parse(readFileSync(config.path, 'utf8')) as { metrics: { listen: string } };
  return (await fetch(`http://${metrics.listen}/${path}`)).text();
}

async function health(edge: MysqlEdge): Promise<string[]> {
  return JSON.parse(await ask(edge, 'healthz')).trails[0].complaints;
}

async function metric(edge: MysqlEdge, name: string): Promise<number | null> {
  const line = (await ask(edge, 'metrics')).split('\n').find((each) => each.startsWith(`${name}{`));
  return line === undefined ? null : Number(line.split(' ').at(-1));
}
