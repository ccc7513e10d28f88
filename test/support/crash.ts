/**
 * One run of the crash test: the workload goes on while the daemon is killed with SIGKILL again and again, at random
 * moments, from its first millisecond on. Then the trail must equal the shadow log, and verify must be clean.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CaptureCase, startCase, type VerdictOptions } from './capture-case.ts';
import { createTrailConfig, type Daemon, isConnected, rowseal, startDaemon, writeConfig } from './daemon.ts';
import { createRandom, type Random } from './random.ts';
import { startWorkload } from './workload.ts';

export interface CrashOptions {
  readonly major: number;
  readonly seed: number;
  readonly kills: number;
  /** Every other daemon leaves public.journal out of the trail: what it passes over counts all the same. */
  readonly vary?: boolean;
  /** Done to the server between two kills, now and then. */
  readonly disturb?: (at: CaptureCase, random: Random) => Promise<void>;
}

/** Small, so that transactions are cut in two and many seals are under way. */
export const SMALL_SEALS = { max_age: '100ms', max_records: 40, idle: '500ms' };

/** Goes on until it is stopped, or for this long: a slow daemon must not get more of it than it can catch up with. */
export const LASTING = { transactions: 1500, paceMs: 8, ddl: 1e9 } as const;

export async function crash(options: CrashOptions) {
  const { seed, kills } = options;
  const random = createRandom(seed).fork('crash');
  await using at = await startCase({ major: options.major, seal: SMALL_SEALS });
  const tables = [...at.options.tables, { match: 'public.journal', exclude: true }];
  const other = options.vary === true ? join(at.config.dir, 'other.yaml') : at.config.path;
  if (options.vary === true) await writeConfig(other, { ...at.options, tables }, at.config.name);
  const ignored = options.vary === true ? ['journal'] : [];
  // The first daemon makes the slot; what was committed before is not the trail's. Made while DDL runs, a slot may
  // stay unreadable on the server's side ("could not map filenumber", Postgres 18.4, with test_decoding too).
  const first = startDaemon(at.config.path);
  await first.says(isConnected);
  let kill = 0;
  const workload = startWorkload({
    ...LASTING,
    url: at.server.url,
    major: options.major,
    seed,
    ...sharesOf(kills, () => kill),
  });
  const problems: string[] = [];
  let connected = 1;
  await sleep(random.below(600));
  await first.kill();
  for (kill = 1; kill < kills; kill++) {
    const path = kill % 2 === 1 ? other : at.config.path;
    if (await startAndKill(path, random, problems)) connected++;
    if (options.disturb !== undefined) await options.disturb(at, random);
  }
  workload.stop();
  const { committed, failed } = await workload.done;
  return { ...(await finish(at, problems, { ignored })), committed, failed, connected };
}

/** As many transactions for the next kill as for the last, however long a daemon takes to come up. */
export function sharesOf(kills: number, killed: () => number): { transactions: number; allowed(): number } {
  return { transactions: 70 * kills, allowed: () => 70 * (killed() + 1) };
}

/** A daemon that lives for a random while; true where it got as far as streaming. */
export async function startAndKill(path: string, random: Random, problems: string[]): Promise<boolean> {
  const daemon = startDaemon(path);
  const streams = await liveAWhile(daemon, random, problems);
  if (streams && random.chance(0.15)) {
    // Asked to leave in the middle of the load, it seals what it read and goes.
    const status = await daemon.terminate();
    if (status !== 0) problems.push(`asked to leave, the daemon left with ${status}: ${daemon.stderr()}`);
  } else await daemon.kill();
  return streams;
}

/** A case of either engine. */
export interface CrashCase<V extends Pick<Verdict, 'differences' | 'blind' | 'verify'>> {
  readonly config: Pick<CaptureCase['config'], 'path'>;
  caughtUp(idleMs?: number): Promise<void>;
  forgetPrepared(): Promise<void>;
  verdict(options?: VerdictOptions): Promise<V>;
}

type Verdict = Awaited<ReturnType<CaptureCase['verdict']>>;

export interface FinishOptions extends VerdictOptions {
  /** Brings the trail into the configuration's folder, where it lies elsewhere. */
  readonly copy?: () => Promise<void>;
}

/** A last daemon takes up what is left and leaves when asked; then the verdict. */
export async function finish<V extends Pick<Verdict, 'differences' | 'blind' | 'verify'>>(
  at: CrashCase<V>,
  problems: string[],
  options: FinishOptions = {},
) {
  await at.forgetPrepared();
  await using daemon = startDaemon(at.config.path, [], options.env);
  await daemon.says(isConnected, 60_000);
  await at.caughtUp().catch((error: Error) => {
    const said = daemon.log
      .slice(-15)
      .map((line) => JSON.stringify(line))
      .join('\n');
    throw new Error(`${error.message}\n${problems.join('\n')}\n${said}\n${daemon.stderr()}`);
  });
  const status = await daemon.terminate();
  if (status !== 0) problems.push(`the daemon left with ${status}: ${daemon.stderr()}`);
  await options.copy?.();
  const verdict = await at.verdict(options);
  problems.push(...verdict.differences);
  for (const alteration of verdict.blind) problems.push(`the comparison is blind to: ${alteration}`);
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

/** Kills daemons while they begin a trail: somewhere between nothing, seal 0, the slot and the first change. */
export async function firstStart(options: CrashOptions) {
  const random = createRandom(options.seed).fork('first start');
  await using at = await startCase({ major: options.major, seal: SMALL_SEALS });
  const workload = startWorkload({ ...LASTING, ...options, url: at.server.url, paceMs: 20, ddl: 0 });
  const problems: string[] = [];
  // How long an undisturbed start takes here, as the measure of what a random moment is.
  let usualMs = 1000;
  const trails = Math.ceil(options.kills / 4);
  for (let trail = 0; trail < trails; trail++) {
    const slot = `first_${trail}`;
    await using config = await createTrailConfig({ ...at.options, slot });
    for (let kill = 0; kill < 4; kill++) {
      const daemon = startDaemon(config.path);
      await sleep(random.below(usualMs * 1.2));
      await daemon.kill();
    }
    await using last = startDaemon(config.path);
    const begun = Date.now();
    await last
      .says(isConnected, 30_000)
      .catch((error: Error) => problems.push(`trail ${trail} does not come up: ${error.message}`));
    if (trail === 0) usualMs = Math.max(300, Math.min(60_000, Date.now() - begun));
    await sleep(150);
    const status = await last.terminate();
    if (status !== 0) problems.push(`trail ${trail}: the daemon left with ${status}: ${last.stderr()}`);
    const verified = await rowseal(['verify', config.folder, '--key', config.vkey, '--strict']);
    if (verified.code !== 0) problems.push(`trail ${trail}: ${verified.stdout}${verified.stderr}`);
    const admin = await at.admin();
    await admin.query('select pg_drop_replication_slot($1)', [slot]);
    await admin.end();
  }
  workload.stop();
  await workload.done;
  return { problems, usualMs };
}
