/** The demo as a user runs it: a child process, its exit status, and what it leaves behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blocksOf, masked } from '../support/guides.ts';
import { expectAllWell, MAIN, type Outcome, run } from './demo-outcome.ts';

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'rowseal-test-demo-'));
  await chmod(place, 0o755); // as root, Postgres runs as nobody and must get at its folder below
});

afterAll(() => rm(place, { recursive: true, force: true }));

it('plays to the end, every actor found, every spoiled copy caught with its very object', async () => {
  const { stdout } = await run(process.execPath, [MAIN, 'demo', '--json', '--dir', join(place, 'json')]);
  await expectAllWell(JSON.parse(stdout) as Outcome, 'none');
});

it('tells each step with what to type, and colours nothing where nobody looks', async () => {
  const { stdout } = await run(process.execPath, [MAIN, 'demo', '--dir', join(place, 'told')]);
  for (const command of ['keygen', 'setup', 'doctor', 'run', 'status', 'show', 'verify'])
    expect(stdout).toContain(`$ rowseal ${command} `);
  // What it shows of the order is what the command that it names prints.
  const asked = ['--table', 'public.orders', '--key', 'id=42', '--ddl'];
  expect(stdout).toContain(`$ rowseal show trails/shop.example/orders ${asked.join(' ')}\n`);
  const trail = join(place, 'told', 'trails', 'shop.example', 'orders');
  const shown = await run(process.execPath, [MAIN, 'show', trail, ...asked]);
  expect(shown.stdout).toContain('details.ship_to.city: "Graz" → "Linz"');
  for (const line of shown.stdout.trimEnd().split('\n')) expect(stdout).toContain(`\n   ${line}\n`);
  // And what the README and the auditors' guide show is what it and verify print.
  const verify = (copy: string) =>
    run(process.execPath, [MAIN, 'verify', copy, '--key', join(place, 'told', 'log.vkey')]);
  const good = await verify(trail);
  const spoiled = (await verify(join(place, 'told', 'spoiled', 'seal-removed')).catch(
    (error: unknown) => error,
  )) as { code?: number; stdout: string };
  expect(spoiled.code).toBe(1);
  const printed = masked(stdout + good.stdout + spoiled.stdout);
  const pictures = ['README.md', 'docs/auditors.md']
    .flatMap(blocksOf)
    .filter(({ language }) => language === '');
  expect(pictures).toHaveLength(3);
  for (const { text, at } of pictures) {
    const lines = masked(text).filter((line) => line !== '…' && !line.startsWith('at '));
    expect(printed, at).toEqual(expect.arrayContaining(lines));
  }
  expect(stdout).toMatch(/Everything was as it should be \(\d+\.\d s\)\./);
  expect(stdout).not.toContain('\u001b');
});

it('never touches a trail that is there', async () => {
  const dir = join(place, 'told');
  const before = await readFile(join(dir, 'log.key'), 'utf8');
  await expect(run(process.execPath, [MAIN, 'demo', '--dir', dir])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('[usage]'),
  });
  expect(await readFile(join(dir, 'log.key'), 'utf8')).toBe(before);
});

it('takes Postgres down when it is interrupted', async () => {
  const child = spawn(process.execPath, [MAIN, 'demo', '--dir', join(place, 'interrupted')], {
    env: { ...process.env, TMPDIR: place },
  });
  let stdout = '';
  const captured = new Promise<void>((resolve, reject) => {
    child.once('exit', (exit) => reject(new Error(`it ended with ${exit} before it was interrupted`)));
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('The daemon captures')) resolve();
    });
  });
  await captured;
  const [server] = (await readdir(place)).filter((name) => name.startsWith('rowseal-pg-'));
  const pid = Number(
    (await readFile(join(place, server ?? '', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0],
  );
  child.kill('SIGINT');
  const [exit] = (await once(child, 'exit')) as [number];
  expect(exit).toBe(130);
  expect(() => process.kill(pid, 0)).toThrow();
  expect((await readdir(place)).filter((name) => name.startsWith('rowseal-pg-'))).toEqual([]);
});

it('says a clear word where there is no Postgres to start', async () => {
  const env = { ...process.env, ROWSEAL_DEMO_POSTGRES_BIN: join(place, 'nowhere') };
  await expect(
    run(process.execPath, [MAIN, 'demo', '--dir', join(place, 'none')], { env }),
  ).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('[embedded_unavailable]'),
  });
  expect(await readdir(place)).not.toContain('none');
});
