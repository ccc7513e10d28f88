/**
 * What an S3 service answered, as one of our errors. Decided on status and error code, never on the message.
 * Must never hand on what the request carried.
 * Error codes: Amazon S3 API Reference, 'Error responses'.
 */
import { type ErrorCode, RowsealError } from '../base/errors.ts';

/** The error as a RowsealError whose `details.s3` holds the service's own code; ours pass through. */
export function s3Error(error: unknown, bucket: string, timeout: string | null): RowsealError {
  if (error instanceof RowsealError) return error;
  const s3 = error instanceof Error ? error.name : String(error);
  const status = statusOf(error);
  const code = timeout === null ? codeFor(s3, status) : 'store_unavailable';
  const message = `bucket ${bucket}: ${timeout ?? describe(error, s3, status)}`;
  return new RowsealError(code, message, {
    cause: bare(error, s3),
    details: { s3, status, bucket },
    ...(OF_CREDENTIALS.has(s3) ? { hint: CREDENTIALS_HINT } : {}),
  });
}

/** The SDK's errors carry the whole exchange, session tokens and signatures included: never to a log. */
function bare(error: unknown, s3: string): Error {
  const cause = new Error(error instanceof Error ? error.message : String(error));
  cause.name = s3;
  return cause;
}

/** The service's own error code of an error that s3Error made, such as PreconditionFailed. */
export function s3Code(error: unknown): string | null {
  if (!(error instanceof RowsealError)) return null;
  const code = error.details['s3'];
  return typeof code === 'string' ? code : null;
}

export function s3Status(error: unknown): number | null {
  if (!(error instanceof RowsealError)) return null;
  const status = error.details['status'];
  return typeof status === 'number' ? status : null;
}

const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  NoSuchBucket: 'store_missing',
  NoSuchKey: 'object_missing',
  NoSuchVersion: 'object_missing',
  RequestTimeTooSkewed: 'clock_skew',
  RequestTimeout: 'store_unavailable',
  BadDigest: 'store_unavailable',
  OperationAborted: 'store_unavailable',
  ConditionalRequestConflict: 'store_unavailable',
  SlowDown: 'store_unavailable',
  ExpiredToken: 'store_forbidden',
  CredentialsProviderError: 'store_forbidden',
};

/** It is not a matter of what a role may do, but of whose keys came. */
const OF_CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
]);
const CREDENTIALS_HINT =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN where there is one) of the role, or AWS_PROFILE.';

function codeFor(s3: string, status: number | null): ErrorCode {
  const known = BY_CODE[s3];
  if (known !== undefined) return known;
  if (status === null) return 'store_unavailable'; // no answer: refused, reset, name not found
  if (status >= 500 || status === 429 || status === 408 || status === 409 || status === 412) {
    return 'store_unavailable';
  }
  // 405: a GET of a delete marker's version. It names no object.
  if (status === 404 || status === 405) return 'object_missing';
  return status >= 400 || status === 301 || status === 307 ? 'store_forbidden' : 'store_unavailable';
}

function describe(error: unknown, s3: string, status: number | null): string {
  const said =
    error instanceof Error && error.message !== '' && error.message !== s3 ? `: ${error.message}` : '';
  return status === null ? `${s3}${said}` : `${status} ${s3}${said}`;
}

function statusOf(error: unknown): number | null {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata;
  return metadata?.httpStatusCode ?? null;
}
