/** The packs of test/vectors/packs-1, which another hand made of the trail there, and what holds for any objects. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packPath, sealPath, segmentPath } from '../names.ts';
import { findingOf } from '../refuse.ts';
import { formatPack, packedObject, parsePack, parsePackHead } from './pack.ts';

interface Vectors {
  readonly trail: string;
  readonly packs: readonly {
    readonly file: string;
    readonly about: string;
    readonly path: string;
    readonly class: string | null;
    readonly first: number;
    readonly last: number;
    readonly objects: readonly { path: string; offset: number; bytes: number; sha256: string }[];
  }[];
  readonly refused: readonly { about: string; trail: string; path: string; file: string; finding: string }[];
  readonly other_bytes: { trail: string; path: string; file: string; taken: string; refused: string };
}

const folder = new URL('../../../test/vectors/packs-1/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('packs.json', folder), 'utf8')) as Vectors;
const { trail } = vectors;

const finding = (run: () => unknown): string | null => {
  try {
    run();
  } catch (error) {
    return findingOf(error) ?? String(error);
  }
  return null;
};

describe('the vectors', () => {
  it.each(vectors.packs)('$file: $about', ({ file, path, class: className, first, last, objects }) => {
    const bytes = readFileSync(new URL(file, folder));
    const pack = parsePack(bytes, { trail, path });
    expect(pack).toMatchObject({ trail, className, first, last, fileBytes: bytes.length });
    expect(pack.entries.map(({ number: _, ...entry }) => entry)).toEqual(objects);
    const taken = objects.map((object) => ({
      path: object.path,
      bytes: packedObject(pack, bytes, object.path)!,
    }));
    for (const object of taken) {
      const own = readFileSync(new URL(`../trail-1/${object.path}`, folder));
      expect(object.bytes.equals(own)).toBe(true);
    }
    expect(formatPack({ trail, className, first, last }, taken).equals(bytes)).toBe(true);
    const head = bytes.subarray(0, objects[0]!.offset);
    expect(parsePackHead(head, bytes.length, { trail, path })).toEqual(pack);
  });

  it.each(vectors.refused)('refuse $about', ({ file, trail: of, path, finding: expected }) => {
    expect(finding(() => parsePack(Buffer.from(file, 'base64'), { trail: of, path }))).toBe(expected);
  });

  it('hand nothing over with other bytes than they name', () => {
    const { file: text, trail: of, path, taken, refused } = vectors.other_bytes;
    const file = Buffer.from(text, 'base64');
    const pack = parsePack(file, { trail: of, path });
    expect(packedObject(pack, file, taken)).toEqual(Buffer.from('x'));
    expect(finding(() => packedObject(pack, file, refused))).toBe('pack_object');
    expect(packedObject(pack, file, 'seals/000000000004')).toBe(null);
    // A file that was cut behind the look at its head.
    expect(finding(() => packedObject(pack, file.subarray(0, -1), refused))).toBe('pack_object');
  });
});

describe('a pack', () => {
  const objects = fc.uniqueArray(
    fc.record({
      number: fc.integer({ min: 5, max: 40 }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    }),
    { minLength: 1, maxLength: 12, selector: ({ number }) => number },
  );

  it('gives back the very objects', () => {
    fc.assert(
      fc.property(objects, fc.boolean(), (list, ofSeals) => {
        const segments = list
          .toSorted((a, b) => a.number - b.number)
          .map(({ number, bytes }) => {
            const sha256 = hash('sha256', bytes, 'hex');
            return { path: segmentPath('a-1', '2026-02-03T', number, sha256), bytes: Buffer.from(bytes) };
          });
        const seals = list.map(({ bytes }, i) => ({
          path: sealPath(5 + i),
          bytes: Buffer.concat([Buffer.alloc(256), bytes]),
        }));
        const scope = ofSeals
          ? { trail, className: null, first: 5, last: 4 + list.length }
          : { trail, className: 'a-1', first: 5, last: 40 };
        const given = ofSeals ? seals : segments;
        const file = formatPack(scope, given);
        const pack = parsePack(file, { trail, path: packPath(scope.className, 5) });
        expect(pack).toMatchObject(scope);
        expect(pack.entries.map(({ path }) => path)).toEqual(given.map(({ path }) => path));
        for (const { path, bytes } of given) expect(packedObject(pack, file, path)?.equals(bytes)).toBe(true);
      }),
    );
  });

  it('is not written where it would be none', () => {
    const seal = (number: number) => ({ path: sealPath(number), bytes: Buffer.alloc(300) });
    const write = (first: number, last: number, numbers: number[]) =>
      finding(() => formatPack({ trail, className: null, first, last }, numbers.map(seal)));
    expect(write(0, 2, [0, 1, 2])).toBe(null);
    expect(write(0, 2, [0, 2])).toBe('pack_member');
    expect(write(0, 2, [0, 2, 1])).toBe('pack_member');
    expect(write(0, 0, [])).toBe('pack_member');
    expect(
      write(
        0,
        1024,
        Array.from({ length: 1025 }, (_, i) => i),
      ),
    ).toBe('pack_member');
    expect(
      write(
        0,
        1023,
        Array.from({ length: 1024 }, (_, i) => i),
      ),
    ).toBe(null);
    const large = Array.from({ length: 129 }, (_, i) => ({
      path: sealPath(i),
      bytes: Buffer.alloc(1024 * 1024),
    }));
    expect(finding(() => formatPack({ trail, className: null, first: 0, last: 128 }, large))).toBe(
      'pack_too_large',
    );
  });

  it('is refused where its lines are longer than 1 MiB, before they are read', () => {
    const head = Buffer.from(`rowseal/pack@v1\n${' '.repeat(1024 * 1024)}{}\n`);
    expect(finding(() => parsePack(head, { trail, path: packPath(null, 0) }))).toBe('pack_malformed');
  });

  it('ends on any bytes, and on any change to one, with a refusal or the same list', () => {
    const { file, path } = vectors.packs[1]!;
    const good = readFileSync(new URL(file, folder));
    const end = (bytes: Buffer) => {
      const found = finding(() => parsePack(bytes, { trail, path }));
      if (found !== null) expect(found).toMatch(/^pack_/);
      return found;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (some) => {
        end(Buffer.from(some));
        expect(end(Buffer.concat([good.subarray(0, 16), some]))).not.toBe(null);
      }),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const spoiled = Buffer.from(good);
        spoiled[at]! ^= by;
        end(spoiled);
      }),
    );
  });
});
