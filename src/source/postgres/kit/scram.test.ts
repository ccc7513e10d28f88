import { describe, expect, test } from 'vitest';
import { fitsVerifier, scramVerifier } from './scram.ts';

describe('scramVerifier', () => {
  test('is the one of RFC 7677 for its example', () => {
    // RFC 7677 section 3: user "user", password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 iterations. The keys
    // follow from the exchange shown there; test/integration logs in to real servers with one.
    const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    expect(verifier).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  test('fits its own password alone, whatever the salt', () => {
    const one = scramVerifier('pencil');
    expect(one).not.toBe(scramVerifier('pencil'));
    expect(fitsVerifier('pencil', one)).toBe(true);
    expect(fitsVerifier('pencil2', one)).toBe(false);
    expect(fitsVerifier('pencil', 'md5abc')).toBe(false);
    expect(fitsVerifier('pencil', '')).toBe(false);
  });

  test.each(['', 'a\u0000b', 'a\u00a0b', 'ﬁ', 'soft\u00adhyphen'])(
    'refuses %j, which SASLprep would change',
    (password) => {
      expect(() => scramVerifier(password)).toThrow('SASLprep');
    },
  );
});
