/**
 * Reads a trail in an S3 bucket: every version of every key, delete markers too, since a plain GET or a 404
 * proves nothing about what is there. Must never write, and must never leave a body unread: its socket would
 * keep the process alive.
 */
import {
  type DeleteMarkerEntry,
  GetObjectCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { RowsealError } from '../base/errors.ts';
import { compareKeys } from './names.ts';
import { s3Code, s3Status } from './s3-errors.ts';
import type { S3Link } from './s3-link.ts';
import type { Lock, ObjectVersion, TrailReader } from './store.ts';

/** A reader over the objects whose key starts with `base`, which ends with `/`. */
export function createS3Reader(link: S3Link, base: string, location: string): TrailReader {
  return {
    location,
    locks: true,
    list: (prefix, after) => listVersions(link, base, prefix, after),
    read: (key, version, maxBytes) =>
      link.persist(maxBytes, () => readVersion(link, base + key, version, maxBytes)),
    lock: (key, version) => link.persist(0, () => readLock(link, base + key, version)),
    close: async () => link.close(),
  };
}

/** The contract's `list`: pages of the store's order (key ascending, newest first) turned to oldest first. */
export async function* listVersions(
  link: S3Link,
  base: string,
  prefix: string,
  after?: string,
): AsyncGenerator<ObjectVersion> {
  // Versions of one key may be spread over pages: held back until another key begins.
  let held: Dated[] = [];
  let marker: Marker | null = after === undefined ? null : { key: base + after, version: undefined };
  do {
    const page = await link.persist(0, () => listPage(link, base + prefix, marker));
    for (const entry of entriesOf(page, base)) {
      if (after !== undefined && compareKeys(entry.key, after) <= 0) continue;
      if (held.length > 0 && held[0]?.key !== entry.key) {
        yield* oldestFirst(held);
        held = [];
      }
      held.push(entry);
    }
    const next = nextMarker(page);
    if (next !== null && next.key === marker?.key && next.version === marker.version) {
      throw new RowsealError('store_unavailable', `bucket ${link.bucket}: a listing does not move on`);
    }
    marker = next;
  } while (marker !== null);
  yield* oldestFirst(held);
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

interface Marker {
  readonly key: string;
  readonly version: string | undefined;
}

interface Dated extends ObjectVersion {
  readonly at: number;
}

async function listPage(
  link: S3Link,
  fullPrefix: string,
  marker: Marker | null,
): Promise<ListObjectVersionsCommandOutput> {
  return await link.request(0, (client, signal) =>
    client.send(
      new ListObjectVersionsCommand({
        Bucket: link.bucket,
        Prefix: fullPrefix,
        // Anybody's key may hold what XML 1.0 can't say; one such key must not break every listing.
        EncodingType: 'url',
        ...(marker === null ? {} : { KeyMarker: marker.key }),
        ...(marker?.version === undefined ? {} : { VersionIdMarker: marker.version }),
      }),
      { abortSignal: signal },
    ),
  );
}

function nextMarker(page: ListObjectVersionsCommandOutput): Marker | null {
  if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return null;
  return { key: decoded(page.NextKeyMarker), version: page.NextVersionIdMarker };
}

/**
 * A page's versions and delete markers in one row, keys ascending. The answer's order among them is lost in
 * the SDK, which parts them: they are merged by time. Versions among themselves keep the store's order.
 */
function entriesOf(page: ListObjectVersionsCommandOutput, base: string): Dated[] {
  const versions = (page.Versions ?? []).map((entry) => dated(entry, base, entry.Size ?? 0, false));
  const markers = (page.DeleteMarkers ?? []).map((entry) => dated(entry, base, 0, true));
  const merged: Dated[] = [];
  let next = 0;
  for (const version of versions) {
    for (
      let marker = markers[next];
      marker !== undefined && comesFirst(marker, version);
      marker = markers[next]
    ) {
      merged.push(marker);
      next += 1;
    }
    merged.push(version);
  }
  return [...merged, ...markers.slice(next)];
}

function comesFirst(marker: Dated, version: Dated): boolean {
  const order = compareKeys(marker.key, version.key);
  return order < 0 || (order === 0 && marker.at > version.at);
}

function dated(entry: DeleteMarkerEntry, base: string, bytes: number, deleteMarker: boolean): Dated {
  return {
    key: decoded(entry.Key ?? '').slice(base.length),
    version: entry.VersionId ?? null,
    deleteMarker,
    bytes,
    at: entry.LastModified?.getTime() ?? 0,
  };
}

function* oldestFirst(newestFirst: readonly Dated[]): Generator<ObjectVersion> {
  for (const { key, version, deleteMarker, bytes } of newestFirst.toReversed()) {
    yield { key, version, deleteMarker, bytes };
  }
}

/** Undoes EncodingType url, which writes a space as `+`. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text; // a store that didn't encode
  }
}

function versionId(version: string | null): { VersionId?: string } {
  return version === null ? {} : { VersionId: version };
}

function tooLarge(key: string, maxBytes: number): RowsealError {
  return new RowsealError('object_too_large', `${key} has more than ${maxBytes} bytes`, { details: { key } });
}
