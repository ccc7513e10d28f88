/**
 * A MySQL or MariaDB server of its own with a daemon that captures schema `shop`, for tests that look at what stands in
 * the trail: started, sealed, read, verified, and searched for what must not be anywhere.
 */
import { join } from 'node:path';
import type { MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import {
  createTrailConfig,
  type Daemon,
  isConnected,
  type LogLine,
  rowseal,
  startDaemon,
  type TrailConfig,
  type TrailConfigOptions,
} from './daemon.ts';
import { startTrail } from './in-process.ts';
import { type TestMysql, testMysql } from './mysql.ts';
import { captureUrl } from './mysql-capture.ts';
import { caughtUp } from './mysql-case.ts';
import * as patience from './patience.ts';
import { contentOf, filesOf, foundIn } from './trail-bytes.ts';
import { readTrail } from './trail-reader.ts';

/** A record as JSON.parse gives it: for what is no number beyond a double. */
// biome-ignore lint/suspicious/noExplicitAny: records of every kind, looked into by tests
export type AnyRecord = { readonly [name: string]: any };

export interface MysqlEdge extends AsyncDisposable {
  readonly server: TestMysql;
  readonly config: TrailConfig;
  /** What the configuration was written from, for a second daemon's. */
  readonly options: TrailConfigOptions;
  /** The capture account's URL. */
  readonly url: string;
  /** Starts a daemon and waits until it streams. */
  run(args?: readonly string[]): Promise<Daemon>;
  /** Its trail in the test's own process, looking at the server's settings all the time rather than every ten seconds. */
  runWatching(): Promise<WatchingTrail>;
  /** Waits until all that is committed is sealed. */
  sealed(idleMs?: number): Promise<void>;
  records(kind?: string): AnyRecord[];
  /** How many records of a kind, where reading them one by one would take too long. */
  count(kind: string): number;
  /** What `rowseal verify --strict` says where it isn't clean; null where it is. */
  verify(): Promise<string | null>;
  /** Which of these texts stand in any file of the trail, the spool or the daemon's log. */
  found(texts: readonly string[], daemons: readonly Pick<Daemon, 'log' | 'stderr'>[]): string[];
}

/** As `Daemon`; what ends it by itself is what `terminate` throws. */
type WatchingTrail = Pick<Daemon, 'log' | 'stderr' | 'terminate'> & AsyncDisposable;

export interface MysqlEdgeOptions {
  readonly flavor: MysqlFlavor;
  readonly settings?: readonly string[];
  /** Those that only a new data folder can have. */
  readonly initial?: readonly string[];
  readonly seal?: object;
  readonly tables?: readonly object[];
  readonly sourceType?: MysqlFlavor;
  readonly maxValueBytes?: number;
  /** The source's. */
  readonly heartbeat?: string;
}

export async function startEdge(options: MysqlEdgeOptions): Promise<MysqlEdge> {
  const { flavor, settings = [], initial = [] } = options;
  const server = await testMysql({ flavor, own: true, initial, settings: ['local-infile=ON', ...settings] });
  await server.sql('create database shop');
  const url = await captureUrl(server);
  await server.sql('grant references on *.* to capture@`%`');
  const configOptions: TrailConfigOptions = {
    source: {
      type: options.sourceType ?? flavor,
      url,
      server_id: 4242,
      ...(options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat }),
    },
    tables: options.tables ?? [{ match: 'shop.*' }],
    ...(options.seal === undefined ? {} : { seal: options.seal }),
    ...(options.maxValueBytes === undefined ? {} : { maxValueBytes: options.maxValueBytes }),
  };
  const config = await createTrailConfig(configOptions);
  return {
    server,
    config,
    options: configOptions,
    url,
    run: async (args = []) => {
      const daemon = startDaemon(config.path, args);
      await daemon.says(isConnected);
      return daemon;
    },
    runWatching: () => watchingTrail(config.path),
    sealed: (idleMs) => caughtUp(server, config.folder, idleMs),
    records: (kind) =>
      readTrail(config.folder)
        .records.map(({ line }) => JSON.parse(line) as AnyRecord)
        .filter((record) => kind === undefined || record['kind'] === kind),
    count: (kind) => {
      const head = Buffer.from(`{"kind":"${kind}",`);
      let count = 0;
      for (const file of filesOf(join(config.dir, 'trails'))) {
        const content = contentOf(file);
        for (let at = content.indexOf(head); at >= 0; at = content.indexOf(head, at + head.length)) count++;
      }
      return count;
    },
    verify: async () => {
      const { code, stdout, stderr } = await rowseal([
        'verify',
        config.folder,
        '--key',
        config.vkey,
        '--strict',
      ]);
      return code === 0 ? null : `${stdout}${stderr}`;
    },
    found: (texts, daemons) => {
      const said = daemons.map(({ log, stderr }) => JSON.stringify(log) + stderr()).join('\n');
      const inFiles = foundIn(config.dir, texts);
      return texts.filter((text) => said.includes(text) || inFiles.includes(text));
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}

async function watchingTrail(path: string): Promise<WatchingTrail> {
  const trail = await startTrail(path, (store) => store, { watchMs: 200 });
  const lines = () => trail.log.map((line) => JSON.parse(line) as LogLine);
  let over = false;
  void trail.done
    .catch(() => undefined)
    .finally(() => {
      over = true;
    });
  try {
    await until(() => over || lines().some(isConnected));
    if (over) await trail.done;
  } catch (error) {
    await trail.stop().catch(() => undefined);
    throw error;
  }
  return {
    get log() {
      return lines();
    },
    stderr: () => '',
    terminate: () => trail.stop().then(() => 0),
    [Symbol.asyncDispose]: () => trail.stop().catch(() => undefined),
  };
}

/** Less often than elsewhere: what is looked at is a trail's files, or a daemon's HTTP. */
export const until = (holds: () => boolean | Promise<boolean>, idleMs?: number): Promise<void> =>
  patience.until(holds, idleMs, 200);
