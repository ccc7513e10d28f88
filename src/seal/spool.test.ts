import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFileSpool } from './spool.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spool-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('gives back what it was given, in order, across pieces, and leaves no file to be found', () => {
  const spool = createFileSpool(folder, 'a/b', 1000);
  spool.append(Buffer.from('one'));
  spool.append(Buffer.from('two'));
  expect(readdirSync(folder)).toEqual([]);
  expect(spool.bytes).toBe(6);
  expect(spool.take(4).toString()).toBe('onet');
  spool.append(Buffer.from('three'));
  expect(spool.take(100).toString()).toBe('wothree');
  expect(spool.bytes).toBe(0);
  expect(spool.take(100).length).toBe(0);
  spool.append(Buffer.from('again'));
  expect(spool.take(100).toString()).toBe('again');
  spool.close();
});

it('refuses what goes over its bound, and keeps what it has', () => {
  const spool = createFileSpool(folder, 'a', 5);
  spool.append(Buffer.from('four'));
  expect(() => spool.append(Buffer.from('xx'))).toThrowError(expect.objectContaining({ code: 'spool_full' }));
  expect(spool.take(9).toString()).toBe('four');
  spool.close();
});

it('removes what a killed daemon left', () => {
  writeFileSync(join(folder, 'a.rowseal-spool'), 'rows');
  const spool = createFileSpool(folder, 'a', 5);
  expect(readdirSync(folder)).toEqual([]);
  spool.close();
});

it('has room for the longest name, and tells such names apart', () => {
  const names = ['a', 'b'].map((end) => `${'x'.repeat(254)}${end}`);
  for (const name of [...names, ...names.map((each) => `${each}.prepared`)]) {
    const spool = createFileSpool(folder, name, 5);
    spool.append(Buffer.from(name.slice(-1)));
    expect(spool.take(9).toString()).toBe(name.slice(-1));
    spool.close();
  }
});
