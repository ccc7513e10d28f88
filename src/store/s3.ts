/**
 * The S3 store: a trail as locked objects in a bucket with Object Lock. Every PUT carries its lock and its
 * checksums, every lock is read back, and an ambiguous PUT is resolved by reading before another one is sent.
 * Must never delete, never send a PUT blindly twice, and never call something sealed whose lock it didn't see.
 */
import { createHash } from 'node:crypto';
import { PutObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { Clock } from '../base/clock.ts';
import { RowsealError } from '../base/errors.ts';
import { checkKey, checkTrailName } from './names.ts';
import { s3Code, s3Status } from './s3-errors.ts';
import { createS3Link, type S3Limits, type S3Link, type S3Place } from './s3-link.ts';
import { listVersions } from './s3-list.ts';
import { createS3Reader, readLock, readVersion } from './s3-reader.ts';
import type { Lock, TrailReader, TrailStore } from './store.ts';

export interface S3StoreOptions extends S3Place {
  /** Folder of trails in the bucket, without slashes at its ends; none by default. */
  readonly prefix?: string | undefined;
  readonly trail: string;
  readonly lock?: 'compliance' | 'governance' | undefined;
  readonly limits?: S3Limits;
  readonly clock?: Clock;
}

export function createS3Store(options: S3StoreOptions): TrailStore {
  checkTrailName(options.trail);
  const base = `${options.prefix ? `${options.prefix}/` : ''}${options.trail}/`;
  const mode = options.lock === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE';
  const link = createS3Link(options, options);
  return {
    ...createS3Reader(link, base, s3Location(options, base)),
    skewMs: link.skewMs,

    /**
     * Each attempt begins by looking what is there, so that one after an ambiguous failure finds what the
     * failed one may have written. A crash after the PUT leaves a locked object: for a segment a stray, for a
     * seal the head. A PUT that was given up and arrives later still, adds a version of the same bytes.
     */
    async create(key, bytes, retainUntil, { behind = false } = {}) {
      checkKey(key);
      const wanted: Lock = { mode, until: wholeSecond(retainUntil) };
      let sent = false;
      return await link.persist(bytes.length, async () => {
        const found = await lookUp(link, base, key, bytes);
        if (found.same !== undefined) {
          await extendLock(link, base + key, found.same, wanted);
          return sent ? 'created' : 'same';
        }
        if (found.other && !behind) return 'taken';
        sent = true;
        const version = await put(link, base + key, bytes, wanted, behind);
        await checkLock(link, base + key, version, wanted);
        return 'created';
      });
    },
  };
}

/** A reader without a writer's rights, for verifying; `path` is the trail's full key in the bucket. */
export function openS3Reader(options: S3Place & { path: string; limits?: S3Limits }): TrailReader {
  const base = `${options.path}/`;
  return createS3Reader(createS3Link(options, options), base, s3Location(options, base));
}

/** `s3://bucket/path`, with what else is needed to find it again. */
function s3Location(place: S3Place, base: string): string {
  const url = new URL(`s3://${place.bucket}/${base.slice(0, -1)}`);
  if (place.region !== undefined) url.searchParams.set('region', place.region);
  if (place.endpoint !== undefined) url.searchParams.set('endpoint', place.endpoint);
  if (place.forcePathStyle === true) url.searchParams.set('force_path_style', 'true');
  return url.href;
}

/** The oldest version of the key with these bytes, and whether there is one with others. */
async function lookUp(
  link: S3Link,
  base: string,
  key: string,
  bytes: Buffer,
): Promise<{ same: string | null | undefined; other: boolean }> {
  let other = false;
  for await (const version of listVersions({ link, base, prefix: key, once: true })) {
    if (version.key !== key) break; // keys that merely begin with ours come after it
    if (version.deleteMarker) continue;
    if (version.bytes === bytes.length) {
      const there = await readVersion(link, base + key, version.version, bytes.length);
      if (there.equals(bytes)) return { same: version.version, other };
    }
    other = true;
  }
  return { same: undefined, other };
}

/** Resolves to the new object's version id; null where the bucket keeps no versions. */
async function put(
  link: S3Link,
  fullKey: string,
  bytes: Buffer,
  lock: Lock,
  behind: boolean,
): Promise<string | null> {
  try {
    const { VersionId: version } = await link.request(bytes.length, (client, signal) =>
      client.send(
        new PutObjectCommand({
          Bucket: link.bucket,
          Key: fullKey,
          Body: bytes,
          ContentLength: bytes.length,
          // AWS demands a digest on uploads with a lock; both are checked before the object exists.
          ContentMD5: createHash('md5').update(bytes).digest('base64'),
          ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
          ObjectLockMode: lock.mode,
          ObjectLockRetainUntilDate: lock.until,
          ...(behind ? {} : { IfNoneMatch: '*' }),
        }),
        { abortSignal: signal },
      ),
    );
    return version ?? null;
  } catch (error) {
    if (s3Status(error) === 400 && s3Code(error) === 'InvalidRequest') {
      throw new RowsealError('store_unlocked', `the lock was refused: ${(error as Error).message}`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Extends a lock that is shorter than wanted; never shortens one. A governance lock cannot become compliance. */
async function extendLock(
  link: S3Link,
  fullKey: string,
  version: string | null,
  wanted: Lock,
): Promise<void> {
  const found = await readLock(link, fullKey, version);
  if (covers(found, wanted)) return;
  if (found !== null && found.mode !== wanted.mode) throw unlocked(fullKey, version, wanted, found);
  await link.request(0, (client, signal) =>
    client.send(
      new PutObjectRetentionCommand({
        Bucket: link.bucket,
        Key: fullKey,
        ...(version === null ? {} : { VersionId: version }),
        Retention: { Mode: wanted.mode, RetainUntilDate: wanted.until },
      }),
      { abortSignal: signal },
    ),
  );
  await checkLock(link, fullKey, version, wanted);
}

async function checkLock(link: S3Link, fullKey: string, version: string | null, wanted: Lock): Promise<void> {
  const found = await readLock(link, fullKey, version);
  if (!covers(found, wanted)) throw unlocked(fullKey, version, wanted, found);
}

function covers(lock: Lock | null, wanted: Lock): boolean {
  if (lock === null || lock.until < wanted.until) return false;
  return lock.mode === 'COMPLIANCE' || wanted.mode === 'GOVERNANCE';
}

function unlocked(fullKey: string, version: string | null, wanted: Lock, found: Lock | null): RowsealError {
  const say = (lock: Lock) => `${lock.mode} until ${lock.until.toISOString()}`;
  const message = `${fullKey}: asked for ${say(wanted)}, found ${found === null ? 'no lock' : say(found)}`;
  return new RowsealError('store_unlocked', message, { details: { key: fullKey, version } });
}

/** Stores keep whole seconds: rounded up, never down. */
function wholeSecond(date: Date): Date {
  return new Date(Math.ceil(date.getTime() / 1000) * 1000);
}
