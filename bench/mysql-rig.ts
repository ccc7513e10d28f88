/**
 * The benchmarks' MySQL or MariaDB: a throw-away server over TCP, the table of the goals, and the two peers, each a
 * process of its own: `mysqlbinlog -vv > /dev/null` (`mariadb-binlog`) and zongji with JSON and a hash a row. All three
 * read over plain TCP, as in G1.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { type EmbeddedMysql, startMysql } from '../src/embedded/mysql.ts';
import { MYSQL_VERSIONS, type MysqlFlavor, provideMysqlClients } from '../src/embedded/mysql-packages.ts';
import { reaches } from '../src/source/mysql/position/backlog.ts';
import { type AnyRig, createPostgresRig, writeConfig } from './rig.ts';

export type Sql = (text: string) => Promise<Record<string, string>[]>;

export interface MysqlRig extends AnyRig {
  readonly flavor: MysqlFlavor;
  readonly server: EmbeddedMysql;
  /** `mysqlbinlog` or `mariadb-binlog`. */
  readonly clientName: string;
  readonly sql: Sql;
  /** Updates two columns of every row of the first `rows`. */
  update(rows: number, perTransaction: number): Promise<void>;
  /** Begins a new binlog file; returns its name. */
  rotate(): Promise<string>;
  /** Reads from the beginning of `file` to the end of the log. */
  readWithClient(file: string): Run;
  /** Reads so many rows from the beginning of `file` on. */
  readWithZongji(file: string, rows: number): Promise<Run>;
}

/** What a peer took: milliseconds of the clock, and of CPU, of all its threads. */
export interface Run {
  readonly ms: number;
  readonly cpuMs: number;
}

const LOGIN = 'bench';
const PASSWORD = 'bench';
/** Rows of the table of numbers, which inserts select from. */
const NUMBERS = 1_000_000;

/** Which database a benchmark's argument means. */
export function rigOf(kind: string, settings: readonly string[] = []): Promise<AnyRig> {
  if (kind === 'postgres') return createPostgresRig();
  if (kind === 'mysql' || kind === 'mariadb') return createMysqlRig(kind, settings);
  throw new Error(`${kind} is none of postgres, mysql, mariadb`);
}

/** `settings`: lines of my.cnf. */
export async function createMysqlRig(
  flavor: MysqlFlavor,
  settings: readonly string[] = [],
): Promise<MysqlRig> {
  const version = MYSQL_VERSIONS[flavor][0];
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const clientName = flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog';
  const client = await provideMysqlClients(flavor, version, log);
  const server = await startMysql({
    flavor,
    version,
    log,
    settings: [
      'innodb-buffer-pool-size=512M',
      flavor === 'mysql' ? 'innodb-redo-log-capacity=2G' : 'innodb-log-file-size=2G',
      ...settings,
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'rowseal-bench-'));
  const session = await mysql.createConnection({ uri: server.url, multipleStatements: true });
  const sql: Sql = async (text) => (await session.query(text))[0] as unknown as Record<string, string>[];
  await sql(`create database bench; use bench;
    create user ${LOGIN}@'%' identified by '${PASSWORD}';
    grant replication slave, replication client on *.* to ${LOGIN}@'%';
    grant select on bench.* to ${LOGIN}@'%'`);
  await sql(NUMBERS_TABLE);
  await sql(TABLE);
  // Without TLS MySQL wants the password under a key, which the client must know.
  const key = flavor === 'mysql' ? `&server-public-key-path=${join(server.data, 'public_key.pem')}` : '';
  const url = `mysql://${LOGIN}:${PASSWORD}@127.0.0.1:${server.port}/?ssl-mode=DISABLED${key}`;

  return {
    flavor,
    name: `${flavor === 'mysql' ? 'MySQL' : 'MariaDB'} ${server.version}`,
    server,
    clientName,
    folder,
    sql,
    config: ({ tables = '[{ match: "bench.orders" }]', ...options } = {}) =>
      writeConfig(folder, `{ type: ${flavor}, url: "${url}", server_id: 4711 }`, {
        ...options,
        tables,
      }),
    insert: async (from, count) => {
      await sql(`begin; ${insertRows(from, count)}`);
      const before = Date.now();
      await sql('commit');
      return before;
    },
    load: async (from, rows, perTransaction) => {
      // Statements go a hundred at a time; each commits by itself.
      for (let at = 0; at < rows; at += perTransaction * 100) {
        const many = Math.min(100, Math.ceil((rows - at) / perTransaction));
        const each = Array.from({ length: many }, (_, i) =>
          insertRows(from + at + i * perTransaction, perTransaction),
        );
        await sql(each.join(';'));
      }
    },
    update: async (rows, perTransaction) => {
      for (let at = 0; at < rows; at += perTransaction)
        await sql(
          `update orders set quantity = quantity + 1, status = 'paid' where id >= ${at} and id < ${at + perTransaction}`,
        );
    },
    end: async () => {
      const variable = flavor === 'mysql' ? 'gtid_executed' : 'gtid_binlog_pos';
      const [row] = await sql(`select @@global.${variable} as position`);
      return row!['position']!.replaceAll('\n', '');
    },
    reached: reaches,
    rotate: async () => {
      await sql('flush binary logs');
      return (await sql('show binary logs')).at(-1)!['Log_name']!;
    },
    readWithClient: (file) => {
      const target = ['-h127.0.0.1', `-P${server.port}`, `-u${LOGIN}`, `-p${PASSWORD}`];
      const plain = flavor === 'mysql' ? ['--ssl-mode=DISABLED', '--get-server-public-key'] : ['--skip-ssl'];
      const what = ['-R', '-vv', ...target, ...plain, '--to-last-log', file];
      const run = client(clientName, what);
      return timed(run.file, run.args);
    },
    readWithZongji: async (file, rows) => {
      const peer = join(import.meta.dirname, 'zongji-peer.ts');
      const given = { port: server.port, user: LOGIN, password: PASSWORD, file, rows };
      const { stdout } = await promisify(execFile)(process.execPath, [peer, JSON.stringify(given)]);
      return JSON.parse(stdout) as Run;
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a program, its output to /dev/null, with the shell's account of CPU. */
function timed(file: string, args: readonly string[]): Run {
  const script = `TIMEFORMAT='%3R %3U %3S'; time "$@" > /dev/null`;
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', file, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file}: ${stderr}`);
  const [real, user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { ms: real! * 1000, cpuMs: (user! + system!) * 1000 };
}

/** The table of the goals: as rig.ts's, by these servers' types. */
const TABLE = `create table orders (
  id bigint primary key, customer int, quantity int, amount decimal(12,2), status varchar(20), note varchar(100),
  created_at timestamp(6) null, extra json)`;

const NUMBERS_TABLE = `
  create table digits (d int primary key);
  insert into digits values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
  create table numbers (n int primary key);
  insert into numbers select a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d
    from digits a, digits b, digits c, digits e, digits f, digits g`;

/** One statement, however many rows; by joins in this order their keys ascend, without a temporary table. */
function insertRows(from: number, count: number): string {
  const many = Math.ceil(count / NUMBERS);
  const id = `(${from} + n + d * ${NUMBERS})`;
  return `insert into orders
    select ${id}, ${id} % 10000, ${id} % 7, (${id} % 100000) / 100, 'open', concat('note ', repeat('x', 40)),
           from_unixtime(1767225600 + ${id}), json_object('channel', 'web', 'n', ${id})
      from digits straight_join numbers where d < ${many} and n < ${Math.min(count, NUMBERS)} and n + d * ${NUMBERS} < ${count}`;
}
