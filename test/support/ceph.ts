/**
 * A real S3 server with Object Lock for tests: Ceph's gateway, started here, or the one that ROWSEAL_TEST_S3
 * names (its endpoint's URL; keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and for reading only in
 * ROWSEAL_TEST_S3_AUDITOR_KEY and ROWSEAL_TEST_S3_AUDITOR_SECRET; with ROWSEAL_TEST_S3_AUDITOR_ARN each bucket's
 * policy lets that principal read, else it must be allowed already). What only the host of a server can do,
 * stopping it and tampering behind its API, throws on a named one: ask OWN_S3 first.
 */
import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type CephCluster, createCluster } from './ceph-cluster.ts';
import type { ObjectStore } from './ceph-config.ts';
import { provisionCeph as provision } from './ceph-packages.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface TestS3 extends S3Credentials, AsyncDisposable {
  readonly endpoint: string;
  /** May list and read in the buckets that createBucket made, and nothing else. */
  readonly auditor: S3Credentials;
  /** A client with the owner's rights, ended with the server. */
  readonly client: S3Client;
  /** A new bucket, with Object Lock unless told otherwise. */
  createBucket(options?: { lock?: boolean }): Promise<string>;
  /** SIGSTOP: connections are accepted by the kernel, and nothing answers. */
  pause(): void;
  resume(): void;
  /** SIGKILL to the gateway, or to all of the server (bluestore alone keeps its data then). */
  kill(what?: 'gateway' | 'server'): Promise<void>;
  /** Starts what was killed, at the same endpoint. */
  restart(): Promise<void>;
  /** Replaces an object's bytes behind the API, whatever its lock says; the newest version unless told. */
  radosPut(bucket: string, key: string, bytes: Buffer, version?: string): Promise<void>;
  stop(): Promise<void>;
}

/** False where the environment names a server: tests that stop it or tamper behind its API are skipped then. */
export const OWN_S3 = process.env['ROWSEAL_TEST_S3'] === undefined;

/** Downloads and unpacks what startS3 needs, unless the environment names a server. */
export async function provisionCeph(log: (line: string) => void): Promise<void> {
  if (OWN_S3) await provision(log);
}

export async function startS3(options: { store?: ObjectStore } = {}): Promise<TestS3> {
  const named = process.env['ROWSEAL_TEST_S3'];
  if (named !== undefined) return namedServer(named, process.env);
  const packages = await provision((line) => process.stderr.write(`${line}\n`));
  const cluster = await createCluster(packages, options.store ?? 'memstore');
  try {
    return await ownServer(cluster);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function ownServer(cluster: CephCluster): Promise<TestS3> {
  const endpoint = `http://127.0.0.1:${cluster.port}`;
  const [sealer, auditor] = await Promise.all([
    createUser(cluster, 'sealer'),
    createUser(cluster, 'auditor'),
  ]);
  const client = clientFor(endpoint, sealer);
  const stop = async () => {
    client.destroy();
    await cluster.stop();
  };
  return {
    ...sealer,
    endpoint,
    auditor,
    client,
    createBucket: (options) => createBucket(client, options?.lock ?? true, 'arn:aws:iam:::user/auditor'),
    pause: () => cluster.signal('rgw', 'SIGSTOP'),
    resume: () => cluster.signal('rgw', 'SIGCONT'),
    kill: (what = 'gateway') => cluster.kill(what === 'gateway' ? ['rgw'] : ['rgw', 'osd', 'mon']),
    restart: () => cluster.start(),
    radosPut: (bucket, key, bytes, version) => radosPut(cluster, client, { bucket, key, version }, bytes),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function namedServer(endpoint: string, env: NodeJS.ProcessEnv): TestS3 {
  const sealer = keysIn(env, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
  const client = clientFor(endpoint, sealer);
  const refuse = () => {
    throw new Error('not possible on the server that ROWSEAL_TEST_S3 names');
  };
  const stop = async () => client.destroy();
  return {
    ...sealer,
    endpoint,
    auditor: keysIn(env, 'ROWSEAL_TEST_S3_AUDITOR_KEY', 'ROWSEAL_TEST_S3_AUDITOR_SECRET'),
    client,
    createBucket: (options) =>
      createBucket(client, options?.lock ?? true, env['ROWSEAL_TEST_S3_AUDITOR_ARN'] ?? null),
    pause: refuse,
    resume: refuse,
    kill: refuse,
    restart: refuse,
    radosPut: refuse,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function keysIn(env: NodeJS.ProcessEnv, id: string, secret: string): S3Credentials {
  const [accessKeyId, secretAccessKey] = [env[id], env[secret]];
  if (!accessKeyId || !secretAccessKey)
    throw new Error(`ROWSEAL_TEST_S3 is set, but ${id} or ${secret} is not`);
  return { accessKeyId, secretAccessKey };
}

async function createUser(cluster: CephCluster, name: string): Promise<S3Credentials> {
  const keys = { accessKeyId: `${name}key`, secretAccessKey: `${name}-${randomUUID()}` };
  const flags = ['--access-key', keys.accessKeyId, '--secret-key', keys.secretAccessKey];
  await cluster.tool('radosgw-admin', ['user', 'create', '--uid', name, '--display-name', name, ...flags]);
  return keys;
}

function clientFor(endpoint: string, credentials: S3Credentials): S3Client {
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
}

async function createBucket(client: S3Client, lock: boolean, reader: string | null): Promise<string> {
  const bucket = `rowseal-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: lock }));
  if (reader !== null) {
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: [reader] },
      Action: [
        's3:ListBucket',
        's3:ListBucketVersions',
        's3:GetObject',
        's3:GetObjectVersion',
        's3:GetObjectRetention',
      ],
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    };
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy }));
  }
  return bucket;
}

/** The gateway keeps a version under `<bucket's marker>__:<version id>_<key>`; attributes and ETag stay. */
async function radosPut(
  cluster: CephCluster,
  client: S3Client,
  target: { bucket: string; key: string; version: string | undefined },
  bytes: Buffer,
): Promise<void> {
  const stats = await cluster.tool('radosgw-admin', ['bucket', 'stats', '--bucket', target.bucket]);
  const { marker } = JSON.parse(stats) as { marker: string };
  const listed = await client.send(
    new ListObjectVersionsCommand({ Bucket: target.bucket, Prefix: target.key }),
  );
  const version = target.version ?? listed.Versions?.find(({ Key }) => Key === target.key)?.VersionId;
  if (version === undefined) throw new Error(`${target.key} is not in ${target.bucket}`);
  const instance = version === 'null' ? `_${target.key}` : `__:${version}_${target.key}`;
  const name = `${marker}${instance}`;
  await cluster.tool('rados', ['-p', 'default.rgw.buckets.data', 'stat', name]);
  await cluster.tool('rados', ['-p', 'default.rgw.buckets.data', 'put', name, '-'], bytes);
}
