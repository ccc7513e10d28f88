/** The policies of docs/operate.md on a real S3 server: enough for a writer and an auditor, and no more. */
import { readFileSync } from 'node:fs';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openReader, openStore } from '../../src/store/open.ts';
import { OWN_S3, startS3, type TestS3 } from '../support/ceph.ts';

const TRAIL = 'audit.example.com/orders';
const KEY = 'seals/000000000000';
const soon = (seconds = 600) => new Date(Date.now() + seconds * 1000);
let s3: TestS3;

beforeAll(async () => {
  if (OWN_S3) s3 = await startS3();
});
afterAll(() => s3?.stop());

interface Policy {
  readonly Statement: readonly { readonly Resource: string; readonly Action: readonly string[] }[];
}

/** The policy as the guide prints it. */
function policy(name: 'writer' | 'auditor'): Policy {
  const text = readFileSync(new URL('../../docs/operate.md', import.meta.url), 'utf8');
  const found = new RegExp(`<!-- policy: ${name} -->\\n\`\`\`json\\n([^]*?)\`\`\``).exec(text);
  return JSON.parse(found?.[1] ?? '') as Policy;
}

/** A bucket of its own, in which the second user may do what the policy says. */
async function bucketWith(name: 'writer' | 'auditor'): Promise<string> {
  const bucket = `guide-${name}`;
  const Statement = policy(name).Statement.map((statement) => ({
    ...statement,
    Resource: statement.Resource.replace('my-audit', bucket),
    Principal: { AWS: ['arn:aws:iam:::user/auditor'] },
  }));
  await s3.client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await s3.client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  return bucket;
}

const place = (bucket: string) =>
  ({ type: 's3', bucket, region: 'us-east-1', endpoint: s3.endpoint, force_path_style: true }) as const;
const environment = ({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});
const urlOf = (bucket: string) =>
  `s3://${bucket}/${TRAIL}?region=us-east-1&force_path_style=true&endpoint=${encodeURIComponent(s3.endpoint)}`;

it.skipIf(!OWN_S3)(
  'lets the writer write under a lock, extend it, read and list, and delete nothing',
  async () => {
    const bucket = await bucketWith('writer');
    const store = await openStore(place(bucket), TRAIL, environment(s3.auditor));
    const bytes = Buffer.from('a seal');
    expect(await store.create(KEY, bytes, soon())).toBe('created');
    expect(await store.create(KEY, bytes, soon(1200))).toBe('same');
    const [version] = await Array.fromAsync(store.list('seals/'));
    expect(await store.read(KEY, version?.version ?? null, 100)).toEqual(bytes);
    expect(await store.lock(KEY, version?.version ?? null)).toMatchObject({ mode: 'COMPLIANCE' });
    await store.close();
    const client = new S3Client({
      endpoint: s3.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: s3.auditor,
    });
    const target = { Bucket: bucket, Key: `${TRAIL}/${KEY}` };
    await expect(client.send(new DeleteObjectCommand(target))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await expect(client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: '{}' }))).rejects.toThrow();
    client.destroy();
  },
);

it.skipIf(!OWN_S3)('lets the auditor read, list and see the locks, and write nothing', async () => {
  const bucket = await bucketWith('auditor');
  const owner = await openStore(place(bucket), TRAIL, environment(s3));
  await owner.create(KEY, Buffer.from('a seal'), soon());
  await owner.close();
  const reader = await openReader(urlOf(bucket), environment(s3.auditor));
  const [version] = await Array.fromAsync(reader.list('seals/'));
  expect((await reader.read(KEY, version?.version ?? null, 100)).toString()).toBe('a seal');
  expect(await reader.lock(KEY, version?.version ?? null)).toMatchObject({ mode: 'COMPLIANCE' });
  await reader.close();
  const store = await openStore(place(bucket), TRAIL, environment(s3.auditor));
  await expect(store.create('seals/000000000001', Buffer.from('x'), soon())).rejects.toMatchObject({
    code: 'store_forbidden',
  });
  await store.close();
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: s3.auditor,
  });
  const put = new PutObjectCommand({ Bucket: bucket, Key: 'junk', Body: 'x' });
  await expect(client.send(put)).rejects.toMatchObject({ name: 'AccessDenied' });
  client.destroy();
});
