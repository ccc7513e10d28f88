/**
 * The daemon as a real process: `node src/main.ts run -c …`, with its log captured. Tests ask it to stop, kill it,
 * and read what it said. Nothing outlives the test: disposing kills it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../src/embedded/loopback.ts';
import { withPatience } from './patience.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const run = promisify(execFile);

export type Exit = number | NodeJS.Signals;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of rowseal to its end. */
export async function rowseal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  return run(process.execPath, [MAIN, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: typeof error.code === 'number' ? error.code : -1,
      stdout: error.stdout ?? '',
      stderr: error.stderr ?? String(error),
    }),
  );
}

export interface LogLine {
  readonly msg: string;
  readonly level: number | string;
  readonly [name: string]: unknown;
}

export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  readonly log: readonly LogLine[];
  /** What it wrote to stderr. */
  stderr(): string;
  /** Resolves with the first log line, written or to come, that fits; rejects when the process ended without one. */
  says(fits: (line: LogLine) => boolean, idleMs?: number): Promise<LogLine>;
  /** Asks it to seal and leave; resolves with the exit status. */
  terminate(idleMs?: number): Promise<Exit>;
  kill(): Promise<void>;
  /** Its status, or the signal that ended it. */
  readonly exited: Promise<Exit>;
}

export function startDaemon(
  config: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Daemon {
  const child = spawn(process.execPath, [MAIN, 'run', '-c', config, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  let ended = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  lines(child, (line) => {
    try {
      log.push(JSON.parse(line) as LogLine);
    } catch {
      stderr += `${line}\n`;
    }
    for (const look of waiting) look();
  });
  const exited = once(child, 'close').then(([code, signal]) => {
    ended = true;
    for (const look of waiting) look();
    return (code ?? signal) as Exit;
  });
  const story = () =>
    `${log
      .slice(-12)
      .map((line) => JSON.stringify(line))
      .join('\n')}\n${stderr}`;

  return {
    pid: child.pid as number,
    log,
    stderr: () => stderr,
    exited,
    says: async (fits, idleMs) => {
      let seen = 0;
      const said = Promise.withResolvers<LogLine>();
      const look = () => {
        for (; seen < log.length; seen++) {
          const line = log[seen] as LogLine;
          if (fits(line)) return said.resolve(line);
        }
        if (ended) said.reject(new Error(`the daemon ended:\n${story()}`));
      };
      waiting.add(look);
      look();
      return withPatience(said.promise, () => `the daemon to say ${fits}:\n${story()}`, idleMs).finally(() =>
        waiting.delete(look),
      );
    },
    terminate: async (idleMs) => {
      child.kill('SIGTERM');
      const leave = () => `the daemon to leave after SIGTERM:\n${story()}`;
      return withPatience(exited, leave, idleMs).catch((error: unknown) => {
        child.kill('SIGKILL');
        throw error;
      });
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    [Symbol.asyncDispose]: async () => {
      if (ended) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export const isConnected = (line: LogLine) => line.msg === 'connected';

function lines(child: ChildProcess, take: (line: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() as string;
    for (const part of parts) if (part !== '') take(part);
  });
}

export interface TrailConfig extends AsyncDisposable {
  readonly dir: string;
  readonly name: string;
  /** The configuration file. */
  readonly path: string;
  /** The trail's folder in the file store. */
  readonly folder: string;
  readonly vkey: string;
  readonly hmacKey: Buffer;
}

export interface TrailConfigOptions {
  /** Of a Postgres source; or `source`. */
  readonly url?: string;
  /** The whole member of the configuration, for other engines. */
  readonly source?: object;
  readonly tables: readonly object[];
  readonly actors?: readonly object[];
  readonly seal?: object;
  readonly maxValueBytes?: number;
  readonly slot?: string;
  /** Instead of a file store beside the configuration. */
  readonly store?: object;
  readonly name?: string;
}

/** A folder with a key, an HMAC key and the configuration of one trail; further files may be written for a second daemon. */
export async function createTrailConfig(options: TrailConfigOptions): Promise<TrailConfig> {
  const dir = await mkdtemp(join(tmpdir(), 'rowseal-trail-'));
  const name = options.name ?? 'audit.example.com/workload';
  const made = await rowseal(['keygen', '--out', join(dir, 'log.key'), '--name', name]);
  if (made.code !== 0) throw new Error(`keygen: ${made.stderr}`);
  const hmacKey = randomBytes(48);
  await writeFile(join(dir, 'hmac.key'), hmacKey, { mode: 0o600 });
  const path = join(dir, 'rowseal.yaml');
  await writeConfig(path, options, name);
  return {
    dir,
    name,
    path,
    folder: join(dir, 'trails', name),
    vkey: made.stdout.trim(),
    hmacKey,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** JSON is YAML. */
export async function writeConfig(path: string, options: TrailConfigOptions, name: string): Promise<void> {
  const config = {
    store: options.store ?? { type: 'file', path: './trails' },
    signer: { type: 'file', path: './log.key' },
    seal: options.seal ?? { max_age: '200ms', max_records: 50 },
    redaction: { hmac_key_file: './hmac.key', max_value_bytes: `${options.maxValueBytes ?? 1_048_576}B` },
    retention: { classes: { financial: '7y', regional: '30d' } },
    actors: options.actors ?? [],
    // Small, so that rows which wait for their context go through the spool file.
    spool: { path: './spool', max_memory: '16KiB' },
    trails: [
      {
        name,
        source: options.source ?? {
          type: 'postgres',
          url: options.url,
          slot: options.slot ?? 'rowseal',
          publication: 'rowseal',
        },
        tables: options.tables,
      },
    ],
    metrics: { listen: `127.0.0.1:${await freePort()}` },
  };
  await writeFile(path, JSON.stringify(config, null, 2));
}
