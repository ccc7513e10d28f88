/**
 * A MySQL or MariaDB server of its own with a daemon that captures schema `shop`, for tests that look at what stands in
 * the trail: started, sealed, read, verified, and searched for what must not be anywhere.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import type { MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import {
  createTrailConfig,
  type Daemon,
  isConnected,
  rowseal,
  startDaemon,
  type TrailConfig,
} from './daemon.ts';
import { type TestMysql, testMysql } from './mysql.ts';
import { captureUrl } from './mysql-capture.ts';
import { caughtUp } from './mysql-case.ts';
import { readTrail } from './trail-reader.ts';

/** A record as JSON.parse gives it: for what is no number beyond a double. */
// biome-ignore lint/suspicious/noExplicitAny: records of every kind, looked into by tests
export type AnyRecord = { readonly [name: string]: any };

export interface MysqlEdge extends AsyncDisposable {
  readonly server: TestMysql;
  readonly config: TrailConfig;
  /** The capture account's URL. */
  readonly url: string;
  /** Starts a daemon and waits until it streams. */
  run(args?: readonly string[]): Promise<Daemon>;
  /** Waits until all that is committed is sealed. */
  sealed(timeoutMs?: number): Promise<void>;
  records(kind?: string): AnyRecord[];
  /** What `rowseal verify --strict` says where it isn't clean; null where it is. */
  verify(): Promise<string | null>;
  /** Which of these texts stand in any file of the trail, the spool or the daemon's log. */
  found(texts: readonly string[], daemons: readonly Daemon[]): string[];
}

export interface MysqlEdgeOptions {
  readonly flavor: MysqlFlavor;
  readonly settings?: readonly string[];
  readonly seal?: object;
  readonly tables?: readonly object[];
  readonly sourceType?: MysqlFlavor;
  readonly maxValueBytes?: number;
}

export async function startEdge(options: MysqlEdgeOptions): Promise<MysqlEdge> {
  const { flavor, settings = [] } = options;
  const server = await testMysql({ flavor, own: true, settings: ['local-infile=ON', ...settings] });
  await server.sql('create database shop');
  const url = await captureUrl(server);
  await server.sql('grant references on *.* to capture@`%`');
  const config = await createTrailConfig({
    source: { type: options.sourceType ?? flavor, url, server_id: 4242 },
    tables: options.tables ?? [{ match: 'shop.*' }],
    ...(options.seal === undefined ? {} : { seal: options.seal }),
    ...(options.maxValueBytes === undefined ? {} : { maxValueBytes: options.maxValueBytes }),
  });
  return {
    server,
    config,
    url,
    run: async (args = []) => {
      const daemon = startDaemon(config.path, args);
      await daemon.says(isConnected, 30_000);
      return daemon;
    },
    sealed: (timeoutMs) => caughtUp(server, config.folder, timeoutMs),
    records: (kind) =>
      readTrail(config.folder)
        .records.map(({ line }) => JSON.parse(line) as AnyRecord)
        .filter((record) => kind === undefined || record['kind'] === kind),
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
      const files = [...filesOf(join(config.dir, 'trails')), ...filesOf(join(config.dir, 'spool'))];
      return texts.filter(
        (text) => said.includes(text) || files.some((file) => contentOf(file).includes(Buffer.from(text))),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

function contentOf(file: string): Buffer {
  const bytes = readFileSync(file);
  const isZstd = bytes.length > 4 && bytes.readUInt32LE(0) === 0xfd2fb528;
  return isZstd ? zstdDecompressSync(bytes) : bytes;
}
