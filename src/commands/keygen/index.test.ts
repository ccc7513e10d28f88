import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keygenCommand } from './index.ts';

const NAME = 'audit.example.com/orders';
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rowseal-keygen-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function keygen(...argv: string[]): Promise<string> {
  const stdout = new PassThrough();
  const io = { stdout, stderr: new PassThrough(), env: {}, signal: new AbortController().signal };
  await keygenCommand.run(['--name', NAME, ...argv], io);
  return String(stdout.read());
}

it('writes the vkey beside the key, and prints it', async () => {
  const printed = await keygen('--out', join(dir, 'log.key'));
  expect(printed).toMatch(/^audit\.example\.com\/orders\+[0-9a-f]{8}\+\S+\n$/);
  expect(readFileSync(join(dir, 'log.vkey'), 'utf8')).toBe(printed);
  expect(statSync(join(dir, 'log.key')).mode & 0o777).toBe(0o600);
});

it('overwrites neither half; the refusal tells the vkey of the key that is there', async () => {
  const [key, vkey] = [join(dir, 'log.key'), join(dir, 'log.vkey')];
  const before = [readFileSync(key, 'utf8'), readFileSync(vkey, 'utf8')];
  await expect(keygen('--out', key)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(before[1]!.trim()),
  });
  expect([readFileSync(key, 'utf8'), readFileSync(vkey, 'utf8')]).toEqual(before);
  // A vkey of another key, or one that `>` has just emptied: no key is made beside it.
  writeFileSync(join(dir, 'other.vkey'), '');
  await expect(keygen('--out', join(dir, 'other.key'))).rejects.toMatchObject({ code: 'usage' });
  expect(() => statSync(join(dir, 'other.key'))).toThrow();
});

it('refuses a name that is too long for a trail', async () => {
  const make = (name: string) => keygen('--name', name, '--out', join(dir, `${name.length}.key`));
  await expect(make('a'.repeat(256))).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('at most 255 bytes; this one has 256'),
  });
  expect(await make('a'.repeat(255))).toMatch(/^a{255}\+/);
});
