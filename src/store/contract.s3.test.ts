import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startS3 } from '../../test/support/ceph.ts';
import { createFlakyStore } from '../../test/support/flaky-store.ts';
import { storeContract } from '../../test/support/store-contract.ts';
import { openStore } from './open.ts';

async function folderBench() {
  const path = await mkdtemp(join(tmpdir(), 'rowseal-store-'));
  return {
    path,
    versions: false,
    open: (trail: string) => openStore({ type: 'file', path }, trail),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

storeContract('file', folderBench);

// The wrapper itself must not disturb when nothing is scheduled.
storeContract('flaky, with no faults, on file', async () => {
  const bench = await folderBench();
  const open = async (trail: string) => createFlakyStore(await bench.open(trail), { seed: 1, rates: {} });
  return { ...bench, open };
});

storeContract('S3', async () => {
  const s3 = await startS3();
  const bucket = await s3.createBucket();
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  const place = {
    type: 's3',
    bucket,
    prefix: 'audit',
    endpoint: s3.endpoint,
    force_path_style: true,
  } as const;
  return {
    versions: true,
    open: (trail: string) => openStore(place, trail, env),
    [Symbol.asyncDispose]: () => s3.stop(),
  };
});
