import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { checksumOf } from './checksum.ts';

test('is the one of zlib, however long the event is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(8), (bytes, more) => {
      const event = Buffer.concat([bytes, Buffer.alloc(more, 0xa5)]);
      expect(checksumOf(event, bytes.length)).toBe(crc32(bytes));
    }),
    { numRuns: runs(500) },
  );
});
