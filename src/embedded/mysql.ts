/**
 * A throw-away MySQL or MariaDB for the demo and the tests: fetched, started, stopped, crashed. It listens on
 * loopback only, with a password made at random and a certificate of its own, and must never outlive its parent
 * (`watchdog.ts`).
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { RowsealError } from '../base/errors.ts';
import { makeCertificate } from './certificate.ts';
import type { Log } from './debian-packages.ts';
import { createData } from './mysql-data.ts';
import { firstStart, type LaunchContext, launch } from './mysql-launch.ts';
import { MYSQL_VERSIONS, type MysqlFlavor, type MysqlVersion, provideMysql } from './mysql-packages.ts';
import { dataIn, serverSettings } from './mysql-settings.ts';
import { give, type RunAs, unprivileged } from './unprivileged.ts';
import { startWatchdog } from './watchdog.ts';

export interface MysqlOptions {
  readonly flavor: MysqlFlavor;
  /** 9.7 for MySQL, 10.11 for MariaDB when absent. */
  readonly version?: MysqlVersion;
  /**
   * Folder to use and leave in place, with the data folder that an earlier server left there; a temporary one that is
   * removed in the end when absent.
   */
  readonly dir?: string;
  /** Lines of my.cnf (`binlog-row-image=MINIMAL`, `skip-log-bin`), on top of the throw-away defaults. */
  readonly settings?: readonly string[];
  /** Further lines that hold when the data folder is made too, as `lower-case-table-names=1`. */
  readonly initial?: readonly string[];
  /** Progress, where something must be fetched or made. */
  readonly log?: Log;
}

export interface EmbeddedMysql extends AsyncDisposable {
  readonly flavor: MysqlFlavor;
  /** As the package says it, like 9.7.4. */
  readonly version: string;
  /** User root, no database, over 127.0.0.1. Holds the password. */
  readonly url: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly rootUser: 'root';
  readonly rootPassword: string;
  /** PEM of the authority of the server's certificate, which is for localhost and 127.0.0.1. */
  readonly caFile: string;
  /** The unix socket; null where the folder's path is too long for one. */
  readonly socket: string | null;
  /** Holds my.cnf, error.log, the certificates and the data folder. */
  readonly dir: string;
  /** The data folder, where the binlogs lie too. */
  readonly data: string;
  /** Process id of the server; null while stopped. */
  readonly pid: number | null;
  /** Resolves when the server has shut down in order. */
  stop(): Promise<void>;
  /** Starts again on the same port after `stop` or `kill`. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** SIGKILL: what a crash of the machine would leave, as far as the process goes. */
  kill(): Promise<void>;
}

/** Throws `embedded_unavailable`. */
export async function startMysql(options: MysqlOptions): Promise<EmbeddedMysql> {
  const { flavor, version = MYSQL_VERSIONS[flavor][0], log = () => {} } = options;
  const programs = await provideMysql(flavor, version, log);
  const runAs = await unprivileged();
  const ours = options.dir === undefined;
  const dir = options.dir ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'rowseal-mysql-')));
  const watchdog = startWatchdog(runAs, 'KILL', ours ? dir : null);
  const context: LaunchContext = { place: { flavor, programs, dir }, runAs, watchdog };
  // A socket's path has room for 107 bytes.
  const socket = Buffer.byteLength(dir) < 90 ? path.join(dir, 'mysqld.sock') : null;
  const rootPassword = randomBytes(18).toString('base64url');
  let server: ChildProcess;
  let port: number;
  try {
    ({ server, port } = await begin(context, options, socket, rootPassword));
  } catch (cause) {
    watchdog.end();
    if (ours) await fs.rm(dir, { recursive: true, force: true, maxRetries: 5 });
    if (cause instanceof RowsealError) throw cause;
    throw new RowsealError('embedded_unavailable', `${flavor} ${version}: ${(cause as Error).message}`, {
      cause,
      hint: 'Correct the settings that it was started with, or remove the cache folder and try again.',
    });
  }

  const start = async () => {
    server = await launch(context, port);
  };
  const isRunning = () => server.exitCode === null && server.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (!isRunning()) return;
    server.ref(); // it was let go so that it doesn't keep a process alive
    const gone = once(server, 'exit');
    server.kill(signal);
    await gone;
  };

  return {
    flavor,
    version: programs.version,
    url: `mysql://root:${rootPassword}@127.0.0.1:${port}/`,
    host: '127.0.0.1',
    port,
    rootUser: 'root',
    rootPassword,
    caFile: path.join(dir, 'ca.pem'),
    socket,
    dir,
    data: dataIn(dir),
    get pid() {
      return isRunning() ? (server.pid ?? null) : null;
    },
    stop: () => end('SIGTERM'),
    start,
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL');
      watchdog.release();
      if (ours) await fs.rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** From nothing to a server that serves. */
async function begin(
  context: LaunchContext,
  options: MysqlOptions,
  socket: string | null,
  rootPassword: string,
): Promise<{ server: ChildProcess; port: number }> {
  const { place, runAs } = context;
  const { settings = [], initial = [], log = () => {} } = options;
  await fs.mkdir(place.dir, { recursive: true, mode: 0o700 });
  await give(runAs, place.dir);
  await createData(place, initial, runAs, log);
  await writeCertificate(place.dir, runAs);
  const initFile = await writePassword(place.dir, rootPassword, runAs);
  const serverId = randomInt(1, 2 ** 32 - 1);
  // A name alone is taken as one in the data folder.
  const listen = { socket: socket ?? 'mysqld.sock', serverId };
  const started = await firstStart(context, initFile, (port) =>
    serverSettings(place, { ...listen, port }, [...initial, ...settings]),
  );
  await fs.rm(initFile);
  return started;
}

async function writeCertificate(dir: string, runAs: RunAs): Promise<void> {
  const { ca, cert, key } = makeCertificate();
  const files = { 'ca.pem': ca, 'server-cert.pem': cert, 'server-key.pem': key };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, name);
    await fs.writeFile(file, text, { mode: name === 'server-key.pem' ? 0o600 : 0o644 });
    await give(runAs, file);
  }
}

/**
 * What the first start runs before it accepts connections, outside the binlog: root's password, for 127.0.0.1 too,
 * which is not localhost while names are not resolved, and no root for other hosts.
 */
async function writePassword(dir: string, password: string, runAs: RunAs): Promise<string> {
  const file = path.join(dir, 'first.sql');
  const statements = [
    'set session sql_log_bin = 0;',
    "drop user if exists ''@localhost, 'root'@'::1';",
    `alter user root@localhost identified by '${password}';`,
    `create user if not exists root@'127.0.0.1' identified by '${password}';`,
    `alter user root@'127.0.0.1' identified by '${password}';`,
    "grant all on *.* to root@'127.0.0.1' with grant option;",
  ];
  await fs.writeFile(file, `${statements.join('\n')}\n`, { mode: 0o600 });
  await give(runAs, file);
  return file;
}
