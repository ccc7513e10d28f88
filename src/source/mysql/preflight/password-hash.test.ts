import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { fitsStored, storedPassword } from './password-hash.ts';

describe('a password as the server stores it', () => {
  // Both hashes are from mysql.user of real servers, MySQL 9.7 and MariaDB 10.11.
  test('of MariaDB: SHA1 of SHA1', () => {
    const stored = { plugin: 'mysql_native_password', text: '*5BCB3E6AC345B435C7C2E6B7949A04CE6F6563D3' };
    expect(storedPassword('app', 'mariadb')).toEqual(stored);
    expect(fitsStored('app', stored)).toBe(true);
    expect(fitsStored('App', stored)).toBe(false);
  });

  test('of MySQL: SHA-crypt with the salt that the server chose', () => {
    const text = Buffer.from(
      '244124303041240245494C310519373A3B63706C700B37566D7B463058676F37356B51614C42487853347271653972597538364D4854457831517241586C5437685078544833',
      'hex',
    ).toString('latin1');
    const stored = { plugin: 'caching_sha2_password', text };
    expect(fitsStored('Hello world! längere Zeile', stored)).toBe(true);
    expect(fitsStored('Hello world! lange Zeile', stored)).toBe(false);
    const made = storedPassword('Hello world!', 'mysql');
    expect(made.text).toMatch(/^\$A\$005\$[./0-9A-Za-z]{20}[./0-9A-Za-z]{43}$/);
    expect(storedPassword('Hello world!', 'mysql').text).not.toBe(made.text);
    expect(storedPassword('x', 'mysql', 10_000).text.slice(0, 7)).toBe('$A$00A$');
  });

  test('fits its own password and no other, of whatever length', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme' }),
        fc.constantFrom('mysql', 'mariadb'),
        (password, flavor) => {
          const stored = storedPassword(password, flavor as 'mysql' | 'mariadb', 1000);
          return fitsStored(password, stored) && !fitsStored(`${password}x`, stored);
        },
      ),
      { numRuns: runs(30) },
    );
  });

  test('says no to other plugins and to what is no hash', () => {
    expect(fitsStored('x', { plugin: 'auth_socket', text: '' })).toBe(false);
    expect(fitsStored('', { plugin: 'caching_sha2_password', text: '' })).toBe(false);
  });
});
