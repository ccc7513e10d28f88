/**
 * What the benchmarks share: a Postgres 15 over TCP (MySQL and MariaDB: mysql-rig.ts), the row of the goals (8 columns,
 * 150 bytes), the daemon as a process, medians and ratios. Peers and we run in one interleaved session; nothing here
 * asserts a speed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../src/embedded/postgres.ts';
import { signerOf } from '../src/trail/note.ts';

/** Debian's postgresql-15 has pg_recvlogical and pgbench, which the npm packages lack. */
export const PG_BIN = process.env['ROWSEAL_BENCH_PG_BIN'] ?? '/usr/lib/postgresql/15/bin';
/** What is measured: the sources as a clone and the image run them, or `dist/main.js` after `npm run build`. */
const MAIN = process.env['ROWSEAL_BENCH_MAIN'] ?? 'src/main.ts';
export const TRAIL = 'bench.example.com/orders';

/** A database of any kind with the table of the goals, empty. */
export interface AnyRig extends AsyncDisposable {
  /** As results name it: `Postgres`, `MariaDB 10.11.18`. */
  readonly name: string;
  readonly folder: string;
  /** Makes a daemon's configuration; the daemon itself is started by `startDaemon`. */
  config(options?: ConfigOptions): string;
  /** Rows `from` to `from + count - 1` in one transaction; resolves with the moment before its commit was asked for. */
  insert(from: number, count: number): Promise<number>;
  /** `rows` rows from id `from` on, `perTransaction` in each transaction. */
  load(from: number, rows: number, perTransaction: number): Promise<void>;
  /** Where the log ends now. */
  end(): Promise<string>;
  reached(through: string, end: string): boolean;
}

export interface Rig extends AsyncDisposable {
  readonly server: EmbeddedPostgres;
  readonly folder: string;
  readonly sql: (text: string) => Promise<pg.QueryResult>;
  readonly config: (options?: ConfigOptions) => string;
}

export interface ConfigOptions {
  readonly slot?: string;
  readonly maxAge?: string;
  readonly tables?: string;
}

