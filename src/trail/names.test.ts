import { describe, expect, it } from 'vitest';
import {
  cosignaturePath,
  packPath,
  parseCosignaturePath,
  parsePackPath,
  parseTokenPath,
  tokenPath,
} from './names.ts';

const sha256 = '0123456789abcdef'.repeat(4);

describe('paths beside seals and segments', () => {
  it('come back as they went', () => {
    expect(cosignaturePath(42, '0123abcd')).toBe('cosignatures/000000000042/0123abcd');
    expect(parseCosignaturePath(cosignaturePath(42, '0123abcd'))).toEqual({ number: 42, keyId: '0123abcd' });
    expect(tokenPath(7, sha256)).toBe('timestamps/000000000007/0123456789abcdef');
    expect(parseTokenPath(tokenPath(7, sha256))).toEqual({ number: 7, digest: '0123456789abcdef' });
    expect(packPath(null, 1024)).toBe('_packs/seals/000000001024');
    expect(parsePackPath(packPath(null, 1024))).toEqual({ className: null, first: 1024 });
    expect(packPath('seals', 0)).toBe('_packs/segments/seals/000000000000');
    expect(parsePackPath(packPath('seals', 0))).toEqual({ className: 'seals', first: 0 });
  });

  it.each([
    'cosignatures/000000000042',
    'cosignatures/000000000042/0123ABCD',
    'cosignatures/00000000042/0123abcd',
    'cosignatures/000000000042/0123abcd/',
    'timestamps/000000000007/0123abcd',
    'timestamps/000000000007/0123456789abcdef.der',
    'timestamps/000000000007/0123456789abcdef\n',
    '_packs/000000000000',
    '_packs/seals/0',
    '_packs/seals/default/000000000000',
    '_packs/segments/000000000000',
    '_packs/segments/Default/000000000000',
    `_packs/segments/${'a'.repeat(33)}/000000000000`,
    'x/_packs/seals/000000000000',
    '',
  ])('are not %s', (key) => {
    expect([parseCosignaturePath(key), parseTokenPath(key), parsePackPath(key)]).toEqual([null, null, null]);
  });
});
