/**
 * One writer (invariant I9): two daemons on one trail, junk at the next seal's key, delete markers over the head.
 * One goes on, the other stops with a clear error, and nothing is forked.
 */
import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { type CaptureCase, startCase } from '../support/capture-case.ts';
import { startS3 } from '../support/ceph.ts';
import { finish, LASTING, SMALL_SEALS } from '../support/crash.ts';
import { isConnected, type LogLine, rowseal, startDaemon, writeConfig } from '../support/daemon.ts';
import { startTrail } from '../support/in-process.ts';
import { persist, until, withPatience } from '../support/patience.ts';
import { seedOfRun } from '../support/random.ts';
import { copyTrail } from '../support/s3-trail.ts';
import { startWorkload } from '../support/workload.ts';

const waitsForSlot = (line: LogLine) => line['code'] === 'slot_in_use';
const sealName = (number: number) => String(number).padStart(12, '0');

test('a second daemon on the same slot waits, and takes over when the first is killed', async () => {
  const seed = seedOfRun();
  await using at = await startCase({ major: 18, seal: SMALL_SEALS });
  const standby = await secondConfig(at, 'rowseal');
  await using first = startDaemon(at.config.path);
  await first.says(isConnected);
  const workload = startWorkload({ ...LASTING, url: at.server.url, major: at.major, seed });
  await using second = startDaemon(standby);
  await second.says(waitsForSlot);
  await sleep(500);
  expect(first.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  await first.kill();
  await second.says(isConnected);
  await sleep(500);
  workload.stop();
  await workload.done;
  await second.kill();
  const result = await finish(at, []);
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
});

// It looked at the head, the first sealed on, acknowledged and ended, and only then it looked at the slot: "slot_moved", and a
// standby that was there to take over was gone.
test('a standby whose look at the head was out of date looks again', async () => {
  await using at = await startCase({ major: 18, seal: SMALL_SEALS });
  await using first = startDaemon(at.config.path);
  await first.says(isConnected);
  await at.caughtUp();
  const [looked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const standby = await startTrail(await secondConfig(at, 'rowseal'), (store) => ({
    ...store,
    async *list(prefix, after) {
      // What is listed when the head is found.
      if (prefix.startsWith('segments/')) {
        looked.resolve();
        await gate.promise;
      }
      yield* store.list(prefix, after);
    },
  }));
  await looked.promise;
  const admin = await at.admin();
  await admin.query(`select pg_logical_emit_message(true, 'test', 'so that the slot moves')`);
  await admin.end();
  await at.caughtUp();
  expect(await first.terminate()).toBe(0);
  gate.resolve();
  await withPatience(
    Promise.race([until(() => standby.health.state === 'streaming'), standby.done]),
    'the standby to stream',
  );
  expect(standby.log.join('\n')).toContain('trail_moved_on');
  await standby.stop();
  const result = await finish(at, []);
  expect(result.problems).toEqual([]);
});

test('two daemons with slots of their own: one stops with trail_forked, and nothing forks', async () => {
  const seed = seedOfRun();
  await using at = await startCase({ major: 16, seal: SMALL_SEALS });
  await begin(at, 'other');
  const workload = startWorkload({ ...LASTING, url: at.server.url, major: at.major, seed });
  await using one = startDaemon(at.config.path);
  await using other = startDaemon(await secondConfig(at, 'other'));
  const [stopped, status] = await Promise.race(
    [one, other].map(async (daemon) => [daemon, await daemon.exited] as const),
  );
  expect(status).toBe(2);
  expect(stopped.stderr()).toMatch(/\[(trail_forked)\]/);
  workload.stop();
  await workload.done;
  const winner = stopped === one ? other : one;
  await winner.says(isConnected);
  expect(await winner.terminate()).toBe(0);
  // The loser's slot may be ahead of nothing: each acknowledged only what is sealed.
  const result = await finish(at, [], { strict: false });
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
});

test('junk at the next seal in a folder: the daemon stops, and goes on when it is taken away', async () => {
  const seed = seedOfRun();
  await using at = await startCase({ major: 14, seal: SMALL_SEALS });
  await using daemon = startDaemon(at.config.path);
  await daemon.says(isConnected);
  const workload = startWorkload({ ...LASTING, url: at.server.url, major: at.major, seed });
  const seals = join(at.config.folder, 'seals');
  await until(() => readdirSync(seals).length > 5);
  // A little ahead; again where the daemon was there first.
  const junk = await persist(async () => {
    const path = join(seals, sealName(readdirSync(seals).length + 5));
    await writeFile(path, 'junk', { flag: 'wx' });
    return path;
  });
  expect(await daemon.exited).toBe(2);
  expect(daemon.stderr()).toContain('[trail_forked]');
  // Junk above the head altered nothing: a notice, no finding.
  const verified = await rowseal(['verify', at.config.folder, '--key', at.config.vkey]);
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  await rm(junk);
  workload.stop();
  await workload.done;
  const result = await finish(at, []);
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
});

test('in a locked bucket: junk is written behind, delete markers hide nothing, two daemons do not fork', async () => {
  const seed = seedOfRun();
  await using s3 = await startS3();
  const bucket = await s3.createBucket();
  const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
  const store = { type: 's3', bucket, region: 'us-east-1', endpoint: s3.endpoint, force_path_style: true };
  await using at = await startCase({ major: 18, seal: SMALL_SEALS, store });
  await begin(at, 'other', env);
  const workload = startWorkload({
    ...LASTING,
    url: at.server.url,
    major: at.major,
    seed,
    paceMs: 25,
    transactions: 300,
  });
  const location = `s3://${bucket}/${at.config.name}?region=us-east-1&endpoint=${encodeURIComponent(s3.endpoint)}&force_path_style=true`;
  const key = (number: number) => `${at.config.name}/seals/${sealName(number)}`;

  await using one = startDaemon(at.config.path, ['--log-level', 'debug'], env);
  const sealed = (await one.says((line) => line.msg === 'sealed' && Number(line['number']) > 4))[
    'number'
  ] as number;
  for (const number of [sealed + 4, sealed + 5]) {
    await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: key(number), Body: 'junk' }));
    await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key(number - 2) }));
  }
  await one.says((line) => line.msg === 'sealed' && Number(line['number']) > sealed + 6);
  // A daemon that begins now must find the head behind markers and junk, and one of the two must give way.
  await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: key(sealed + 500), Body: 'junk' }));
  await using other = startDaemon(await secondConfig(at, 'other'), [], env);
  const [stopped, status] = await Promise.race(
    [one, other].map(async (daemon) => [daemon, await daemon.exited] as const),
  );
  expect(status).toBe(2);
  expect(stopped.stderr()).toContain('[trail_forked]');
  workload.stop();
  await workload.done;
  const winner = stopped === one ? other : one;
  await winner.says(isConnected);
  expect(await winner.terminate()).toBe(0);
  const result = await finish(at, [], {
    strict: false,
    env,
    location,
    copy: () => copyTrail(location, env, at.config.folder),
  });
  expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
  expect(result.changes).toBeGreaterThan(50);
});

/** The configuration of a second daemon on the same trail. */
async function secondConfig(at: CaptureCase, slot: string): Promise<string> {
  const path = join(at.config.dir, `${slot}-second.yaml`);
  await mkdir(at.config.dir, { recursive: true });
  await writeConfig(path, { ...at.options, slot }, at.config.name);
  return path;
}

/** Begins the trail, and gives a second slot the same start. */
async function begin(at: CaptureCase, slot: string, env: Record<string, string> = {}): Promise<void> {
  const admin = await at.admin();
  await admin.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  await admin.end();
  await using daemon = startDaemon(at.config.path, [], env);
  await daemon.says(isConnected);
  expect(await daemon.terminate()).toBe(0);
}
