/** The S3 store against a server that enforces COMPLIANCE: locks, versions, delete markers, refusals, tampering. */
import { inspect } from 'node:util';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWN_S3, startS3, type TestS3 } from '../../test/support/ceph.ts';
import { persist } from '../../test/support/patience.ts';
import { all, code, contents, keys, soon } from '../../test/support/store-contract.ts';
import { openReader, openStore } from './open.ts';
import { createS3Store } from './s3.ts';
import type { TrailStore } from './store.ts';

const SEAL = 'seals/000000000000';

describe('S3 with Object Lock', () => {
  let s3: TestS3;
  let bucket: string;
  let store: TrailStore;
  let trails = 0;
  let base = '';

  beforeAll(async () => {
    s3 = await startS3();
    bucket = await s3.createBucket();
  });
  afterAll(async () => {
    await store?.close();
    await s3?.stop();
  });

  const env = (keys: { accessKeyId: string; secretAccessKey: string }) => ({
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  });
  const place = (bucket: string) =>
    ({ type: 's3', bucket, endpoint: s3.endpoint, force_path_style: true }) as const;
  const fresh = async () => {
    trails += 1;
    base = `audit.example.com/lock${trails}/`;
    await store?.close();
    store = await openStore(place(bucket), base.slice(0, -1), env(s3));
    return store;
  };
  const versionOf = async (key: string) => (await all(store, key))[0]!.version!;
  const put = (key: string, bytes: string) =>
    s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: base + key, Body: bytes }));
  const remove = (key: string, version?: string) =>
    s3.client.send(
      new DeleteObjectCommand({
        Bucket: bucket,
        Key: base + key,
        ...(version ? { VersionId: version } : {}),
      }),
    );

  test('deleting, shortening and weakening are refused to the owner of the bucket', async () => {
    const store = await fresh();
    await store.create(SEAL, Buffer.from('one'), soon(600));
    const VersionId = await versionOf(SEAL);
    const target = { Bucket: bucket, Key: base + SEAL, VersionId };
    const retain = (Mode: 'COMPLIANCE' | 'GOVERNANCE', seconds: number) =>
      s3.client.send(
        new PutObjectRetentionCommand({ ...target, Retention: { Mode, RetainUntilDate: soon(seconds) } }),
      );
    await expect(remove(SEAL, VersionId)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(
      s3.client.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true })),
    ).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(retain('COMPLIANCE', 60)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(retain('GOVERNANCE', 1200)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    expect(await contents(store, '')).toEqual(['one']);
  });

  test('a lock that is over lets go: the object can be removed then', async () => {
    const store = await fresh();
    const end = soon(4);
    await store.create(SEAL, Buffer.from('one'), end);
    const version = await versionOf(SEAL);
    const refused = await remove(SEAL, version).then(
      () => null,
      (error: unknown) => error,
    );
    // On a busy machine it may be over by now.
    if (refused === null) expect(Date.now()).toBeGreaterThanOrEqual(end.getTime());
    else expect(refused).toMatchObject({ $metadata: { httpStatusCode: 403 } });
    if (refused !== null) await persist(() => remove(SEAL, version));
    expect(await keys(store, '')).toEqual([]);
  });

  test('bytes that lie there unlocked are locked when they are found to be ours', async () => {
    const store = await fresh();
    await put(SEAL, 'one');
    const version = await versionOf(SEAL);
    expect(await store.lock(SEAL, version)).toBe(null);
    const until = soon(600);
    expect(await store.create(SEAL, Buffer.from('one'), until)).toBe('same');
    expect(await store.lock(SEAL, version)).toEqual({ mode: 'COMPLIANCE', until });
  });

  test('a bucket without Object Lock is store_unlocked, and nothing is sealed there', async () => {
    const plain = await s3.createBucket({ lock: false });
    const store = await openStore(place(plain), 'audit.example.com/plain', env(s3));
    await code(store.create(SEAL, Buffer.from('one'), soon()), 'store_unlocked');
    await store.close();
  });

  test('a governance lock is not what compliance asks for', async () => {
    const until = soon(600);
    const options = { bucket, endpoint: s3.endpoint, forcePathStyle: true, credentials: s3 };
    const weak = createS3Store({ ...options, trail: 'audit.example.com/weak', lock: 'governance' });
    const strong = createS3Store({ ...options, trail: 'audit.example.com/weak' });
    expect(await weak.create(SEAL, Buffer.from('one'), until)).toBe('created');
    const [entry] = await all(weak, '');
    expect(await weak.lock(SEAL, entry!.version)).toEqual({ mode: 'GOVERNANCE', until });
    await code(strong.create(SEAL, Buffer.from('one'), until), 'store_unlocked');
    expect(await weak.create(SEAL, Buffer.from('one'), soon(900))).toBe('same');
    expect((await weak.lock(SEAL, entry!.version))?.mode).toBe('GOVERNANCE');
    await weak.close();
    await strong.close();
  });

  test('a delete marker hides nothing from a listing, and does not make the key free', async () => {
    const store = await fresh();
    await store.create(SEAL, Buffer.from('one'), soon());
    await remove(SEAL);
    await code(store.read(SEAL, null, 100), 'object_missing');
    const [version, marker, ...more] = await all(store, 'seals/');
    expect(more).toEqual([]);
    expect(version).toMatchObject({ key: SEAL, deleteMarker: false, bytes: 3 });
    expect(marker).toMatchObject({ key: SEAL, deleteMarker: true, bytes: 0 });
    expect((await store.read(SEAL, version!.version, 100)).toString()).toBe('one');
    await code(store.read(SEAL, marker!.version, 100), 'object_missing');
    expect(await store.create(SEAL, Buffer.from('two'), soon())).toBe('taken');
    expect(await store.create(SEAL, Buffer.from('one'), soon())).toBe('same');
  });

  test('a delete marker before any version does not stand in the way', async () => {
    const store = await fresh();
    await remove(SEAL);
    expect(await store.create(SEAL, Buffer.from('one'), soon())).toBe('created');
    expect((await all(store, '')).map(({ deleteMarker }) => deleteMarker)).toEqual([true, false]);
  });

  test('versions come oldest first, over pages and among other keys', async () => {
    const store = await fresh();
    await put('seals/000000000001', 'next');
    for (let i = 0; i < 30; i += 1) await put(SEAL, `version ${i}`);
    await put('seals/000000000000x', 'a key that begins with ours');
    const expected = Array.from({ length: 30 }, (_, i) => `version ${i}`);
    expect(await contents(store, '')).toEqual([...expected, 'a key that begins with ours', 'next']);
    expect(await store.create(SEAL, Buffer.from('version 7'), soon())).toBe('same');
    expect(await contents(store, `${SEAL}x`)).toEqual(['a key that begins with ours']);
  });

  test('more than a page of keys', async () => {
    const store = await fresh();
    const names = Array.from({ length: 1100 }, (_, i) => `junk/${String(i).padStart(5, '0')}`);
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => put(name, 'x')));
    }
    for (let i = 0; i < 3; i += 1) await put('junk/00999', `again ${i}`);
    const expected = names.flatMap((name) => (name === 'junk/00999' ? [name, name, name, name] : [name]));
    expect(await keys(store, '')).toEqual(expected);
    expect((await all(store, '', 'junk/00998')).length).toBe(expected.length - 999);
    expect(await contents(store, 'junk/00999')).toEqual(['x', 'again 0', 'again 1', 'again 2']);
  });

  test('keys that XML and URLs find hard are listed and read as they are', async () => {
    const store = await fresh();
    const names = [
      'seals/\u0001',
      'seals/a b',
      'seals/a+b',
      'seals/a%2Fb',
      'seals/é<&>"',
      'seals/🙂',
      'seals/\uffee',
    ];
    for (const name of names) await put(name, name);
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await keys(store, 'seals/')).toEqual(sorted);
    expect(await contents(store, 'seals/')).toEqual(sorted);
  });

  test.runIf(OWN_S3)(
    'bytes altered behind the API, and a copied object, are served as they are',
    async () => {
      const store = await fresh();
      await store.create(SEAL, Buffer.from('one'), soon());
      await s3.radosPut(bucket, base + SEAL, Buffer.from('two'));
      expect(await contents(store, SEAL)).toEqual(['two']);
      // What is there isn't ours any more: never 'same' by ETag alone.
      expect(await store.create(SEAL, Buffer.from('one'), soon())).toBe('taken');
      const source = `${bucket}/${base}${SEAL}`;
      await s3.client.send(
        new CopyObjectCommand({ Bucket: bucket, Key: `${base}seals/000000000001`, CopySource: source }),
      );
      expect(await keys(store, '')).toEqual([SEAL, 'seals/000000000001']);
    },
  );

  test('the auditor reads by URL, and may not write', async () => {
    const written = await fresh();
    await written.create(SEAL, Buffer.from('one'), soon());
    const reader = await openReader(written.location, env(s3.auditor));
    expect(reader.locks).toBe(true);
    const [entry] = await all(reader, 'seals/');
    expect((await reader.read(SEAL, entry!.version, 10)).toString()).toBe('one');
    expect((await reader.lock(SEAL, entry!.version))?.mode).toBe('COMPLIANCE');
    await reader.close();
    const store = await openStore(place(bucket), base.slice(0, -1), env(s3.auditor));
    await code(store.create('seals/000000000001', Buffer.from('x'), soon()), 'store_forbidden');
    expect(await keys(written, '')).toEqual([SEAL]);
    await store.close();
  });

  test('wrong keys, a missing bucket: refused at once, in words', async () => {
    const wrong = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: 'wrong-secret' };
    const cases = [
      [await openStore(place(bucket), 'audit.example.com/x', wrong), 'store_forbidden'],
      [await openStore(place('rowseal-not-there'), 'audit.example.com/x', env(s3)), 'store_missing'],
    ] as const;
    for (const [store, expected] of cases) {
      const error = await code(store.create(SEAL, Buffer.from('x'), soon()), expected);
      await code(all(store, ''), expected);
      // Neither the secret, nor the request that the SDK's own errors carry along.
      expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(
        /wrong-secret|authorization|\$response/i,
      );
      await store.close();
    }
  });

  test('the clock of the store is known after its first answer', async () => {
    const store = await fresh();
    expect(store.skewMs()).toBe(null);
    /** The answer may be of any moment since it was asked for, and tells whole seconds. */
    const inexactMs = async (asked: TrailStore) => {
      const began = Date.now();
      await keys(asked, '');
      return Date.now() - began + 1000;
    };
    const mostMs = await inexactMs(store);
    expect(Math.abs(store.skewMs()!)).toBeLessThan(mostMs);
    const late = createS3Store({
      bucket,
      endpoint: s3.endpoint,
      forcePathStyle: true,
      credentials: s3,
      trail: 'audit.example.com/late',
      clock: { now: () => Date.now() - 600_000, sleep: async () => {} },
    });
    const lateMs = await inexactMs(late);
    expect(Math.abs(late.skewMs()! - 600_000)).toBeLessThan(lateMs);
    await late.close();
  });
});
