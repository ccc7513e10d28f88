import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { openReader, openStore } from './open.ts';

const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'sesame' };

test('a path and a file URL are the same folder', async () => {
  const path = mkdtempSync(join(tmpdir(), 'rowseal open-'));
  expect((await openReader(path)).location).toBe(path);
  expect((await openReader(pathToFileURL(path).href)).location).toBe(path);
  expect((await openReader('trails/a')).location).toBe(resolve('trails/a'));
  rmSync(path, { recursive: true });
});

test('an s3 URL opens what openStore wrote, and shows no key', async () => {
  const place = { type: 's3', bucket: 'b', prefix: '/p/q/', endpoint: 'http://127.0.0.1:1' } as const;
  const store = await openStore({ ...place, force_path_style: true }, 'a.example/t', env);
  expect(store.location).toBe(
    's3://b/p/q/a.example/t?endpoint=http%3A%2F%2F127.0.0.1%3A1&force_path_style=true',
  );
  const reader = await openReader(store.location, env);
  expect(reader.location).toBe(store.location);
  expect(JSON.stringify(reader)).not.toContain('sesame');
  await Promise.all([store.close(), reader.close()]);
});

test.each([
  'http://example.com/trail',
  's3://bucket',
  's3:///trail',
  's3://bucket/trail?regoin=eu-central-1',
  's3://id:sesame@bucket/trail',
  'file://elsewhere/trail',
])('%s is refused as usage, without the secret', async (location) => {
  const error = await openReader(location, env).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'usage' });
  expect((error as Error).message).not.toContain('sesame');
});

test('a trail name that climbs out is refused', async () => {
  for (const trail of ['..', 'a/../b', '/a', 'a//b', 'A', 'a/seals']) {
    await expect(openStore({ type: 'file', path: 'x' }, trail)).rejects.toMatchObject({
      code: 'config_invalid',
    });
    await expect(openStore({ type: 's3', bucket: 'b', region: 'r' }, trail, env)).rejects.toMatchObject({
      code: 'config_invalid',
    });
  }
});
