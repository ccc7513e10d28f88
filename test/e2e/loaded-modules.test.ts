/**
 * What a verb loads before it starts. An auditor's verify once waited for whatever a shared module imported: the drivers,
 * the AWS SDK and the daemon's log and metrics are for the verbs that talk to them.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const VECTOR = new URL('../vectors/trail-1', import.meta.url).pathname;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rowseal-loaded-'));
  await writeFile(
    join(dir, 'hook.mjs'),
    `import { appendFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) {
      appendFileSync(process.env.LOADED, url + '\\n');
      return next(url, context);
    } });`,
  );
});
afterAll(() => rm(dir, { recursive: true }));

it.each([
  ['--help'],
  ['version'],
  ['verify', VECTOR, '--key', join(VECTOR, 'log.vkey')],
  ['show', VECTOR],
  ['keygen', '--out', 'log.key', '--name', 'a.example/b'],
])('%s loads no package at all', async (...argv) => {
  const LOADED = join(dir, `loaded-${argv[0]}`);
  const args = ['--import', join(dir, 'hook.mjs'), MAIN, ...argv];
  await promisify(execFile)(process.execPath, args, { cwd: dir, env: { ...process.env, LOADED } });
  const loaded = (await readFile(LOADED, 'utf8')).trim().split('\n');
  expect(loaded).toContain(`file://${MAIN}`);
  expect(loaded.filter((url) => url.includes('/node_modules/'))).toEqual([]);
});
