/**
 * The connection to one bucket: a client of the AWS SDK without the SDK's own retries, a time limit on every
 * request, the store's clock read off every answer, and its errors as ours. Must never log or print a
 * credential, and must never repeat a request by itself: only the caller knows whether it may be repeated.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { backoffMs } from '../base/backoff.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { RowsealError } from '../base/errors.ts';
import { s3Error } from './s3-errors.ts';

export interface S3Place {
  readonly bucket: string;
  readonly region?: string | undefined;
  /** Another service than AWS, such as http://127.0.0.1:9000. */
  readonly endpoint?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
  /** Without them the SDK's default chain looks: environment, profile, container and instance roles. */
  readonly credentials?: S3Credentials | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Limits {
  /** Most that one request may take, milliseconds, beside the time for its bytes. */
  readonly requestMs: number;
  /**
   * No attempt begins later than this after a call of the store began, beside the time for its bytes; the last
   * one may take its few requests' time more.
   */
  readonly totalMs: number;
  /** Slowest transfer that is still waited for. */
  readonly bytesPerSecond: number;
}

export const S3_LIMITS: S3Limits = { requestMs: 10_000, totalMs: 45_000, bytesPerSecond: 256 * 1024 };

export interface S3Link {
  readonly bucket: string;
  /** One request, its body included, limited in time; fails with a RowsealError (see s3-errors.ts). */
  request<T>(bytes: number, run: (client: S3Client, signal: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * Calls `attempt` again, after a pause, for as long as it fails with something retryable and the call's time
   * lasts; then throws `store_unavailable`.
   */
  persist<T>(bytes: number, attempt: () => Promise<T>): Promise<T>;
  /** The store's clock minus ours, milliseconds, from the Date of its last answer (RFC 9110, whole seconds). */
  skewMs(): number | null;
  close(): void;
}

export function createS3Link(
  place: S3Place,
  { limits = S3_LIMITS, clock = systemClock }: { limits?: S3Limits; clock?: Clock } = {},
): S3Link {
  const closed = new AbortController();
  const client = createClient(place, limits);
  let skew: number | null = null;
  onDate(
    client,
    (date, sentAt) => {
      // The Date is cut to the second: on average half a second ago; and taken somewhere within the round trip.
      skew = Math.round(date + 500 - (sentAt + clock.now()) / 2);
    },
    clock,
  );

  const request: S3Link['request'] = async (bytes, run) => {
    const limitMs = limits.requestMs + transferMs(bytes, limits);
    const signal = AbortSignal.any([AbortSignal.timeout(limitMs), closed.signal]);
    try {
      return await run(client, signal);
    } catch (error) {
      const late = closed.signal.aborted ? 'the store was closed' : `no answer within ${limitMs} ms`;
      throw s3Error(error, place.bucket, signal.aborted ? late : null);
    }
  };

  const persist: S3Link['persist'] = async (bytes, attempt) => {
    const until = clock.now() + limits.totalMs + 2 * transferMs(bytes, limits);
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RowsealError) || !error.retryable || closed.signal.aborted) throw error;
        const pause = backoffMs(failures, Math.random());
        if (clock.now() + pause >= until) {
          throw new RowsealError('store_unavailable', error.message, {
            cause: error,
            details: { ...error.details, attempts: failures },
          });
        }
        await clock.sleep(pause, closed.signal).catch(() => {
          throw error;
        });
      }
    }
  };

  return {
    bucket: place.bucket,
    request,
    persist,
    skewMs: () => skew,
    close() {
      closed.abort();
      client.destroy();
    },
  };
}

function transferMs(bytes: number, limits: S3Limits): number {
  return Math.ceil((bytes / limits.bytesPerSecond) * 1000);
}

function createClient(place: S3Place, limits: S3Limits): S3Client {
  // A custom endpoint has no regions, but a signature needs one.
  const region = place.region ?? (place.endpoint === undefined ? undefined : 'us-east-1');
  return new S3Client({
    maxAttempts: 1,
    // A checksum in the trailer of a stream is more than some gateways take; ours go in the header of a Buffer.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: limits.requestMs },
    ...(region === undefined ? {} : { region }),
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    ...(place.forcePathStyle === undefined ? {} : { forcePathStyle: place.forcePathStyle }),
    ...(place.credentials === undefined ? {} : { credentials: place.credentials }),
  });
}

/** Hears the Date header of every answer, refusals included. */
function onDate(client: S3Client, hear: (date: number, sentAt: number) => void, clock: Clock): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.now();
      const result = await next(args);
      const date = Date.parse(headersOf(result.response)['date'] ?? '');
      if (!Number.isNaN(date)) hear(date, sentAt);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'storeClock' },
  );
}

function headersOf(response: unknown): Record<string, string> {
  return (response as { headers?: Record<string, string> }).headers ?? {};
}
