import { describe, expect, test } from 'vitest';
import { asRowsealError } from './failure.ts';
import { explainLogin, type LoginOf } from './login.ts';

const refused = (errno: number, tls: boolean) =>
  asRowsealError(Object.assign(new Error('Access denied'), { errno }), 'connecting to db', { tls });
const hint = (of: LoginOf, password: string, sslMode: 'DISABLED' | 'VERIFY_CA', errno = 1045) =>
  explainLogin(refused(errno, sslMode !== 'DISABLED'), { user: 'u', sslMode, config: { password } }, of).hint;

describe('a login that is refused says what to look at', () => {
  test('the admin: where its password comes from, not doctor in a circle', () => {
    expect(hint('admin', 'x', 'VERIFY_CA')).toBe(
      'See the password in MYSQL_PWD (or ROWSEAL_ADMIN_URL), and the host of u.',
    );
    expect(hint('admin', '', 'VERIFY_CA')).toMatch(/^No password was given for u: set MYSQL_PWD/);
  });
  test('the capture account: its own places, and setup', () => {
    expect(hint('capture account', 'x', 'VERIFY_CA')).toMatch(/source\.password_file.*rowseal setup -c FILE/);
    expect(hint('capture account', 'x', 'VERIFY_CA', 1130)).toContain('from this machine');
  });
  // The server refuses an account with REQUIRE SSL in the words of a wrong password.
  test('without TLS: REQUIRE SSL, to the daemon too', () => {
    expect(hint('capture account', 'x', 'DISABLED')).toContain('REQUIRE SSL');
    expect(hint('capture account', 'x', 'VERIFY_CA')).not.toContain('REQUIRE SSL');
    expect(refused(1045, false).hint).toContain('REQUIRE SSL');
    expect(refused(1045, true).hint).not.toContain('REQUIRE SSL');
  });
  test('what is no refusal stays as it is', () => {
    const error = refused(1053, true);
    const target = { user: 'u', sslMode: 'VERIFY_CA', config: {} } as const;
    expect(explainLogin(error, target, 'admin').hint).toContain('ROWSEAL_ADMIN_URL');
    expect(explainLogin(refused(1142, true), target, 'admin').hint).toBe(refused(1142, true).hint);
  });
});
