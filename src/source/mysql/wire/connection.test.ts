import { describe, expect, test } from 'vitest';
import { parseMysqlUrl } from './connection.ts';

describe('the URL of a source', () => {
  test('verifies TLS by default, and who answers', () => {
    const { host, port, user, sslMode, config } = parseMysqlUrl('mysql://capture:p%40ss@db.example.com/');
    expect({ host, port, user, sslMode }).toEqual({
      host: 'db.example.com',
      port: 3306,
      user: 'capture',
      sslMode: 'VERIFY_IDENTITY',
    });
    expect(config).toMatchObject({
      password: 'p@ss',
      ssl: { rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2', ca: expect.any(Array) },
      connectAttributes: { program_name: 'rowseal' },
      multipleStatements: false,
      flags: ['-LOCAL_FILES'],
    });
    expect(config).not.toHaveProperty('authPlugins');
    expect(config).not.toHaveProperty('database');
  });

  test.each([
    ['REQUIRED', { rejectUnauthorized: false }],
    ['verify_ca', { rejectUnauthorized: true, verifyIdentity: false }],
    ['DISABLED', undefined],
  ])('ssl-mode=%s', (mode, ssl) => {
    const { config } = parseMysqlUrl(`mariadb://u@h:3307?ssl-mode=${mode}`);
    if (ssl === undefined) expect(config).not.toHaveProperty('ssl');
    else expect(config.ssl).toMatchObject(ssl);
  });

  test('sockets, IPv6, a database that is not used, names as the mysql client takes them', () => {
    expect(parseMysqlUrl('mysql://u@localhost/?socket=/run/mysqld.sock')).toMatchObject({
      host: '/run/mysqld.sock',
      isSocket: true,
      sslMode: 'DISABLED',
      config: { socketPath: '/run/mysqld.sock' },
    });
    expect(parseMysqlUrl('mysql://u@[::1]:3307/shop?SSL_Mode=disabled')).toMatchObject({
      host: '::1',
      port: 3307,
      sslMode: 'DISABLED',
    });
    expect(
      parseMysqlUrl('mysql://u@h/?connect-timeout=3&program-name=audit', 'from a file').config,
    ).toMatchObject({
      connectTimeout: 3000,
      password: 'from a file',
      connectAttributes: { program_name: 'audit' },
    });
  });

  test('without TLS the password goes to no key that the server hands out', () => {
    const { config } = parseMysqlUrl('mysql://u:secret@h/?ssl-mode=DISABLED');
    const connection = { config: { password: 'secret' } } as never;
    const scramble = Buffer.alloc(20, 7);
    const caching = config.authPlugins!['caching_sha2_password']!({ connection, command: '' as never });
    expect(caching(scramble)).toHaveLength(32); // the token that works without a key where the server has it cached
    expect(() => caching(Buffer.from([4]))).toThrow('use TLS');
    const plain = config.authPlugins!['sha256_password']!({ connection, command: '' as never });
    expect(() => plain(scramble)).toThrow('use TLS');
  });

  test.each([
    ['postgres://u@h/'],
    ['mysql://h/'],
    ['mysql://u@h/?ssl-mode=PREFERRED'],
    ['mysql://u@h/?ssl-mode=yes'],
    ['mysql://u@h/?local-infile=1'],
    ['mysql://u@one,two/'],
    ['mysql://u:50%off@h/'],
    ['mysql://u@h/?ssl-ca=/nowhere/ca.pem'],
    ['mysql://u@h/?connect-timeout=soon'],
    ['mysql://u@h:port/'],
  ])('%s is refused', (url) => {
    expect(() => parseMysqlUrl(url)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('no error shows the password', () => {
    for (const url of [
      'mysql://u:secret@h/?ssl-mode=no',
      'mysql://u:secret%zz@h/',
      'mysql://u:secret@h:x/',
      'mysql://u:secret@h/?nonsense',
    ]) {
      expect(() => parseMysqlUrl(url)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('secret') }),
      );
    }
  });
});