export async function createRig(settings: Record<string, string> = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'rowseal-bench-'));
  const server = await startPostgres({
    major: 15,
    bin: PG_BIN,
    settings: { shared_buffers: '512MB', max_wal_size: '16GB', checkpoint_timeout: '1h', ...settings },
  });
  const client = new pg.Client(server.url);
  await client.connect();
  return {
    server,
    folder,
    sql: (text) => client.query(text),
    config: ({ slot = 'rowseal', tables = '[{ match: "public.*" }]', ...options } = {}) =>
      writeConfig(folder, `{ type: postgres, url: "${server.url}", slot: ${slot} }`, { ...options, tables }),
    async [Symbol.asyncDispose]() {
      await client.end();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As `createRig`, with the table of the goals and its publication. */
export async function createPostgresRig(): Promise<AnyRig> {
  const rig = await createRig();
  await rig.sql(TABLE);
  await rig.sql('create publication rowseal for table orders');
  return {
    name: 'Postgres 15',
    folder: rig.folder,
    config: rig.config,
    insert: async (from, count) => {
      const before = Date.now();
      await rig.sql(insertRows(from, count));
      return before;
    },
    load: (from, rows, perTransaction) => load(rig, from, rows, perTransaction),
    end: async () => (await rig.sql('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string,
    reached: (through, end) => lsnValue(through) >= lsnValue(end),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

let configs = 0;

/** A configuration with a signer, a store and a spool of its own in `folder`; returns its path. */
export function writeConfig(
  folder: string,
  source: string,
  { maxAge = '1s', tables }: ConfigOptions & { readonly tables: string },
): string {
  const key = join(folder, 'log.key');
  if (!existsSync(key)) writeFileSync(key, signerOf(TRAIL, randomBytes(32)).text, { mode: 0o600 });
  const path = join(folder, `config-${++configs}.yaml`);
  writeFileSync(
    path,
    `store: { type: file, path: ${folder}/trails-${configs} }
signer: { type: file, path: ${key} }
seal: { max_age: ${maxAge} }
spool: { path: ${folder}/spool-${configs} }
trails:
  - name: ${TRAIL}
    source: ${source}
    tables: ${tables}
metrics: { listen: "127.0.0.1:${20_000 + (process.pid % 20_000) + configs}" }
`,
  );
  return path;
}

/** The table of the goals: int8 key, two ints, numeric, two texts, timestamptz, jsonb; about 150 bytes of text a row. */
export const TABLE = `create table orders (
  id bigint primary key, customer int, quantity int, amount numeric(12,2), status text, note text,
  created_at timestamptz, extra jsonb)`;

export const insertRows = (from: number, count: number) => `insert into orders
  select g, g % 10000, g % 7, (g % 100000)::numeric / 100, 'open', 'note ' || repeat('x', 40),
         '2026-01-01T00:00:00Z'::timestamptz + g * interval '1 second', jsonb_build_object('channel', 'web', 'n', g)
    from generate_series(${from}, ${from + count - 1}) g`;

/** `rows` rows from id `from` on, `perTransaction` in each transaction. */
export async function load(rig: Rig, from: number, rows: number, perTransaction: number): Promise<void> {
  await rig.sql(`do $$ begin for i in 0..${rows / perTransaction - 1} loop
    ${insertRows(0, 0).replace(/generate_series\(.*\) g/, `generate_series(${from} + i * ${perTransaction}, ${from} + (i + 1) * ${perTransaction} - 1) g`)};
    commit; end loop; end $$`);
}

/** Milliseconds that `pg_recvlogical > /dev/null` takes from the slot's position to `end`. */
export function drainWithPeer(rig: Rig, slot: string, end: string): number {
  const { password } = new URL(rig.server.url);
  const options = ['proto_version=3', 'publication_names=rowseal', 'messages=true'].flatMap((each) => [
    '-o',
    each,
  ]);
  const target = [
    '-d',
    rig.server.url.replace(/\?.*/, ''),
    '--slot',
    slot,
    '--start',
    '--endpos',
    end,
    '--no-loop',
  ];
  const began = performance.now();
  execFileSync(`${PG_BIN}/pg_recvlogical`, [...target, '-f', '/dev/null', ...options], {
    env: { ...process.env, PGPASSWORD: password },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return performance.now() - began;
}

export interface Daemon {
  readonly child: ChildProcess;
  /** Resolves at the first log line for which `test` holds. */
  line(test: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Every log line so far. */
  readonly seen: readonly Record<string, unknown>[];
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
}

export function startDaemon(config: string): Daemon {
  const child = spawn(process.execPath, [MAIN, 'run', '-c', config, '--log-level', 'debug'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    seen.push(JSON.parse(text) as Record<string, unknown>);
    for (const look of waiting) look();
  });
  let looked = 0;
  return {
    child,
    seen,
    line: (test) =>
      new Promise((resolve, reject) => {
        const look = () => {
          while (looked < seen.length) {
            const line = seen[looked++] as Record<string, unknown>;
            if (!test(line)) continue;
            waiting.delete(look);
            return resolve(line);
          }
        };
        waiting.add(look);
        child.once('exit', () => reject(new Error('the daemon ended')));
        look();
      }),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

/** Resolves with the log line of the first seal that covers `end`. */
export function sealedTo(daemon: Daemon, rig: Pick<AnyRig, 'reached'>, end: string) {
  return daemon.line((line) => line['msg'] === 'sealed' && rig.reached(line['through'] as string, end));
}

export const lsnValue = (lsn: string): bigint => {
  const [high, low] = lsn.split('/') as [string, string];
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Peak resident set of a process in MB, from /proc. */
export function peakRssMb(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** CPU of a process, all threads, user and system, in seconds: steadier than wall time on a shared machine. */
export function cpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** From here on, `peakRssMb` counts anew. */
export function resetPeakRss(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Where the daemon of this configuration writes its trail. */
export function trailFolder(config: string): string {
  const path = /path: (\S+trails-\d+)/.exec(readFileSync(config, 'utf8'))?.[1] as string;
  return join(path, TRAIL);
}

export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, Linux`;
}
