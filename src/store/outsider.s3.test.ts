/**
 * Somebody with s3:PutObject and nothing else, on a server with Object Lock: junk versions at the number of a seal that
 * does not exist yet (the daemon writes behind them and wins), strays, seals' names. 64 PUTs blinded every verifier to
 * the newest seal, or made it cry `seal_malformed` for ever. The bounds are in requests, never in time.
 */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cosignature, pack, token } from '../../test/support/beside-builder.ts';
import { startS3, type TestS3 } from '../../test/support/ceph.ts';
import { put, recovered, sealOn } from '../../test/support/outsider.ts';
import { verified } from '../../test/support/verified.ts';
import type { Head } from '../seal/head/head.ts';
import { sealPath } from '../trail/names.ts';
import { exitStatus } from '../verify/report.ts';
import { createS3Store } from './s3.ts';
import { createS3Link, type S3Link } from './s3-link.ts';
import { createS3Reader } from './s3-reader.ts';
import type { TrailReader } from './store.ts';

const TINY = 'junk';
const LIKELY = 'j'.repeat(800);
/** Versions that a page holds at least. */
const PAGE = 500;

describe('an outsider with s3:PutObject', () => {
  let s3: TestS3;
  let bucket: string;
  beforeAll(async () => {
    s3 = await startS3();
    bucket = await s3.createBucket();
  });
  afterAll(() => s3?.stop());

  const place = () => ({
    bucket,
    endpoint: s3.endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  });
  const storeOf = (trail: string) => createS3Store({ ...place(), trail });
  const junk = (trail: string, key: string, count: number, body: string | Buffer = TINY) =>
    put(count, () =>
      s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: `${trail}/${key}`, Body: body })),
    );
  const marker = (trail: string, key: string) =>
    s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${trail}/${key}` }));

  /** Runs `look` with a reader whose requests are counted, and ends it. */
  async function asked<T>(trail: string, look: (reader: TrailReader) => Promise<T>) {
    let requests = 0;
    const link = createS3Link(place());
    const counting: S3Link = {
      ...link,
      request: (bytes, run) => {
        requests += 1;
        return link.request(bytes, run);
      },
    };
    const reader = createS3Reader(counting, `${trail}/`, trail);
    try {
      return { ...(await look(reader)), requests };
    } finally {
      await reader.close();
    }
  }
  const check = (trail: string) =>
    asked(trail, async (reader) => {
      const verdict = await verified(reader, { now: new Date() });
      return { verdict, exit: [exitStatus(verdict, false), exitStatus(verdict, true)] };
    });

  // One number plays all parts: above the head, then the head's own, then below it.
  for (const [count, body] of [
    [64, LIKELY],
    [65, LIKELY],
    [5000, TINY],
  ] as const) {
    test(`${count} junk versions above, at and below the head`, async () => {
      const trail = `audit.example.com/versions-${count}`;
      const store = storeOf(trail);
      let { head } = await sealOn(store, 3);
      await junk(trail, sealPath(3), count / 2, body);
      await marker(trail, sealPath(3));
      await junk(trail, sealPath(3), count / 2, body);
      // Reads of junk, and pages: twice to find that there are many and to walk them, once more beyond nine of them.
      const reads = body === LIKELY ? count : 0;
      const pages = 3 * Math.ceil(count / PAGE);
      for (const number of [2, 3, 4]) {
        if (number > 2) ({ head } = await sealOn(store, 1, head));
        const { verdict, exit, requests } = await check(trail);
        expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number } });
        expect(verdict.noticed).toContain(number === 2 ? 'seal_junk' : 'seal_version_invalid');
        expect(verdict.noticed.includes('delete_marker')).toBe(number > 2);
        expect(exit).toEqual([0, 1]);
        const daemon = await asked(trail, recovered);
        expect(daemon.found?.head).toEqual(head);
        expect(daemon.warnings).toHaveLength(1);
        expect(requests).toBeLessThan(100 + pages + reads);
        // Once to find the head, and once to read it.
        expect(daemon.requests).toBeLessThan(100 + 2 * pages + 2 * reads);
      }
      await store.close();
    });
  }

  test('junk versions of a segment', async () => {
    const trail = 'audit.example.com/segment';
    const store = storeOf(trail);
    const { seals } = await sealOn(store, 2);
    const { object, bytes } = seals[1]!.segments[0]!;
    await junk(trail, object, 70);
    await junk(trail, object, 3, 'x'.repeat(bytes));
    const { verdict, exit, requests } = await check(trail);
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 1 } });
    expect(exit).toEqual([0, 1]);
    expect(requests).toBeLessThan(40);
    await store.close();
  });

  test('junk beside the seals, before and behind what belongs there', async () => {
    const trail = 'audit.example.com/beside';
    const store = storeOf(trail);
    const { seals } = await sealOn(store, 3);
    const objects = new Map<string, Buffer>();
    for (const number of [0, 1, 2]) {
      objects.set(sealPath(number), await store.read(sealPath(number), null, 1 << 20));
    }
    const until = new Date(seals[2]!.retain_until);
    const honest = [cosignature(objects, 1), token(objects, 2), pack(objects, { last: 2 })];
    for (const [key] of honest) await junk(trail, key, 70);
    for (const [key, bytes] of honest) await store.create(key, bytes, until, { behind: true });
    const { verdict, exit, requests } = await check(trail);
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 2 } });
    expect(verdict.noticed.toSorted()).toEqual(['stray_cosignature', 'stray_pack', 'stray_token']);
    expect(exit).toEqual([0, 1]);
    expect(requests).toBeLessThan(80);
    // Such ones that nobody locked.
    for (const [key, bytes] of [cosignature(objects, 2), token(objects, 1)]) {
      await junk(trail, key, 1, bytes);
    }
    expect((await check(trail)).verdict.noticed).toContain('lock_weak');
    await store.close();
  });

  describe('junk objects', () => {
    const trail = 'audit.example.com/objects';
    /** More than verify looks at, in the long run alone: they take minutes to put. */
    const STRAYS = process.env['ROWSEAL_LONG'] === '1' ? 50_001 : 500;
    const NAMES = 1200;
    let head: Head;
    beforeAll(async () => {
      const store = storeOf(trail);
      ({ head } = await sealOn(store, 4));
      const names = (index: number) =>
        index < NAMES
          ? sealPath(5 + 2 * index)
          : `segments/${index % 2 === 0 ? 'junk' : 'default/9999/01/01'}/${index}`;
      await put(NAMES + STRAYS, (index) =>
        s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: `${trail}/${names(index)}`, Body: '' })),
      );
      await store.close();
    });

    test('are notices to verify, which reads none that is too small', async () => {
      const { verdict, exit, requests } = await check(trail);
      expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 3 } });
      expect(exit).toEqual([0, 1]);
      expect(requests).toBeLessThan(60 + (NAMES + STRAYS) / 1000);
    });

    test('cost recovery some pages of a listing, and one line in the log at most', async () => {
      const daemon = await asked(trail, recovered);
      expect(daemon.found?.head).toEqual(head);
      expect(daemon.requests).toBeLessThan(40);
      expect(daemon.warnings.length).toBeLessThanOrEqual(1);
    });
  });
});
