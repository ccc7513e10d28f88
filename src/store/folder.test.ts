import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runs } from '../../test/support/runs.ts';
import { createFolderReader } from './folder.ts';
import { compareKeys } from './names.ts';

describe('a hostile folder', () => {
  let outside: string;
  let root: string;
  const put = (key: string, text: string) => {
    mkdirSync(dirname(join(root, key)), { recursive: true });
    writeFileSync(join(root, key), text);
  };
  const list = async (prefix = '', after?: string) => {
    const found: string[] = [];
    for await (const { key } of createFolderReader(root).list(prefix, after)) found.push(key);
    return found;
  };
  const read = (key: string, maxBytes = 1000) => createFolderReader(root).read(key, null, maxBytes);
  const missing = { code: 'object_missing' };

  beforeAll(() => {
    outside = mkdtempSync(join(tmpdir(), 'rowseal-folder-'));
    root = join(outside, 'trail');
    writeFileSync(join(outside, 'secret'), 'secret');
    put('seals/000000000000', 'plain');
  });
  afterAll(() => rmSync(outside, { recursive: true, force: true }));

  test('links are listed as junk and never followed, wherever they lead', async () => {
    symlinkSync(join(outside, 'secret'), join(root, 'seals/000000000001'));
    symlinkSync('000000000000', join(root, 'seals/000000000002'));
    symlinkSync('loop', join(root, 'seals/loop'));
    symlinkSync(outside, join(root, 'segments'));
    symlinkSync('/dev/zero', join(root, 'seals/000000000003'));
    expect(await list()).toEqual([
      'seals/000000000000',
      'seals/000000000001',
      'seals/000000000002',
      'seals/000000000003',
      'seals/loop',
      'segments',
    ]);
    for (const key of (await list()).slice(1)) await expect(read(key)).rejects.toMatchObject(missing);
    await expect(read('segments/secret')).rejects.toMatchObject(missing);
    expect((await read('seals/000000000000')).toString()).toBe('plain');
  });

  test('a whole key lists that object alone, by the same rules', async () => {
    put('seals/000000000000x', 'longer');
    put('seals/000000000009/x', 'in a folder of that name');
    const segment = 'segments/a/2026/11/22/000000000000-0123456789abcdef.jsonl.zst';
    put(`real/${segment}`, 'segment');
    expect(await list('seals/000000000000')).toEqual(['seals/000000000000']);
    expect(await list('seals/000000000000', 'seals/')).toEqual(['seals/000000000000']);
    expect(await list('seals/000000000000', 'seals/000000000000')).toEqual([]);
    expect(await list('seals/000000000001')).toEqual(['seals/000000000001']);
    expect(await list('seals/000000000008')).toEqual([]);
    expect(await list('seals/000000000009')).toEqual([]);
    const found: string[] = [];
    for await (const { key, bytes } of createFolderReader(join(root, 'real')).list(segment)) {
      found.push(`${key} ${bytes}`);
    }
    expect(found).toEqual([`${segment} 7`]);
    // The folder is a link: what is behind it is not in the trail.
    symlinkSync(join(root, 'real/segments/a'), join(root, 'real/segments/b'));
    for await (const { key } of createFolderReader(join(root, 'real')).list(segment.replace('/a/', '/b/'))) {
      found.push(key);
    }
    expect(found).toHaveLength(1);
    for (const junk of ['seals/000000000000x', 'seals/000000000009', 'real']) {
      rmSync(join(root, junk), { recursive: true });
    }
  });

  test('keys that climb out read nothing', async () => {
    for (const key of [
      '../secret',
      'seals/../../secret',
      '/etc/hostname',
      '',
      '.',
      'seals/',
      'seals//000000000000',
      'a\0b',
    ]) {
      await expect(read(key)).rejects.toMatchObject(missing);
    }
  });

  test('a FIFO, a socket and a folder are no objects, and nothing waits for them', async () => {
    execFileSync('mkfifo', [join(root, 'seals/fifo')]);
    mkdirSync(join(root, 'seals/000000000007/inside'), { recursive: true });
    const server = createServer().listen(join(root, 'seals/socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    for (const key of ['seals/fifo', 'seals/socket', 'seals/000000000007']) {
      await expect(read(key)).rejects.toMatchObject(missing);
    }
    expect(await list('seals/fifo')).toEqual(['seals/fifo']);
    await new Promise((resolve) => server.close(resolve));
  });

  test('a huge sparse file is refused by its size', async () => {
    put('seals/huge', '');
    truncateSync(join(root, 'seals/huge'), 2 ** 42);
    await expect(read('seals/huge', 1 << 20)).rejects.toMatchObject({ code: 'object_too_large' });
  });

  test('a very deep tree is listed down to a limit', async () => {
    const deep = Array.from({ length: 60 }, () => 'd').join('/');
    put(`deep/${deep}/x`, 'x');
    const [found, ...more] = await list('deep/');
    expect(more).toEqual([]);
    expect(found).toMatch(/^deep\/(d\/)+$/);
  });

  test('a folder that is not there, or is a file, is store_missing', async () => {
    for (const path of [join(outside, 'none'), join(outside, 'secret')]) {
      const listed = (async () => {
        for await (const _ of createFolderReader(path).list('')) expect.unreachable();
      })();
      await expect(listed).rejects.toMatchObject({ code: 'store_missing' });
    }
  });

  test('order, prefix and after agree with the plain definition, for any names', async () => {
    const part = fc.stringMatching(/^[a-c.\-🙂\uffee]{1,3}$/u).filter((text) => !/^\.+$/.test(text));
    const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 12 }),
        key,
        fc.boolean(),
        async (keys, edge, withAfter) => {
          run += 1;
          const base = `any${run}/`;
          const kept: string[] = [];
          for (const name of keys) {
            // A name can't be a file and a folder at once.
            const path = base + name;
            if (kept.some((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`))) continue;
            put(path, name);
            kept.push(path);
          }
          const bytewise = kept.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          const after = withAfter ? base + edge : undefined;
          const expected = bytewise.filter((name) => after === undefined || compareKeys(name, after) > 0);
          expect(await list(base, after)).toEqual(expected);
          expect(await list(base + edge)).toEqual(bytewise.filter((name) => name.startsWith(base + edge)));
        },
      ),
      { numRuns: runs(150) },
    );
  });

  test('keys compare as their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
