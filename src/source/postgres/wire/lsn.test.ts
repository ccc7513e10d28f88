import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, lsnAt, parseLsn } from './lsn.ts';

test('an LSN reads back, from text and from bytes', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), (lsn) => {
      const bytes = Buffer.alloc(9);
      bytes.writeBigUInt64BE(lsn, 1);
      expect(parseLsn(formatLsn(lsn))).toBe(lsn);
      expect(lsnAt(bytes, 1)).toBe(formatLsn(lsn));
    }),
  );
  expect(formatLsn(0x16b374d848n)).toBe('16/B374D848');
});

test.each(['', '0', '0/', '/0', '0/0/0', '123456789/0', 'g/0', ' 0/0'])('%j is none', (text) => {
  expect(() => parseLsn(text)).toThrow(TypeError);
});
