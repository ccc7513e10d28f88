/**
 * The trails of test/vectors that hold level 2, and the one that version 0.1.1 wrote: they verify for ever, by whatever way
 * the key came and from whichever seal on; spoiled anywhere, they do not.
 */
import { describe, expect, it } from 'vitest';
import { given } from '../../test/support/render-vectors.ts';
import type { StoredVersion } from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { createFolderReader } from '../store/folder.ts';
import { sealPath } from '../trail/names.ts';
import { parseVerifierKey } from '../trail/note.ts';
import { parseSealFile } from '../trail/seal.ts';
import { exitStatus } from './report.ts';

const WRITTEN = new Date('2026-12-02T00:00:00Z');
const read = (name: string) => {
  const files = new Map(given(name));
  const key = parseVerifierKey(files.get('log.vkey')!.toString());
  const objects = new Map([...files].filter(([path]) => path.includes('/')));
  const seals = [...objects.keys()].filter((path) => path.startsWith('seals/')).sort();
  const folder = new URL(`../../test/vectors/${name}/`, import.meta.url).pathname;
  return { files, key, objects, seals, head: seals.length - 1, folder };
};
const LATER = read('trail-2');
const CASES = [
  { name: 'trail-2', ...LATER, size: 63, records: 53, segments: 19 },
  { name: 'trail-1-2', ...read('trail-1-2'), size: 21, records: 17, segments: 7 },
  { name: 'trail-0.1.1', ...read('trail-0.1.1'), size: 479, records: 465, segments: 21 },
];

describe.each(CASES)('$name', ({ key, objects, seals, head, folder, size, records, segments }) => {
  it('verifies as a folder, by its key and on first use, whatever the date', async () => {
    for (const now of [WRITTEN, new Date('2031-01-01T00:00:00Z'), new Date('2200-01-01T00:00:00Z')]) {
      for (const given of [key, null]) {
        const verdict = await verified(createFolderReader(folder), { key: given, now, threads: 2 });
        expect(verdict).toMatchObject({
          result: 'ok',
          findings: [],
          notices: [],
          head: { number: head, size },
          checked: { seals: head + 1, segments, records },
          trust: { how: given === null ? 'first-use' : 'pinned' },
        });
        expect(exitStatus(verdict, true)).toBe(0);
      }
    }
  });

  it('verifies from every seal on, and seals only', async () => {
    for (let since = 0; since <= head; since++) {
      const verdict = await verified(objects, { key, since, now: WRITTEN });
      expect(verdict).toMatchObject({ result: 'ok', notices: [], checked: { first_seal: since } });
    }
    const verdict = await verified(objects, { key, sealsOnly: true, now: WRITTEN });
    expect(verdict).toMatchObject({ result: 'ok', notices: [], checked: { segments: 0 } });
  });

  it('holds any head that was remembered', async () => {
    for (const path of seals) {
      const remembered = parseSealFile(objects.get(path)!).checkpoint;
      expect((await verified(objects, { key, remembered, now: WRITTEN })).codes, path).toEqual([]);
      const other = { ...remembered, root: Buffer.alloc(32) };
      expect((await verified(objects, { key, remembered: other, now: WRITTEN })).codes).toContain(
        'head_mismatch',
      );
    }
  });

  it('is refused when a byte of any object is changed, or it is cut, longer or gone', async () => {
    for (const [path, bytes] of objects) {
      if (isUnread(path)) continue;
      const text = path.startsWith('cosignatures/') ? bytes.indexOf('\n\n') : bytes.length;
      for (const spoiled of spoilt(bytes, text)) {
        const changed = new Map(objects);
        if (spoiled === null) changed.delete(path);
        else changed.set(path, spoiled);
        const verdict = await verified(changed, { key, now: WRITTEN });
        // Of the head and of what lies beside the seals nothing else tells.
        if (spoiled === null && (path === seals.at(-1) || !/^(?:seals|segments)\//.test(path))) continue;
        const named = [...verdict.findings, ...verdict.notices].some(({ object }) => object === path);
        const exit = exitStatus(verdict, true);
        expect({ path, named: named || spoiled === null, exit }).toEqual({ path, named: true, exit: 1 });
      }
    }
  });
});

/** A segment of a seal that lost is named by a later seal, and nobody reads it. */
const isUnread = (path: string): boolean =>
  [...LATER.objects].some(([seal, bytes]) => seal.startsWith('seals/') && abandonedIn(bytes).includes(path));

function abandonedIn(seal: Buffer): readonly string[] {
  return parseSealFile(seal).seal.abandoned ?? [];
}

/** A bit changed here and there below `end`, the last byte gone, one more, nothing at all; null: the object is gone. */
function spoilt(bytes: Buffer, end: number): (Buffer | null)[] {
  const flipped = Array.from({ length: 4 }, (_, i) => {
    const copy = Buffer.from(bytes);
    copy[Math.floor((end * (i + 0.5)) / 4)]! ^= 1 << (2 * i);
    return copy;
  });
  return [...flipped, bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(10)]), Buffer.alloc(0), null];
}

describe('the seal of trail-2 that lost the race', () => {
  const lost = LATER.files.get('lost.seal')!;
  const raced = parseSealFile(lost).seal.number;
  /** The trail in a store of versions, with these of the seal that was raced. */
  const withVersions = async (...versions: Buffer[]) => {
    const objects = new Map<string, StoredVersion[]>();
    for (const [path, bytes] of LATER.objects) {
      const own = path === sealPath(raced) ? versions : [bytes];
      objects.set(
        path,
        own.map((each, i) => ({ version: `v${i}`, bytes: each })),
      );
    }
    return await verified(objects, { key: LATER.key });
  };
  const own = LATER.objects.get(sealPath(raced))!;

  it('is nothing behind the one that counts, since a later seal lists it', async () => {
    expect(await withVersions(own, lost)).toMatchObject({ result: 'ok', notices: [] });
  });

  it('would be the one that counts if it were the older', async () => {
    expect((await withVersions(lost, own)).codes).toContain('previous_mismatch');
  });
});

describe('the key of trail-2 that signs last', () => {
  it('checks what is behind the seal that hands over to it', async () => {
    const { key: first, objects, head } = LATER;
    const by = (number: number) => parseSealFile(objects.get(sealPath(number))!).seal;
    const handsOver = [...Array(head).keys()].find((number) => by(number).next_key !== undefined)!;
    const key = parseVerifierKey(by(handsOver).next_key!);
    expect((await verified(objects, { key: first })).trust).toMatchObject({ present: key.vkey });
    expect((await verified(objects, { key })).codes).toEqual(['key_missing']);
    expect(await verified(objects, { key, since: handsOver + 1 })).toMatchObject({
      result: 'ok',
      notices: [],
    });
  });
});
