/**
 * Reads a trail in an S3 bucket, version by version. Must never write, and must never leave a body unread: its
 * socket would keep the process alive.
 */
import { GetObjectCommand, GetObjectRetentionCommand } from '@aws-sdk/client-s3';
import { RowsealError } from '../base/errors.ts';
import { s3Code, s3Status } from './s3-errors.ts';
import type { S3Link } from './s3-link.ts';
import { listVersions } from './s3-list.ts';
import type { Lock, TrailReader } from './store.ts';

/** A reader over the objects whose key starts with `base`, which ends with `/`. */
export function createS3Reader(link: S3Link, base: string, location: string): TrailReader {
  return {
    location,
    locks: true,
    list: (prefix, after) => listVersions({ link, base, prefix, after }),
    read: (key, version, maxBytes) =>
      link.persist(maxBytes, () => readVersion(link, base + key, version, maxBytes)),
    lock: (key, version) => link.persist(0, () => readLock(link, base + key, version)),
    close: async () => link.close(),
  };
}

export async function readVersion(
  link: S3Link,
  fullKey: string,
  version: string | null,
  maxBytes: number,
): Promise<Buffer> {
  return await link.request(maxBytes, async (client, signal) => {
    const { Body: body, ContentLength: length } = await client.send(
      new GetObjectCommand({ Bucket: link.bucket, Key: fullKey, ...versionId(version) }),
      { abortSignal: signal },
    );
    if (body === undefined) return Buffer.alloc(0);
    // In Node the body is a stream of the response, which has to be read or destroyed.
    const stream = body as unknown as AsyncIterable<Uint8Array> & { destroy(error?: Error): void };
    const abort = () => stream.destroy(new Error('aborted'));
    signal.addEventListener('abort', abort, { once: true });
    try {
      const parts: Uint8Array[] = [];
      let total = 0;
      for await (const part of stream) {
        parts.push(part);
        total += part.length;
        if (total > maxBytes) throw tooLarge(fullKey, maxBytes);
      }
      if (length !== undefined && total < length) {
        throw new RowsealError('store_unavailable', `${fullKey}: ${total} of ${length} bytes came`);
      }
      return Buffer.concat(parts, total);
    } finally {
      signal.removeEventListener('abort', abort);
      stream.destroy();
    }
  });
}

/** Throws `store_forbidden` where the retention may not be read; null where there is none. */
export async function readLock(link: S3Link, fullKey: string, version: string | null): Promise<Lock | null> {
  try {
    const { Retention: retention } = await link.request(0, (client, signal) =>
      client.send(
        new GetObjectRetentionCommand({ Bucket: link.bucket, Key: fullKey, ...versionId(version) }),
        { abortSignal: signal },
      ),
    );
    if (retention?.Mode === undefined || retention.RetainUntilDate === undefined) return null;
    return { mode: retention.Mode, until: retention.RetainUntilDate };
  } catch (error) {
    const status = s3Status(error);
    const absent = status === 404 && !ABSENT_OBJECT.has(s3Code(error) ?? '');
    // 400 InvalidRequest: the bucket has no Object Lock at all.
    if (absent || (status === 400 && s3Code(error) === 'InvalidRequest')) return null;
    throw error;
  }
}

const ABSENT_OBJECT = new Set(['NoSuchKey', 'NoSuchVersion', 'NoSuchBucket']);

function versionId(version: string | null): { VersionId?: string } {
  return version === null ? {} : { VersionId: version };
}

function tooLarge(key: string, maxBytes: number): RowsealError {
  return new RowsealError('object_too_large', `${key} has more than ${maxBytes} bytes`, { details: { key } });
}
