import { spawnSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileStore } from './file.ts';

const SEAL = 'seals/000000000000';
const TRAIL = 'audit.example.com/orders';
const until = new Date('2030-01-01T00:00:00Z');

describe('the file store', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'rowseal-file-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const open = () => createFileStore({ root, trail: TRAIL });
  const temporaries = () => readdirSync(root).filter((name) => name.startsWith('.rowseal-tmp-'));
  const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

  test('a name of 255 bytes in one part is a folder', async () => {
    const trail = 'a'.repeat(255);
    const store = createFileStore({ root, trail });
    expect(await store.create(SEAL, Buffer.from('one'), until)).toBe('created');
    expect(String(await store.read(SEAL, null, 10))).toBe('one');
  });

  test('objects are read-only, and nothing else stays behind', async () => {
    await open().create(SEAL, Buffer.from('one'), until);
    expect(statSync(join(root, TRAIL, SEAL)).mode & 0o777).toBe(0o444);
    expect(statSync(join(root, TRAIL, SEAL)).nlink).toBe(1);
    expect(temporaries()).toEqual([]);
    await open().create(SEAL, Buffer.from('two'), until);
    expect(temporaries()).toEqual([]);
  });

  test('the root is made when it is first needed', async () => {
    const store = createFileStore({ root: join(root, 'a/b'), trail: TRAIL });
    for await (const _ of store.list('')) expect.unreachable();
    expect(readdirSync(root)).toEqual([]);
    expect(await store.create(SEAL, Buffer.from('one'), until)).toBe('created');
  });

  test('a crash before link: the temporary of a dead process is swept, of a living one it stays', async () => {
    const name = (pid: number | undefined) => `.rowseal-tmp-${hostname()}-${pid}-1`;
    writeFileSync(join(root, name(deadPid())), 'half');
    // Our own pid, but of an earlier life: in a container every life has pid 1.
    writeFileSync(join(root, `.rowseal-tmp-${hostname()}-${process.pid}-999999`), 'half');
    writeFileSync(join(root, name(process.ppid)), 'of a living process');
    writeFileSync(join(root, '.rowseal-tmp-another.host-1-1'), 'of another host');
    await open().create(SEAL, Buffer.from('one'), until);
    expect(temporaries().toSorted()).toEqual(
      ['.rowseal-tmp-another.host-1-1', name(process.ppid)].toSorted(),
    );
  });

  test('a crash after link: the object stands, its second name is swept, the same bytes are the same', async () => {
    mkdirSync(join(root, TRAIL, 'seals'), { recursive: true });
    const temporary = join(root, `.rowseal-tmp-${hostname()}-${deadPid()}-1`);
    writeFileSync(temporary, 'one');
    linkSync(temporary, join(root, TRAIL, SEAL));
    const store = open();
    expect(await store.create(SEAL, Buffer.from('one'), until)).toBe('same');
    expect(temporaries()).toEqual([]);
    expect((await store.read(SEAL, null, 10)).toString()).toBe('one');
  });

  test('a link or a file where a folder belongs is never written through', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'rowseal-elsewhere-'));
    mkdirSync(join(root, TRAIL), { recursive: true });
    symlinkSync(elsewhere, join(root, TRAIL, 'seals'));
    writeFileSync(join(root, TRAIL, 'segments'), '');
    const forbidden = { code: 'store_forbidden' };
    await expect(open().create(SEAL, Buffer.from('one'), until)).rejects.toMatchObject(forbidden);
    await expect(open().create('segments/x', Buffer.from('one'), until)).rejects.toMatchObject(forbidden);
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(elsewhere, { recursive: true });
  });

  test('a folder, a link or a FIFO at the key is taken', async () => {
    mkdirSync(join(root, TRAIL, SEAL), { recursive: true });
    symlinkSync('/dev/null', join(root, TRAIL, 'seals/000000000001'));
    const store = open();
    expect(await store.create(SEAL, Buffer.from('one'), until)).toBe('taken');
    expect(await store.create('seals/000000000001', Buffer.alloc(0), until)).toBe('taken');
  });

  test('a folder that may not be written is store_forbidden', async () => {
    // sysfs lets nobody make folders, root included.
    const created = createFileStore({ root: '/sys/rowseal', trail: TRAIL }).create(
      SEAL,
      Buffer.from('one'),
      until,
    );
    await expect(created).rejects.toMatchObject({ code: 'store_forbidden' });
  });
});
