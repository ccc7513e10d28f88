import { expect, test } from 'vitest';
import { asRowsealError, isShutdown } from './failure.ts';

const server = (code: string) =>
  Object.assign(new Error('the words of the server'), { severity: 'ERROR', code });

// A transaction_timeout that ALTER DATABASE had set stopped the trail for good, though a second try would have passed.
test.each([
  ['57014', 'query_canceled', 'source_unreachable'],
  ['57P01', 'admin_shutdown', 'source_unreachable'],
  ['57P03', 'cannot_connect_now', 'source_unreachable'],
  ['57P05', 'idle_session_timeout', 'source_unreachable'],
  ['25P03', 'idle_in_transaction_session_timeout', 'source_unreachable'],
  ['25P04', 'transaction_timeout', 'source_unreachable'],
  ['55000', 'object_not_in_prerequisite_state', 'source_unreachable'],
  ['53300', 'too_many_connections', 'source_unreachable'],
  ['40P01', 'deadlock_detected', 'source_unreachable'],
  ['53400', 'configuration_limit_exceeded', 'source_misconfigured'],
  ['25P02', 'in_failed_sql_transaction', 'source_misconfigured'],
  ['42601', 'syntax_error', 'source_misconfigured'],
  ['55006', 'object_in_use', 'slot_in_use'],
  ['42501', 'insufficient_privilege', 'source_refused'],
  ['28P01', 'invalid_password', 'source_refused'],
])('%s, %s: %s', (code, _name, expected) => {
  const error = asRowsealError(server(code), 'streaming');
  expect(error.code).toBe(expected);
  expect(error.retryable).toBe(['source_unreachable', 'slot_in_use'].includes(expected));
  expect(isShutdown(code)).toBe(['57P01', '57P03'].includes(code));
});

test('an errno of the system that looks like an SQLSTATE is none', () => {
  const error = Object.assign(new Error('write'), { code: 'EPIPE' });
  expect(asRowsealError(error, 'streaming').code).toBe('source_unreachable');
  expect(asRowsealError(error, 'connecting', { tls: true }).code).toBe('source_unreachable');
});
