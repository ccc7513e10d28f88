/**
 * One run of the crash test on MySQL or MariaDB: the workload goes on while the daemon is killed with SIGKILL again and
 * again, at random moments, and the server too, now and then. Then the trail must equal the shadow log, and verify must
 * be clean.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { finish, LASTING, SMALL_SEALS, sharesOf, startAndKill } from './crash.ts';
import { isConnected, startDaemon } from './daemon.ts';
import { type CaseOptions, type MysqlCase, startCase } from './mysql-case.ts';
import { startWorkload } from './mysql-workload.ts';
import { createRandom, type Random } from './random.ts';

export interface CrashOptions extends CaseOptions {
  readonly seed: number;
  readonly kills: number;
  /** After how many kills of the daemon the server is killed, or restarted, too. */
  readonly serverEvery: number;
}

export async function crash(options: CrashOptions) {
  const { seed, kills } = options;
  const random = createRandom(seed).fork('crash');
  await using at = await startCase({ seal: SMALL_SEALS, ...options });
  const first = startDaemon(at.config.path);
  await first.says(isConnected);
  await at.begin();
  let kill = 0;
  const workload = startWorkload({
    ...at,
    ...LASTING,
    urlFor: at.server.urlFor,
    seed,
    ...sharesOf(kills, () => kill),
  });
  const problems: string[] = [];
  let connected = 1;
  await sleep(random.below(600));
  await first.kill();
  for (kill = 1; kill < kills; kill++) {
    if (await startAndKill(at.config.path, random, problems)) connected++;
    if (kill % options.serverEvery === 0) await disturbServer(at, random);
  }
  workload.stop();
  const { committed, failed } = await workload.done;
  const verdict = await finish(at, problems);
  problems.push(...verdict.told.map((line) => `told: ${line}`));
  return { ...verdict, problems, committed, failed, connected };
}

/** SIGKILL, or an orderly restart. */
export async function disturbServer({ server }: MysqlCase, random: Random): Promise<void> {
  if (random.chance(0.6)) await server.embedded?.kill();
  else await server.embedded?.stop();
  await server.embedded?.start();
}
