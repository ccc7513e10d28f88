/** doctor against a real S3 server: it tries whether a bucket locks, and leaves nothing inside a trail. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startS3, type TestS3 } from '../../../test/support/ceph.ts';
import { parseConfig } from '../../config/load.ts';
import { check } from '../../source/preflight.ts';
import { signerOf } from '../../trail/note.ts';
import { evidenceChecks } from './evidence.ts';

const NAME = 'audit.example.com/shop';
let s3: TestS3;
let folder: string;

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(join(tmpdir(), 'rowseal-doctor-'));
  await writeFile(join(folder, 'log.key'), `${signerOf(NAME, Buffer.alloc(32, 7)).text}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const noTrailYet = () => check('trail', 'trail.head', 'ok', 'no trail yet');

async function evidence(bucket: string, endpoint = s3.endpoint) {
  const config = parseConfig(
    `store: { type: s3, bucket: ${bucket}, prefix: p, region: us-east-1, endpoint: "${endpoint}", force_path_style: true }
signer: { type: file, path: ${folder}/log.key }
trails: [{ name: ${NAME}, source: { type: postgres, url: "postgres://a@b/c" }, tables: [{ match: "*.*" }] }]`,
    'test',
    {},
  );
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  const found = await evidenceChecks(config, config.trails[0]!, noTrailYet, env);
  return { ...found, states: found.checks.map(({ id, status }) => `${id} ${status}`) };
}

test('a bucket with Object Lock is tried, twice with one object', async () => {
  const bucket = await s3.createBucket();
  for (let run = 0; run < 2; run++) {
    const { states, unchecked } = await evidence(bucket);
    expect(states).toEqual(['key.file ok', 'store.lock ok', 'store.clock ok', 'trail.head ok']);
    expect(unchecked).toEqual([]);
  }
  const { Versions: versions } = await s3.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  expect(versions?.map(({ Key: key }) => key)).toEqual([
    expect.stringMatching(/^p\/\.rowseal-doctor\/probe-\d{4}-\d\d-\d\d$/),
  ]);
});

test('a bucket without Object Lock fails, a bucket that is not there too, and no server is not checked', async () => {
  const loose = await evidence(await s3.createBucket({ lock: false }));
  expect(loose.states).toContain('store.lock fail');
  expect((await evidence('no-such-bucket')).states).toContain('store.lock fail');
  const nobody = await evidence('no-such-bucket', 'http://127.0.0.1:9');
  expect(nobody.states).toEqual(['key.file ok']);
  expect(nobody.unchecked).toEqual([
    expect.objectContaining({ what: "whether no-such-bucket/p locks, and the trail's head" }),
  ]);
});
