import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrailName, parseSegmentPath, sealNumber, sealPath, segmentPath } from './names.ts';
import { findingOf } from './refuse.ts';
import { parseMidnight, parseRetention, parseSealedAt, retainUntil } from './retention.ts';
import { checkFrame, compressOptions, decompressSegment } from './segment.ts';

const plain = Buffer.from('{"kind":"change"}\n'.repeat(1000));
const object = zstdCompressSync(plain, compressOptions());
const finding = (run: () => unknown): string | null => {
  try {
    run();
  } catch (error) {
    return findingOf(error) ?? String(error);
  }
  return null;
};

describe('a segment', () => {
  it('comes back, at any size', () => {
    for (const size of [1, 255, 256, 65_791, 65_792, 131_073, 9_000_000]) {
      const bytes = Buffer.alloc(size, 'rowseal ');
      const frame = zstdCompressSync(bytes, compressOptions());
      expect(checkFrame(frame).windowBytes).toBeLessThanOrEqual(2 * 1024 * 1024);
      expect(decompressSegment(frame, size).equals(bytes)).toBe(true);
    }
  });

  it('is refused with anything but one frame', () => {
    const skippable = Buffer.from('502a4d1804000000aabbccdd', 'hex');
    expect(finding(() => checkFrame(Buffer.concat([object, object])))).toBe('frame_trailing');
    expect(finding(() => checkFrame(Buffer.concat([object, skippable])))).toBe('frame_trailing');
    expect(finding(() => checkFrame(Buffer.concat([object, Buffer.of(0)])))).toBe('frame_trailing');
    expect(finding(() => checkFrame(Buffer.concat([skippable, object])))).toBe('frame_skippable');
    expect(finding(() => checkFrame(object.subarray(0, -1)))).toBe('frame_malformed');
    expect(finding(() => checkFrame(Buffer.from('rowseal')))).toBe('frame_malformed');
  });

  it('is refused with a dictionary or a large window', () => {
    const dictionary = Buffer.from(object);
    dictionary[4]! |= 1;
    expect(finding(() => checkFrame(dictionary))).toBe('frame_dictionary');
    const wide = zstdCompressSync(Buffer.alloc(20_000_000, 'abcdefg'), { params: { 101: 24 } });
    expect(finding(() => checkFrame(wide))).toBe('frame_window');
  });

  it('is never decompressed beyond what the seal says', () => {
    const bomb = zstdCompressSync(Buffer.alloc(50_000_000), compressOptions());
    expect(finding(() => decompressSegment(bomb, 100))).toBe('plain_bytes_mismatch');
    expect(finding(() => decompressSegment(object, plain.length + 1))).toBe('plain_bytes_mismatch');
    expect(finding(() => decompressSegment(object, plain.length - 1))).toBe('plain_bytes_mismatch');
  });

  it('ends on any change of a byte', () => {
    fc.assert(
      fc.property(fc.nat(object.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const spoiled = Buffer.from(object);
        spoiled[at]! ^= flip;
        // A reader checks the hash first; here it only matters that it ends with a refusal or the same bytes.
        const found = finding(() =>
          expect(decompressSegment(spoiled, plain.length).equals(plain)).toBe(true),
        );
        expect(found === null || /^(frame_|plain_)/.test(found), String(found)).toBe(true);
      }),
    );
  });
});

describe('names', () => {
  it('are those of the layout', () => {
    expect(sealPath(42)).toBe('seals/000000000042');
    expect(sealNumber('seals/000000000042')).toBe(42);
    expect(sealNumber('seals/42')).toBe(null);
    const path = segmentPath('default', '2026-11-21T20:18:33.123Z', 42, 'ab'.repeat(32));
    expect(path).toBe('segments/default/2026/11/21/000000000042-abababababababab.jsonl.zst');
    expect(parseSegmentPath(path)).toEqual({ className: 'default', number: 42 });
    expect(parseSegmentPath('segments/../seals/2026/11/21/000000000042-abababababababab.jsonl.zst')).toBe(
      null,
    );
  });

  it('of trails are URLs without scheme and without our folders', () => {
    expect(['audit.example.com/orders', 'a', 'a.b/c-d/e'].every(isTrailName)).toBe(true);
    const bad = ['', '/', 'a/', '../a', 'a/./b', 'A', 'a b', 'a/seals', 'segments/a', 'a+b', 'a/bundles/c'];
    expect(bad.filter(isTrailName)).toEqual([]);
  });
});

describe('retention', () => {
  it('rounds up to midnight UTC', () => {
    const day = parseRetention('400d')!;
    expect(retainUntil('2026-11-21T20:18:33.123Z', day)).toBe('2027-12-27T00:00:00Z');
    expect(retainUntil('2026-11-21T00:00:00.000Z', parseRetention('1d')!)).toBe('2026-11-22T00:00:00Z');
    expect(retainUntil('2026-11-21T20:18:33.123Z', parseRetention('7y')!)).toBe('2033-11-22T00:00:00Z');
    expect(retainUntil('2028-02-29T00:00:00.001Z', parseRetention('1y')!)).toBe('2029-03-02T00:00:00Z');
  });

  it('knows nothing but days and years', () => {
    for (const bad of ['', '0d', '1w', '7', '-1d', '1.5y', '101y', ' 1d'])
      expect(parseRetention(bad)).toBe(null);
  });

  it('reads only the dates that it writes', () => {
    expect(parseMidnight('2027-12-27T00:00:00Z')).toBe(Date.UTC(2027, 11, 27));
    for (const bad of [
      '2027-02-30T00:00:00Z',
      '2027-12-27T00:00:01Z',
      '2027-12-27',
      '+002027-12-27T00:00:00Z',
    ]) {
      expect(parseMidnight(bad)).toBe(null);
    }
    expect(parseSealedAt('2026-11-21T20:18:33.123Z')).not.toBe(null);
    for (const bad of ['2026-11-21T24:00:00.000Z', '2026-11-21T20:18:33Z', '2026-02-30T00:00:00.000Z']) {
      expect(parseSealedAt(bad)).toBe(null);
    }
  });
});
