/**
 * From a row to locked storage and back, as its users do it: the daemon writes to a bucket that enforces COMPLIANCE,
 * the auditor verifies it there with rights of his own, and whoever has the writer's keys can hide, but not undo.
 */
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWN_S3, startS3, type TestS3 } from '../support/ceph.ts';
import { createTrailConfig, isConnected, rowseal, startDaemon, type TrailConfig } from '../support/daemon.ts';
import { type TestServer, testServer } from '../support/postgres.ts';

interface Report {
  readonly verdict?: string;
  readonly findings: readonly { readonly code: string; readonly object: string }[];
  readonly notices: readonly { readonly code: string; readonly object: string }[];
}

const lsnValue = (lsn: string) =>
  lsn.split('/').reduce((value, part) => (value << 32n) | BigInt(`0x${part}`), 0n);

describe('a trail in a locked bucket', () => {
  let s3: TestS3;
  let server: TestServer;
  let trail: TrailConfig;
  let bucket: string;
  let writer: NodeJS.ProcessEnv;
  let auditor: NodeJS.ProcessEnv;

  beforeAll(async () => {
    [s3, server] = await Promise.all([startS3(), testServer({ major: 17, own: true })]);
    bucket = await s3.createBucket();
    writer = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
    auditor = {
      AWS_ACCESS_KEY_ID: s3.auditor.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.auditor.secretAccessKey,
    };
    await server.sql('create table t (id int primary key, v text)');
    await server.sql('create publication rowseal for table t');
    trail = await createTrailConfig({
      url: server.url,
      tables: [{ match: 'public.*' }],
      store: { type: 's3', bucket, endpoint: s3.endpoint, force_path_style: true },
    });
  });
  afterAll(async () => {
    await trail?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await s3?.stop();
  });

  const location = () =>
    `s3://${bucket}/${trail.name}?endpoint=${encodeURIComponent(s3.endpoint)}&force_path_style=true`;
  const verify = async (...options: string[]) => {
    const { code, stdout, stderr } = await rowseal(
      ['verify', location(), '--key', trail.vkey, '--json', ...options],
      auditor,
    );
    if (stdout === '') throw new Error(stderr);
    return { code, ...(JSON.parse(stdout) as Report) };
  };
  /** Runs the daemon over some inserts; resolves with the number of its last seal. */
  const capture = async (from: number, rows: number, during: () => Promise<void> = async () => {}) => {
    await using daemon = startDaemon(trail.path, ['--log-level', 'debug'], writer);
    await daemon.says(isConnected);
    for (let id = from; id < from + rows; id++) await server.sql(`insert into t values (${id}, 'x')`);
    await during();
    const [{ lsn }] = (await server.sql('select pg_current_wal_lsn()::text as lsn')) as [{ lsn: string }];
    await daemon.says(
      (line) => line.msg === 'sealed' && lsnValue(line['through'] as string) >= lsnValue(lsn),
    );
    expect(await daemon.terminate()).toBe(0);
    return daemon.log.filter((line) => line.msg === 'sealed').at(-1)?.['number'] as number;
  };

  test('what run wrote, verify accepts, with the auditor’s rights alone, locks and all', async () => {
    await capture(1, 20);
    const report = await verify();
    expect(report).toMatchObject({ code: 0, findings: [], notices: [] });
    const shown = await rowseal(
      ['show', location(), '--table', 'public.t', '--json', '--limit', '1000'],
      auditor,
    );
    expect(
      shown.stdout
        .trim()
        .split('\n')
        .filter((line) => line.includes('"action":"insert"')),
    ).toHaveLength(20);
  });

  test('a delete marker over the head and junk above it hide nothing: the daemon goes on, verify tells', async () => {
    const head = await capture(100, 5);
    const key = (number: number) => `${trail.name}/seals/${String(number).padStart(12, '0')}`;
    await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key(head) }));
    await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: key(head + 1), Body: 'junk' }));
    const next = await capture(200, 5);
    expect(next).toBeGreaterThan(head);
    const report = await verify();
    expect(report).toMatchObject({ code: 0, findings: [] });
    expect(report.notices.map(({ object }) => object)).toEqual(
      expect.arrayContaining([expect.stringContaining(key(head).slice(trail.name.length + 1))]),
    );
    expect((await verify('--strict')).code).toBe(1);
  });

  test.skipIf(!OWN_S3)(
    'a store that hangs loses nothing: rows wait, and are sealed when it answers',
    async () => {
      await capture(300, 5, async () => {
        s3.pause();
        for (let id = 400; id < 450; id++) await server.sql(`insert into t values (${id}, 'waits')`);
        await new Promise((resolve) => setTimeout(resolve, 2500));
        s3.resume();
      });
      expect(await verify()).toMatchObject({ code: 0, findings: [] });
      const shown = await rowseal(
        ['show', location(), '--table', 'public.t', '--json', '--limit', '10000'],
        auditor,
      );
      const waited = shown.stdout.split('\n').filter((line) => line.includes('"waits"'));
      expect(waited).toHaveLength(50);
    },
  );

  test.skipIf(!OWN_S3)('bytes changed behind the API are found', async () => {
    const key = `${trail.name}/seals/000000000001`;
    const { Body: body } = await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const bytes = Buffer.from((await body?.transformToByteArray()) as Uint8Array);
    bytes[bytes.indexOf('"number":1') + 9] = 0x32;
    await s3.radosPut(bucket, key, bytes);
    const report = await verify();
    expect(report.code).toBe(1);
    expect(report.findings.map(({ object }) => object)).toContain('seals/000000000001');
  });
});
