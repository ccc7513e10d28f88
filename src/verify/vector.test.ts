/** The vector verifies; changed by a byte anywhere, the verdict names what is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verified } from '../../test/support/verified.ts';
import { createFolderReader } from '../store/folder.ts';
import { parseVerifierKey } from '../trail/note.ts';
import { parseSealFile } from '../trail/seal.ts';
import { exitStatus, renderVerdict } from './report.ts';

const folder = new URL('../../test/vectors/trail-1/', import.meta.url);
const key = parseVerifierKey(readFileSync(new URL('log.vkey', folder), 'utf8'));
const objects = new Map(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'log.vkey')
    .map((entry) => {
      const path = `${entry.parentPath}/${entry.name}`.slice(folder.pathname.length).replace(/^\/+/, '');
      return [path, readFileSync(new URL(path, folder))] as const;
    }),
);
const HEAD = 'seals/000000000003';

describe('the vector', () => {
  it('verifies as a folder, by its key and on first use', async () => {
    for (const given of [key, null]) {
      const verdict = await verified(createFolderReader(folder.pathname), { key: given, threads: 2 });
      expect(verdict.findings).toEqual([]);
      expect(verdict.notices).toEqual([]);
      expect(verdict).toMatchObject({
        result: 'ok',
        head: { number: 3, size: 21 },
        checked: { records: 17 },
      });
      expect(verdict.trust.how).toBe(given === null ? 'first-use' : 'pinned');
      const text = renderVerdict(verdict, { strict: true, color: false });
      expect(text).toContain('removed');
      expect(text).toContain(given === null ? 'trusted on first use' : 'given by you');
    }
  });

  it('verifies from every seal on, and seals only', async () => {
    for (const since of [1, 2, 3]) {
      const verdict = await verified(objects, { key, since });
      expect(verdict).toMatchObject({ result: 'ok', notices: [], checked: { first_seal: since } });
    }
    expect(await verified(objects, { key, sealsOnly: true })).toMatchObject({
      result: 'ok',
      checked: { segments: 0 },
    });
    expect((await verified(objects, { key, since: 9 })).result).not.toBe('ok');
  });

  it('holds the head that was remembered, or the verdict says so', async () => {
    for (const path of ['seals/000000000001', HEAD]) {
      const remembered = parseSealFile(objects.get(path)!).checkpoint;
      expect(await verified(objects, { key, remembered })).toMatchObject({ result: 'ok' });
    }
    const remembered = parseSealFile(objects.get(HEAD)!).checkpoint;
    const shorter = new Map([...objects].filter(([path]) => path !== HEAD));
    expect((await verified(shorter, { key })).result).toBe('ok');
    expect((await verified(shorter, { key, remembered })).codes).toContain('head_mismatch');
    const other = { ...remembered, root: Buffer.alloc(32) };
    expect((await verified(objects, { key, remembered: other })).codes).toContain('head_mismatch');
    const between = { ...remembered, size: 10 };
    expect((await verified(objects, { key, remembered: between })).codes).toContain('head_mismatch');
  });

  it.each([...objects.keys()])('is refused when a byte of %s is changed, wherever', async (path) => {
    const bytes = objects.get(path)!;
    for (let at = 0; at < bytes.length; at += at % 3 === 0 ? 1 : 2) {
      const spoiled = Buffer.from(bytes);
      spoiled[at]! ^= 1 << (at % 8);
      const verdict = await verified(new Map(objects).set(path, spoiled), { key });
      const named = [...verdict.findings, ...verdict.notices].some(({ object }) => object === path);
      expect({ at, named, exit: exitStatus(verdict, true) }).toEqual({ at, named: true, exit: 1 });
      if (path !== HEAD) expect(exitStatus(verdict, false)).toBe(1);
    }
  });

  it.each([...objects.keys()])('is refused when %s is cut, longer or gone', async (path) => {
    const bytes = objects.get(path)!;
    for (const other of [
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.of(10)]),
      Buffer.alloc(0),
      null,
    ]) {
      const changed = new Map(objects);
      if (other === null) changed.delete(path);
      else changed.set(path, other);
      const verdict = await verified(changed, { key });
      // A head that is gone leaves a trail that is whole without it: only --head shows that.
      if (path === HEAD && other === null) expect(verdict.result).toBe('ok');
      else expect(exitStatus(verdict, true)).toBe(1);
    }
  });
});
