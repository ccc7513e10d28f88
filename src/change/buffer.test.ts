import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordBuffer } from './buffer.ts';

test('what is written is what is there, across every growth', () => {
  const step = fc.oneof(
    fc.record({ bytes: fc.uint8Array({ maxLength: 200 }) }),
    fc.record({ integer: fc.maxSafeNat() }),
    fc.record({ json: fc.string({ unit: 'binary', maxLength: 80 }) }),
    fc.record({ hex: fc.uint8Array({ maxLength: 60 }) }),
  );
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 64 }), (steps, initialBytes) => {
      const out = new RecordBuffer(initialBytes);
      const expected: Uint8Array[] = [];
      for (const each of steps) {
        if ('bytes' in each) {
          out.put(each.bytes);
          out.copy(Buffer.from(each.bytes), 0, each.bytes.length);
          expected.push(each.bytes, each.bytes);
        } else if ('integer' in each) {
          out.integer(each.integer);
          expected.push(Buffer.from(String(each.integer)));
        } else if ('json' in each) {
          out.json(each.json);
          expected.push(Buffer.from(each.json));
        } else {
          out.hex(Buffer.from(each.hex), 0, each.hex.length);
          expected.push(Buffer.from(Buffer.from(each.hex).toString('hex')));
        }
      }
      expect(out.bytes.subarray(0, out.length).equals(Buffer.concat(expected))).toBe(true);
    }),
  );
});
