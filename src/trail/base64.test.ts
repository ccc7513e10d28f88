import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/support/runs.ts';
import { decodeBase64, decodeHash } from './base64.ts';

describe('base64', () => {
  it('comes back as it went, and no other text gives the same bytes', () => {
    const text = fc.oneof(
      fc.base64String(),
      fc.array(fc.constantFrom(...'AQgw/+-_= \n9z\u00e9'), { maxLength: 12 }).map((some) => some.join('')),
    );
    fc.assert(
      fc.property(text, (some) => {
        const shaped = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(some);
        const bytes = decodeBase64(some);
        if (bytes !== null) expect(shaped && bytes.toString('base64') === some).toBe(true);
        else expect(shaped && Buffer.from(some, 'base64').toString('base64') === some).toBe(false);
      }),
      { numRuns: runs(3000) },
    );
    expect(['AA==', 'AB==', 'AA=', 'AA', 'A', '', '====', 'AAAA\n', 'A-__'].map(decodeBase64)).toEqual([
      Buffer.of(0),
      ...[null, null, null, null],
      Buffer.alloc(0),
      ...[null, null, null],
    ]);
  });

  // A regular expression held the text to its shape. From some 6 MB on, as long as a value in a record may be, it ended with
  // "Maximum call stack size exceeded": not a refusal, but a defect of whoever read it.
  it('may be as long as a record', () => {
    const long = 'A'.repeat(16 * 1024 * 1024);
    expect(decodeBase64(long)).toHaveLength(12 * 1024 * 1024);
    expect(decodeBase64(`${long}A==A`)).toBe(null);
    expect(decodeHash(long)).toBe(null);
  });
});
