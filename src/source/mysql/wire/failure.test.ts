import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import { asRowsealError, errnoOf, isDenied } from './failure.ts';

const server = (errno: number) =>
  Object.assign(new Error('words'), { errno, code: 'ER_X', sqlState: 'HY000' });
const local = (code: string) => Object.assign(new Error('words'), { errno: -111, code });

describe('failures', () => {
  test.each([
    [1045, 'source_refused'],
    [1044, 'source_refused'],
    [1227, 'source_refused'],
    [1698, 'source_refused'],
    [1040, 'source_unreachable'],
    [1053, 'source_unreachable'],
    [1236, 'source_unreachable'],
    [1927, 'source_unreachable'],
    [3159, 'tls_failed'],
    [4052, 'server_id_in_use'],
    [1193, 'source_misconfigured'],
  ])('errno %i is %s', (errno, code) => {
    const error = asRowsealError(server(errno), 'asking', { tls: true });
    expect(error.code).toBe(code);
    expect(errnoOf(error)).toBe(errno);
    expect(error.message).toBe('asking: words');
  });

  test.each([
    ['ECONNREFUSED', 'source_unreachable'],
    ['ETIMEDOUT', 'source_unreachable'],
    ['PROTOCOL_CONNECTION_LOST', 'source_unreachable'],
    ['HANDSHAKE_SSL_ERROR', 'tls_failed'],
    ['HANDSHAKE_NO_SSL_SUPPORT', 'tls_failed'],
    ['AUTH_SWITCH_PLUGIN_ERROR', 'tls_failed'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_failed'],
  ])('%s is %s', (code, expected) => {
    const error = asRowsealError(local(code), 'connecting', { tls: true });
    expect(error.code).toBe(expected);
    expect(errnoOf(error)).toBeNull();
  });

  test('ours stay as they are; a refusal is told from a broken session', () => {
    const ours = new RowsealError('binlog_purged', 'gone');
    expect(asRowsealError(ours, 'asking')).toBe(ours);
    expect(isDenied(server(1142))).toBe(true);
    expect(isDenied(asRowsealError(server(1227), 'asking'))).toBe(true);
    expect(isDenied(server(1053))).toBe(false);
    expect(isDenied(local('ECONNRESET'))).toBe(false);
  });
});
