/**
 * The random workload of the truth and crash tests on MySQL and MariaDB: concurrent sessions with different ways of
 * saying who acts, transactions, savepoints, roll-backs, XA, bulk changes, LOAD DATA, and DDL in between; on MySQL some
 * sessions compress their transactions, log partial JSON, tag their GTIDs. Each session tells the shadow log which
 * attribution it expects. Errors (deadlocks, unique keys, columns that DDL took away, a server that restarts) are no
 * failure: the shadow log has what remained.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql, { type Connection, type QueryOptions } from 'mysql2/promise';
import type { Shadow } from './mysql-shadow.ts';
import { startDdl } from './mysql-workload-ddl.ts';
import { type Catalogue, PASSWORD } from './mysql-workload-schema.ts';
import { type Carrier, createSessionState, type SessionState } from './mysql-workload-session.ts';
import { nextStatement } from './mysql-workload-statements.ts';
import { persist } from './patience.ts';
import { createRandom, type Random } from './random.ts';

export interface WorkloadOptions {
  readonly urlFor: (change: { user?: string; password?: string }) => string;
  readonly catalogue: Catalogue;
  readonly shadow: Shadow;
  readonly seed: number;
  /** Transactions over all sessions, after which it ends. */
  readonly transactions: number;
  /** Mean pause between statements in ms; 0 for none. */
  readonly paceMs: number;
  /** DDL statements of the one session that makes them; 0 for none. */
  readonly ddl: number;
  /** How many transactions may have begun by now, where it is not to outrun what it is the load of. */
  readonly allowed?: () => number;
}

export interface Workload {
  /** Resolves when all transactions were tried. */
  readonly done: Promise<{ readonly committed: number; readonly failed: Readonly<Record<string, number>> }>;
  /** Ends it early, between two transactions. */
  stop(): void;
  /** Transactions that have begun. */
  begun(): number;
}

interface SessionKind {
  readonly login: string;
  readonly carrier: Carrier;
  /** After connecting. */
  readonly settings: readonly string[];
  /** On MySQL only. */
  readonly mysql: readonly string[];
}

const SESSIONS: readonly SessionKind[] = [
  { login: 'app_a', carrier: 'context', settings: [], mysql: ['binlog_transaction_compression = ON'] },
  {
    login: 'app_a',
    carrier: 'setting',
    settings: ["time_zone = '+05:30'"],
    mysql: ["binlog_row_value_options = 'PARTIAL_JSON'"],
  },
  {
    login: 'app_b',
    carrier: 'setting',
    settings: ["sql_mode = 'NO_ENGINE_SUBSTITUTION'"],
    mysql: ["gtid_next = 'AUTOMATIC:load'"],
  },
  {
    login: 'app_b',
    carrier: 'comment',
    settings: ["time_zone = '-08:00'"],
    mysql: ["binlog_row_value_options = 'PARTIAL_JSON'", 'binlog_transaction_compression = ON'],
  },
  { login: 'cron_job', carrier: 'none', settings: [], mysql: [] },
];

const PINNED = [
  "sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'", // zero dates are welcome
  'innodb_lock_wait_timeout = 2',
  'lock_wait_timeout = 5',
];

export function startWorkload(options: WorkloadOptions): Workload {
  const { catalogue } = options;
  const random = createRandom(options.seed);
  const failed: Record<string, number> = {};
  const fails = (error: unknown) => {
    const code = (error as { code?: string }).code ?? (error as Error).message;
    failed[code] = (failed[code] ?? 0) + 1;
  };
  const { transactions, allowed = () => transactions } = options;
  let begun = 0;
  let committed = 0;
  let stopped = false;

  const session = async (kind: SessionKind, place: number, own: Random) => {
    const settings = [
      ...PINNED,
      ...kind.settings,
      ...(catalogue.flavor === 'mysql'
        ? kind.mysql.filter((each) => catalogue.gtids || !each.startsWith('gtid'))
        : []),
    ];
    const connect = connector(options.urlFor({ user: kind.login, password: PASSWORD }), settings);
    let client = await connect();
    const state = createSessionState(kind.login, kind.carrier);
    for (let serial = 1; begun < transactions && !stopped; serial++) {
      if (begun >= allowed()) {
        await sleep(20);
        continue;
      }
      begun++;
      const name = `T~${kind.login.replace('_', '')}${place}-${serial}~`;
      try {
        await client.query(`SET @shadow_tx = '${name}'`);
        if (
          await runTransaction({
            client,
            state,
            random: own,
            catalogue,
            paceMs: options.paceMs,
            fails,
            place,
          })
        )
          committed++;
      } catch (error) {
        fails(error);
        state.forget();
        if (!(await abandon(client, place))) {
          client.destroy();
          client = await connect();
          state.reconnected();
          await abandon(client, place);
        }
      }
    }
    await client.end().catch(() => undefined);
  };

  const run = async () => {
    const connect = connector(options.urlFor({}), PINNED.slice(0, 1));
    const ddl = startDdl({ ...options, connect, random: random.fork('ddl'), fails });
    await Promise.all(
      SESSIONS.map((kind, i) => session(kind, i, random.fork(`${kind.login} ${kind.carrier} ${i}`))),
    );
    ddl.stop();
    await ddl.done;
    return { committed, failed };
  };
  return {
    done: run(),
    stop: () => {
      stopped = true;
    },
    begun: () => begun,
  };
}

