import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RowsealError } from '../../base/errors.ts';
import { readPassword, readSecret } from './secret.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowseal secret-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const hintOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof RowsealError) return error.hint;
    throw error;
  }
  throw new Error('it was read');
};

it('gives the text without its last line break', () => {
  const path = join(folder, 'there');
  writeFileSync(path, 'a b\r\n');
  expect([readPassword(path), readSecret(path)]).toEqual(['a b', 'a b']);
});

it('names the command that makes a password that is missing, and only of a password', () => {
  const path = join(folder, 'capture.password');
  expect(hintOf(() => readPassword(path))).toContain(`(umask 077; openssl rand -hex 24 > '${path}')`);
  expect(hintOf(() => readSecret(path))).not.toContain('openssl');
});
