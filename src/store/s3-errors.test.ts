import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { s3Code, s3Error, s3Status } from './s3-errors.ts';

const answer = (name: string, status?: number) =>
  Object.assign(new Error('said'), { name, $metadata: { httpStatusCode: status }, $response: 'token' });

test.each([
  ['AccessDenied', 403, 'store_forbidden'],
  ['SignatureDoesNotMatch', 403, 'store_forbidden'],
  ['RequestTimeTooSkewed', 403, 'clock_skew'],
  ['ExpiredToken', 400, 'store_forbidden'],
  ['AuthorizationHeaderMalformed', 400, 'store_forbidden'],
  ['NoSuchBucket', 404, 'store_missing'],
  ['NoSuchKey', 404, 'object_missing'],
  ['NotFound', 404, 'object_missing'],
  ['MethodNotAllowed', 405, 'object_missing'],
  ['PreconditionFailed', 412, 'store_unavailable'],
  ['ConditionalRequestConflict', 409, 'store_unavailable'],
  ['SlowDown', 503, 'store_unavailable'],
  ['InternalError', 500, 'store_unavailable'],
  ['RequestTimeout', 400, 'store_unavailable'],
  ['BadDigest', 400, 'store_unavailable'],
  ['ECONNRESET', undefined, 'store_unavailable'],
  ['SyntaxError', 200, 'store_unavailable'],
  ['CredentialsProviderError', undefined, 'store_forbidden'],
])('%s %s is %s', (name, status, code) => {
  const error = s3Error(answer(name, status), 'b', null);
  expect(error.code).toBe(code);
  expect(s3Code(error)).toBe(name);
  expect(s3Status(error)).toBe(status ?? null);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('token');
});

test('whose keys did not fit is told to bring others, not to grant actions', () => {
  expect(s3Error(answer('InvalidAccessKeyId', 403), 'b', null).hint).toContain('AWS_ACCESS_KEY_ID');
  expect(s3Error(answer('AccessDenied', 403), 'b', null).hint).not.toContain('AWS_ACCESS_KEY_ID');
});

test('a timeout is store_unavailable whatever it broke', () => {
  expect(s3Error(answer('AccessDenied', 403), 'b', 'no answer within 5 ms').code).toBe('store_unavailable');
});
