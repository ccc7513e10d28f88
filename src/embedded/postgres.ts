/**
 * A throw-away Postgres for the demo and the tests: initdb, start, stop, crash. It listens on loopback only, with
 * a password made at random, and must never outlive its parent (`watchdog.ts`).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RowsealError } from '../base/errors.ts';
import { findBinaries, type PostgresBinaries } from './binaries.ts';
import { freePort } from './loopback.ts';
import { give } from './unprivileged.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

const run = promisify(execFile);

export type StopMode = 'smart' | 'fast' | 'immediate';
/** Generous, for machines that are busy with other things: a server that ended is noticed at once. */
const START_MS = 300_000;
const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const; // as pg_ctl sends them

export interface PostgresOptions {
  readonly major: number;
  /** Folder to use and leave in place; a temporary one that is removed in the end when absent. */
  readonly dir?: string;
  /** Lines of postgresql.conf, on top of the throw-away defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Server encoding, UTF8 by default. */
  readonly encoding?: string;
  /** Locale, C by default. */
  readonly locale?: string;
  readonly initdbArgs?: readonly string[];
  /** A folder with `initdb` and `postgres` instead of the npm packages'. */
  readonly bin?: string;
  /** Told what is fetched, where it has to be. */
  readonly log?: (line: string) => void;
}

export interface EmbeddedPostgres extends AsyncDisposable {
  /** Superuser `postgres`, database `postgres`, over 127.0.0.1. Holds the password. */
  readonly url: string;
  readonly port: number;
  readonly major: number;
  /** Holds the unix socket (`.s.PGSQL.<port>`), `server.log` and the data folder. */
  readonly dir: string;
  readonly data: string;
  readonly bin: string;
  /** Process id of the postmaster; null while stopped. */
  readonly pid: number | null;
  /** Resolves when the postmaster is gone; smart and fast may wait for clients, as Postgres does. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts again on the same port after `stop` or `kill`. */
  start(): Promise<void>;
  restart(mode?: StopMode): Promise<void>;
  /** SIGKILL: what a crash of the machine would leave, as far as the process goes. */
  kill(): Promise<void>;
}

/** Throws `embedded_unavailable`. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries(options.major, options.log ?? (() => undefined), options.bin);
  const ours = options.dir === undefined;
  const dir = options.dir ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'rowseal-pg-')));
  const data = path.join(dir, 'data');
  const password = randomBytes(18).toString('base64url');
  const port = await freePort();
  let server: ChildProcess | null = null;
  let watchdog: Watchdog | null = null;

  const start = async () => {
    server = await launch(binaries, dir, data, (child) => watchdog?.over(child));
  };
  const end = async (signal: NodeJS.Signals) => {
    const child = server;
    server = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.ref(); // it was let go so that it doesn't keep a process alive
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  const stop = (mode: StopMode = 'fast') => end(SIGNALS[mode]);

  try {
    await initialise(binaries, options, dir, data, password, port);
    watchdog = startWatchdog(binaries.runAs, 'QUIT', ours ? dir : null);
    await start();
  } catch (cause) {
    watchdog?.end();
    if (ours) await fs.rm(dir, { recursive: true, force: true });
    if (cause instanceof RowsealError) throw cause;
    throw new RowsealError('embedded_unavailable', `Postgres ${options.major}: ${(cause as Error).message}`, {
      cause,
    });
  }

  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`,
    port,
    major: options.major,
    dir,
    data,
    bin: binaries.bin,
    get pid() {
      return server?.pid ?? null;
    },
    stop,
    start,
    restart: async (mode = 'fast') => {
      await stop(mode);
      await start();
    },
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: async () => {
      await stop('immediate');
      watchdog?.release();
      if (ours) await fs.rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function initialise(
  { bin, runAs }: PostgresBinaries,
  options: PostgresOptions,
  dir: string,
  data: string,
  password: string,
  port: number,
): Promise<void> {
  await fs.mkdir(data, { recursive: true, mode: 0o700 });
  const pwfile = path.join(dir, 'password');
  await fs.writeFile(pwfile, `${password}\n`, { mode: 0o600 });
  await give(runAs, dir, data, pwfile);
  const encoding = ['-E', options.encoding ?? 'UTF8', `--locale=${options.locale ?? 'C'}`];
  const login = ['-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', pwfile];
  const args = ['-D', data, '-N', ...login, ...encoding, ...(options.initdbArgs ?? [])];
  await run(path.join(bin, 'initdb'), args, { ...runAs, cwd: '/', env: environment() });
  await fs.rm(pwfile);
  // A socket's path has room for 107 bytes.
  const socket = Buffer.byteLength(dir) < 80 ? dir : '';
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: socket,
    wal_level: 'logical',
    fsync: 'off',
    max_replication_slots: '20',
    max_wal_senders: '20',
    max_prepared_transactions: '10',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await fs.appendFile(path.join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
}

async function launch(
  { bin, runAs }: PostgresBinaries,
  dir: string,
  data: string,
  started: (child: ChildProcess) => void,
): Promise<ChildProcess> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const log = await fs.open(path.join(dir, 'server.log'), 'a');
    const child = spawn(path.join(bin, 'postgres'), ['-D', data], {
      ...runAs,
      cwd: '/',
      env: environment(),
      stdio: ['ignore', log.fd, log.fd],
      detached: true, // a terminal's Ctrl-C is for us, not for the server
    });
    started(child);
    const failed = new Promise<Error>((resolve) => child.once('error', resolve));
    await log.close();
    child.unref();
    const state = await Promise.race([ready(child, data, deadline), failed]);
    if (state === 'ready') return child;
    if (state === 'slow') child.kill('SIGQUIT');
    // After SIGKILL the old backends may hold the shared memory for a moment.
    const tail = (await fs.readFile(path.join(dir, 'server.log'), 'utf8')).split('\n').slice(-4).join(' ');
    const transient = tail.includes('still in use') && Date.now() < deadline;
    if (!transient) throw state instanceof Error ? state : new Error(`does not start: ${tail}`);
    await sleep(200);
  }
}

/** Waits for `ready` in the last line of postmaster.pid (as pg_ctl does), of this very process. */
async function ready(
  child: ChildProcess,
  data: string,
  deadline: number,
): Promise<'ready' | 'exited' | 'slow'> {
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) return 'exited';
    const lines = await fs.readFile(path.join(data, 'postmaster.pid'), 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    );
    if (lines[0] === String(child.pid) && ['ready', 'standby'].includes(lines[7]?.trim() ?? ''))
      return 'ready';
    await sleep(20);
  }
  return 'slow';
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', HOME: os.tmpdir(), TZ: 'UTC' };
}
