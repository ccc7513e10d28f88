import { expect, test } from 'vitest';
import { wrong } from '../../../../test/support/mysql-preflight.ts';
import { loginChecks } from './login.ts';

test('a login that fails says why; TLS is asked for over a network', () => {
  const here = { host: '10.0.0.4', user: 'rowseal', isSocket: false, sslMode: 'REQUIRED' } as const;
  const login = { refused: null, account: 'rowseal@%', tls: 'TLSv1.3' };
  expect(wrong(loginChecks(login, here))).toEqual(['login.tls warn']);
  expect(wrong(loginChecks({ ...login, tls: null }, { ...here, sslMode: 'DISABLED' }))).toEqual([
    'login.tls fail',
  ]);
  expect(wrong(loginChecks({ ...login, tls: null }, { ...here, host: '127.0.0.1' }))).toEqual([]);
});
