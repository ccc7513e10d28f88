import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import { createFrameReader } from './frames.ts';

function frame(type: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const messages = fc.array(
  fc.record({ type: fc.integer({ min: 0, max: 255 }), body: fc.uint8Array({ maxLength: 40 }) }),
  { maxLength: 12 },
);

describe('frames', () => {
  test('come whole and in order, wherever the stream is cut and whenever it is held', () => {
    fc.assert(
      fc.property(
        messages,
        fc.array(fc.nat(400), { maxLength: 20 }),
        fc.array(fc.boolean()),
        (sent, places, holds) => {
          const got: { type: number; body: number[] }[] = [];
          let turn = 0;
          const reader = createFrameReader((type, bytes, start, end) => {
            got.push({ type, body: [...bytes.subarray(start, end)] });
            if (holds[turn++ % Math.max(1, holds.length)]) reader.hold();
          });
          for (const chunk of cut(Buffer.concat(sent.map(({ type, body }) => frame(type, body))), places)) {
            const lent = Buffer.from(chunk);
            reader.push(lent);
            lent.fill(0xff); // the socket reads into it again
          }
          for (let i = 0; i <= sent.length; i++) reader.release();
          expect(got).toEqual(sent.map(({ type, body }) => ({ type, body: [...body] })));
        },
      ),
    );
  });

  test('nothing is handed over while held', () => {
    let count = 0;
    const reader = createFrameReader(() => {
      count++;
      reader.hold();
    });
    reader.push(Buffer.concat([frame(1, Buffer.from('a')), frame(2, Buffer.from('b'))]));
    reader.push(frame(3, Buffer.from('c')));
    expect(count).toBe(1);
    reader.release();
    expect(count).toBe(2);
  });

  // Three values of 100 MB took 300 MB: each waited for the collector, which saw no reason to hurry.
  test('the memory of a large message is given back at once', () => {
    const seen: Buffer[] = [];
    const reader = createFrameReader((_type, bytes, start, end) => {
      expect(bytes.subarray(start, end).every((byte) => byte === 7)).toBe(true);
      seen.push(bytes);
    });
    const bytes = frame(1, Buffer.alloc(200_000, 7));
    for (const chunk of cut(Buffer.concat([bytes, bytes]), [100_000, 300_000])) reader.push(chunk);
    expect(seen.map(({ length }) => length)).toEqual([0, 0]);
  });

  test.each([0, 3, -1, 0x7fff_ffff])('a length of %i is refused', (length) => {
    const head = Buffer.from([100, 0, 0, 0, 0]);
    head.writeInt32BE(length, 1);
    const reader = createFrameReader(() => undefined);
    expect(() => reader.push(head)).toThrow(RowsealError);
    const late = createFrameReader(() => undefined);
    late.push(head.subarray(0, 2));
    expect(() => late.push(head.subarray(2))).toThrow(RowsealError);
  });
});
