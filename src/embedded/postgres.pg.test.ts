/** The throw-away server: it starts, crashes, starts again, and never outlives whoever started it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../../test/support/patience.ts';
import { testServer } from '../../test/support/postgres.ts';

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('it is stopped, killed and started again with its data', async () => {
  await using server = await testServer({ major: 18, own: true, settings: { work_mem: '8MB' } });
  const embedded = server.embedded!;
  await server.sql('create table t as select 1 as id');
  expect(await server.sql('show work_mem')).toEqual([{ work_mem: '8MB' }]);
  const first = embedded.pid!;
  await embedded.restart('fast');
  expect(isAlive(first)).toBe(false);
  await server.sql('insert into t values (2)');
  await embedded.kill();
  await embedded.start();
  expect(await server.sql('select id from t order by id')).toEqual([{ id: '1' }, { id: '2' }]);
});

test('nothing is left behind: neither after disposal nor after a parent that was killed', async () => {
  const server = await testServer({ major: 16, own: true });
  const { pid, dir } = server.embedded!;
  await server[Symbol.asyncDispose]();
  expect(isAlive(pid!)).toBe(false);
  expect(fs.existsSync(dir)).toBe(false);

  const module = new URL('./postgres.ts', import.meta.url).href;
  const script = `const { startPostgres } = await import(${JSON.stringify(module)});
    const server = await startPostgres({ major: 16 });
    console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const orphan = JSON.parse(line.toString()) as { pid: number; dir: string };
  expect(isAlive(orphan.pid)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => !isAlive(orphan.pid) && !fs.existsSync(orphan.dir));
});

test('a major that is not installed', async () => {
  await expect(testServer({ major: 9, own: true })).rejects.toMatchObject({ code: 'embedded_unavailable' });
});
