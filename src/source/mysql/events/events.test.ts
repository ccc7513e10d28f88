import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { event, sealed } from '../../../../test/support/binlog-events.ts';
import { recorded } from '../../../../test/support/binlog-recorded.ts';
import { readFields } from '../bytes/fields.ts';
import { createEventFrames, EVENT, readHeader, readRotate } from './events.ts';

const [rotate, description] = recorded('mysql-9.7')[0]!.events as [Buffer, Buffer];
const notUnderstood = expect.objectContaining({ code: 'stream_not_understood' });
const ends = (...events: Buffer[]) => {
  const frames = createEventFrames();
  return events.map((each) => each.length - frames.bodyEnd(each, readHeader(each), () => 'b.000001:4'));
};
/** The description with its checksums turned off. */
const unchecked = () => {
  const bytes = Buffer.from(description);
  bytes[bytes.length - 5] = 0;
  return sealed(bytes);
};

describe('checksums', () => {
  test('are cut off where there are any, and right', () => {
    expect(ends(rotate, description, event(EVENT.XID, Buffer.alloc(8)))).toEqual([4, 4, 4]);
    const plain = event(EVENT.XID, Buffer.alloc(12, 1)).fill(1, 31);
    expect(ends(unchecked(), plain)).toEqual([4, 0]);
    // As a server without checksums sends it: when the file was made is set to 0, and the CRC32 left as it was.
    const stale = unchecked();
    stale.writeUInt32LE(1, 19 + 2 + 50);
    expect(ends(stale, plain)).toEqual([4, 0]);
  });
  test('a wrong one names the place', () => {
    const spoiled = event(EVENT.XID, Buffer.alloc(8));
    spoiled[20]! ^= 1;
    expect(() => ends(description, spoiled)).toThrow('binlog event at b.000001:4 fails its CRC32');
    const spoiledRotate = Buffer.from(rotate);
    spoiledRotate[20]! ^= 1;
    expect(() => ends(spoiledRotate, description)).toThrow('fails its CRC32');
    expect(ends(spoiledRotate, unchecked())).toEqual([0, 4]);
  });
  test('a description that is not ours to read', () => {
    for (const [at, value] of [
      [19, 3], // version
      [19 + 56, 20], // length of headers
      [19 + 57 + EVENT.TABLE_MAP - 1, 6], // a post-header
      [description.length - 5, 2], // algorithm
    ] as const) {
      const bytes = Buffer.from(description);
      bytes[at] = value;
      expect(() => ends(sealed(bytes))).toThrow(notUnderstood);
    }
  });
});

test('a header that is none', () => {
  expect(() => readHeader(Buffer.alloc(18))).toThrow(notUnderstood);
  expect(() => readHeader(Buffer.alloc(30))).toThrow(notUnderstood);
});

test('a ROTATE names its file', () => {
  expect(readRotate(rotate, rotate.length - 4)).toEqual({ file: 'bin.000001', position: 4 });
  const nameless = event(EVENT.ROTATE, Buffer.alloc(8));
  expect(() => readRotate(nameless, nameless.length - 4)).toThrow(notUnderstood);
});

describe('variable-length integers (mysql::serialization)', () => {
  const read = (hex: string, signed = false) => {
    const bytes = Buffer.from(hex, 'hex');
    const fields = readFields(bytes, 0, bytes.length, 'a test');
    return signed ? fields.varlenSigned() : fields.varlen();
  };
  test("the manual's examples", () => {
    expect(read('fbff07')).toBe(65535n);
    expect(read('f3ff0f', true)).toBe(65535n);
    expect(read('ebff0f', true)).toBe(-65535n);
    expect(read('fbff0f', true)).toBe(-65536n);
  });
  test('every length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bits = value.toString(2).length;
        const extra = bits > 56 ? 8 : Math.ceil(bits / 7) - 1;
        const bytes = Buffer.alloc(9);
        if (extra === 8) {
          bytes[0] = 0xff;
          bytes.writeBigUInt64LE(value, 1);
        } else bytes.writeBigUInt64LE((value << BigInt(extra + 1)) | ((1n << BigInt(extra)) - 1n), 0);
        expect(read(bytes.toString('hex', 0, extra + 1))).toBe(value);
      }),
    );
  });
});
