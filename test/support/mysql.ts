/**
 * Real MySQL and MariaDB servers for tests: a fresh database on the one that the run's test files share
 * (`shared-mysql.ts`), or on the one that ROWSEAL_TEST_MYSQL_URL or ROWSEAL_TEST_MARIADB_URL names (the URL of a user
 * who may do anything). Tests that stop or crash the server, or need settings, ask for one of their own.
 */
import type { Socket } from 'node:net';
import mysql from 'mysql2/promise';
import { type EmbeddedMysql, type MysqlOptions, startMysql } from '../../src/embedded/mysql.ts';
import { MYSQL_VERSIONS, type MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import { namedMysql } from './mysql-releases.ts';
import { sharedMysql } from './shared-mysql.ts';

export interface TestMysql extends AsyncDisposable {
  readonly flavor: MysqlFlavor;
  /** With the database. Its user may do anything. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** What the server's certificate is verified with; null on a server that the environment named. */
  readonly caFile: string | null;
  /** Null on a shared or named server: it can't be stopped. */
  readonly embedded: EmbeddedMysql | null;
  /** Runs SQL, several statements too, on the server's main session; the last one's rows, as the server's texts. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>;
  /** A session of its own, ended with the server. */
  session(change?: Target): Promise<mysql.Connection>;
  /** `url` with another database or user. */
  urlFor(change: Target): string;
}

export interface Target {
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
}

export interface TestMysqlOptions extends MysqlOptions {
  /** A server of its own; so is one with settings. */
  readonly own?: boolean;
}

export async function testMysql(options: TestMysqlOptions): Promise<TestMysql> {
  const { flavor, version = MYSQL_VERSIONS[flavor][0] } = options;
  const own = options.own || options.settings !== undefined || options.initial !== undefined;
  const named = own ? undefined : namedMysql(flavor);
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const embedded = own ? await startMysql({ log, ...options }) : null;
  const server =
    embedded ?? (named === undefined ? await sharedMysql(flavor, version) : { url: named, caFile: null });
  const sessions: mysql.Connection[] = [];
  const database = own ? 'test' : `rowseal_${process.pid}_${Math.random().toString(36).slice(2)}`;
  const urlFor = (change: Target) => {
    const next = new URL(server.url);
    next.pathname = `/${change.database ?? database}`;
    if (change.user !== undefined) next.username = change.user;
    if (change.password !== undefined) next.password = change.password;
    return next.href;
  };
  const connect = async (url: string) => {
    const session = await connectMysql(url);
    sessions.push(session);
    return session;
  };
  const first = await connect(urlFor({ database: '' }));
  await first.query(`create database \`${database}\` character set utf8mb4`);
  await first.changeUser({ database });
  let main = first;
  const { hostname, port, username, password } = new URL(server.url);

  return {
    flavor,
    url: urlFor({}),
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database,
    caFile: server.caFile,
    embedded,
    urlFor,
    sql: async (text, values) => {
      if (isBroken(main)) main = await connect(urlFor({}));
      const [result] = await main.query(text, values as unknown[]);
      return lastRows(result);
    },
    session: (change = {}) => connect(urlFor(change)),
    [Symbol.asyncDispose]: async () => {
      if (!own) await first.query(`drop database if exists \`${database}\``).catch(() => undefined);
      for (const session of sessions) session.destroy();
      await embedded?.[Symbol.asyncDispose]();
    },
  };
}

/** The numbers of the sessions that a binlog is sent to. */
export async function dumpsOf(server: Pick<TestMysql, 'sql'>): Promise<number[]> {
  const rows = await server.sql('show processlist');
  return rows.filter((row) => row['Command']?.startsWith('Binlog Dump')).map((row) => Number(row['Id']));
}

/** Values come back as the server's text: no Date, no number. */
async function connectMysql(url: string): Promise<mysql.Connection> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const session = await mysql.createConnection({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    ...(pathname.length > 1 ? { database: decodeURIComponent(pathname.slice(1)) } : {}),
    multipleStatements: true,
    typeCast: (field) => field.string(),
  });
  session.on('error', () => undefined); // the server may go away on purpose
  return session;
}

function isBroken(session: mysql.Connection): boolean {
  const { connection } = session as unknown as { connection: { stream: Socket; _closing: boolean } };
  return connection.stream.destroyed || connection._closing;
}

/** Of one statement the result is its rows or its header, of several an array of these. */
function lastRows(result: unknown): Record<string, string | null>[] {
  if (!Array.isArray(result)) return [];
  const last: unknown = result.at(-1);
  if (Array.isArray(last)) return last as Record<string, string | null>[];
  const isHeader = (one: unknown) => (one as object | undefined)?.constructor?.name === 'ResultSetHeader';
  return result.some(isHeader) ? [] : (result as Record<string, string | null>[]);
}
