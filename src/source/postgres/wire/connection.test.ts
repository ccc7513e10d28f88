import { describe, expect, test } from 'vitest';
import { parsePostgresUrl } from './connection.ts';

describe('the URL of a source', () => {
  test('verifies TLS by default', () => {
    const { host, port, user, database, sslmode, config } = parsePostgresUrl(
      'postgres://capture:p%40ss@db.example.com/shop',
    );
    expect({ host, port, user, database, sslmode }).toEqual({
      host: 'db.example.com',
      port: 5432,
      user: 'capture',
      database: 'shop',
      sslmode: 'verify-full',
    });
    expect(config.password).toBe('p@ss');
    expect(config.application_name).toBe('rowseal');
    expect(config.ssl).toMatchObject({ rejectUnauthorized: true });
    expect(config.ssl).not.toHaveProperty('checkServerIdentity');
  });

  test.each([
    ['require', { rejectUnauthorized: false }],
    ['verify-ca', { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }],
    ['disable', false],
  ])('sslmode=%s', (mode, ssl) => {
    const parsed = parsePostgresUrl(`postgresql://u@h:6543/d?sslmode=${mode}`).config.ssl;
    if (ssl === false) expect(parsed).toBe(false);
    else expect(parsed).toMatchObject(ssl as object);
  });

  test('unix sockets, IPv6, parameters', () => {
    expect(parsePostgresUrl('postgres://u@%2Frun%2Fpostgresql/d')).toMatchObject({
      host: '/run/postgresql',
      sslmode: 'disable',
    });
    expect(parsePostgresUrl('postgres:///d?host=/tmp&user=u&port=5433')).toMatchObject({
      host: '/tmp',
      port: 5433,
      user: 'u',
    });
    expect(parsePostgresUrl('postgres://u@[::1]:5433/d?sslmode=disable')).toMatchObject({
      host: '::1',
      port: 5433,
    });
    const { config } = parsePostgresUrl(
      'postgres://u@h/d?connect_timeout=3&application_name=x&options=-c%20a%3Db',
    );
    expect(config).toMatchObject({ connectionTimeoutMillis: 3000, application_name: 'x', options: '-c a=b' });
    expect(parsePostgresUrl('postgres://u:url@h/d', 'from a file').config.password).toBe('from a file');
  });

  test.each([
    ['mysql://u@h/d'],
    ['postgres://h/d'],
    ['postgres://u@h/d?sslmode=prefer'],
    ['postgres://u@h/d?sslmode=allow'],
    ['postgres://u@h/d?sslmode=yes'],
    ['postgres://u@h/d?targetsessionattrs=any'],
    ['postgres://u@one,two/d'],
    ['postgres://u:50%off@h/d'],
    ['postgres://u@h/d?sslrootcert=/nowhere/root.crt'],
    ['postgres://u@h/d?connect_timeout=soon'],
  ])('%s is refused', (url) => {
    expect(() => parsePostgresUrl(url)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('no error shows the password', () => {
    for (const url of [
      'postgres://u:secret@h/d?sslmode=no',
      'postgres://u:secret%zz@h/d',
      'postgres://u:secret@h:x/d',
    ]) {
      expect(() => parsePostgresUrl(url)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('secret') }),
      );
    }
  });
});