/** Connects again and again while the server is away. */
function connector(url: string, settings: readonly string[]): () => Promise<Connection> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const connect = async () => {
    const client = await mysql.createConnection({
      host: hostname,
      port: Number(port),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: pathname.slice(1),
      multipleStatements: true,
      connectTimeout: 300_000,
      typeCast: (field) => field.string(),
    });
    client.on('error', () => undefined);
    for (const setting of settings) await client.query(`SET SESSION ${setting}`);
    return client;
  };
  return () => persist(connect);
}

/** Whether the session is still there. An XA transaction must be ended before it can be rolled back. */
async function abandon(client: Connection, place: number): Promise<boolean> {
  const xid = xaName(place);
  for (const sql of [`XA END ${xid}`, `XA ROLLBACK ${xid}`]) await client.query(sql).catch(() => undefined);
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

/** A session has at most one, so that the name may stay the same: only after a crash it is left, prepared. */
const xaName = (place: number) => `'x${place}'`;

interface Run {
  readonly client: Connection;
  readonly state: SessionState;
  readonly random: Random;
  readonly catalogue: Catalogue;
  readonly paceMs: number;
  readonly fails: (error: unknown) => void;
  readonly place: number;
}

/** True where it committed. */
async function runTransaction(run: Run): Promise<boolean> {
  const { client, state, random, paceMs } = run;
  const way = random.next();
  if (way < 0.12) {
    await runStatement(run);
    state.forget();
    return true;
  }
  const xa = way < 0.22 ? xaName(run.place) : null;
  await client.query(xa === null ? 'BEGIN' : `XA START ${xa}`);
  const savepoints: string[] = [];
  if (random.chance(0.8)) await contextualise(run);
  for (let step = 1 + random.below(5); step > 0; step--) {
    if (paceMs > 0) await sleep(random.below(2 * paceMs));
    const dice = random.next();
    if (dice < 0.08) {
      savepoints.push(`s${savepoints.length}`);
      await client.query(`SAVEPOINT ${savepoints.at(-1)}`);
      state.savepoint();
    } else if (dice < 0.16 && savepoints.length > 0) {
      const back = random.below(savepoints.length);
      await client.query(`ROLLBACK TO SAVEPOINT ${savepoints[back]}`);
      state.rollbackTo(back);
      savepoints.length = back + 1;
    } else if (dice < 0.2 && savepoints.length > 0) {
      await client.query(`RELEASE SAVEPOINT ${savepoints.pop()}`);
      state.release();
    } else if (dice < 0.28) await contextualise(run);
    else await runStatement(run);
  }
  state.forget();
  return xa === null ? end(client, random) : endXa(run, xa);
}

async function contextualise({ client, state, random }: Run): Promise<void> {
  const sql = state.contextualise(random);
  if (sql !== null) await client.query(sql);
}

/** Errors that roll back the statement alone, and leave the transaction as it was. */
const HARMLESS = new Set([
  'ER_DUP_ENTRY',
  'WARN_DATA_TRUNCATED',
  'ER_WARN_DATA_OUT_OF_RANGE',
  'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  'ER_BAD_NULL_ERROR',
]);

async function runStatement(run: Run): Promise<void> {
  const { client, state, random, catalogue } = run;
  const statement = nextStatement(random, catalogue);
  if (statement === null) return;
  const { comment, expect } = state.speak(
    random,
    statement.tables.some(({ attached }) => attached),
  );
  const { writing } = catalogue;
  for (const { name } of statement.tables) writing.set(name, (writing.get(name) ?? 0) + 1);
  try {
    await client.query(`SET @shadow_expect = ${expect}`);
    const query: QueryOptions = { sql: `${statement.sql}${comment}` };
    if (statement.file !== undefined)
      query.infileStreamFactory = () => Readable.from([Buffer.from(statement.file as string)]);
    const [result] = await client.query(query);
    if (
      (result as { affectedRows: number }).affectedRows > 0 &&
      statement.tables.some(({ attached }) => attached)
    )
      state.announced();
  } catch (error) {
    if (!HARMLESS.has((error as { code: string }).code)) throw error;
    run.fails(error);
  } finally {
    for (const { name } of statement.tables) writing.set(name, (writing.get(name) ?? 1) - 1);
  }
}

async function end(client: Connection, random: Random): Promise<boolean> {
  const rollsBack = random.chance(0.14);
  await client.query(rollsBack ? 'ROLLBACK' : 'COMMIT');
  return !rollsBack;
}

async function endXa({ client, random, paceMs }: Run, xid: string): Promise<boolean> {
  await client.query(`XA END ${xid}`);
  const dice = random.next();
  if (dice < 0.2) {
    await client.query(`XA COMMIT ${xid} ONE PHASE`);
    return true;
  }
  if (dice < 0.3) {
    await client.query(`XA ROLLBACK ${xid}`);
    return false;
  }
  await client.query(`XA PREPARE ${xid}`);
  // Others commit in between.
  await sleep(random.below(30 + paceMs));
  const commits = dice < 0.8;
  await client.query(`XA ${commits ? 'COMMIT' : 'ROLLBACK'} ${xid}`);
  return commits;
}
