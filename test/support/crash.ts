/**
 * One run of the crash test: the workload goes on while the daemon is killed with SIGKILL again and again, at random
 * moments, from its first millisecond on. Then the trail must equal the shadow log, and verify must be clean.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CaptureCase, startCase } from './capture-case.ts';
import { type Daemon, isConnected, startDaemon } from './daemon.ts';
import { createRandom, type Random } from './random.ts';
import { startWorkload } from './workload.ts';

export interface CrashOptions {
  readonly major: number;
  readonly seed: number;
  readonly kills: number;
  /** Done to the server between two kills, now and then. */
  readonly disturb?: (at: CaptureCase, random: Random) => Promise<void>;
}

/** Small, so that transactions are cut in two and many seals are under way. */
const SEAL = { max_age: '100ms', max_records: 40, idle: '500ms' };

export async function crash(options: CrashOptions) {
  const { seed, kills } = options;
  const random = createRandom(seed).fork('crash');
  await using at = await startCase({ major: options.major, seal: SEAL });
  const workload = startWorkload({
    url: at.server.url,
    major: options.major,
    seed,
    transactions: 1e9,
    paceMs: 8,
    ddl: 1e9,
  });
  const problems: string[] = [];
  let connected = 0;
  for (let kill = 0; kill < kills; kill++) {
    const daemon = startDaemon(at.config.path);
    if (await liveAWhile(daemon, random, problems)) connected++;
    await daemon.kill();
    if (options.disturb !== undefined) await options.disturb(at, random);
  }
  workload.stop();
  const { committed, failed } = await workload.done;
  return { ...(await finish(at, problems)), committed, failed, connected };
}

/** A last daemon takes up what is left and leaves when asked; then the verdict. */
export async function finish(at: CaptureCase, problems: string[]) {
  await forgetPrepared(at);
  await using daemon = startDaemon(at.config.path);
  await daemon.says(isConnected, 60_000);
  await at.caughtUp(120_000);
  const status = await daemon.terminate();
  if (status !== 0) problems.push(`the daemon left with ${status}: ${daemon.stderr()}`);
  const verdict = await at.verdict();
  problems.push(...verdict.differences);
  if (verdict.verify !== null) problems.push(`verify: ${verdict.verify}`);
  return { ...verdict, problems };
}

/** Lets a daemon run for a random while; true where it got as far as streaming. It must not end by itself. */
async function liveAWhile(daemon: Daemon, random: Random, problems: string[]): Promise<boolean> {
  let ended = false;
  daemon.exited.then(() => {
    ended = true;
  });
  const early = random.chance(0.25);
  const connected =
    !early &&
    (await daemon.says(isConnected, 30_000).then(
      () => true,
      (error: Error) => {
        problems.push(`a daemon did not start: ${error.message}`);
        return false;
      },
    ));
  await sleep(early ? random.below(1500) : random.below(random.pick([20, 150, 600, 1500])));
  if (ended) problems.push(`a daemon ended by itself: ${daemon.stderr()}`);
  return connected;
}

/** What a client that was cut off between PREPARE and COMMIT PREPARED left. */
export async function forgetPrepared(at: CaptureCase): Promise<void> {
  const admin = await at.admin();
  const { rows } = await admin.query('select gid from pg_prepared_xacts');
  for (const { gid } of rows) await admin.query(`rollback prepared '${gid}'`);
  await admin.end();
}
