/**
 * The random workload of the truth and crash tests: concurrent sessions with different ways of saying who acts,
 * transactions, savepoints, roll-backs, two-phase commits, bulk changes, key changes, TRUNCATE, and DDL in between.
 * Each session tells the shadow log which attribution it expects. Errors (deadlocks, unique keys, columns that DDL
 * took away, a server that restarts) roll the transaction back and are no failure: the shadow log has what remained.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { persist } from './patience.ts';
import { createRandom, type Random } from './random.ts';
import { startDdl } from './workload-ddl.ts';
import { type Catalogue, PASSWORD, TABLES } from './workload-schema.ts';
import { type Carrier, createSessionState, type SessionState } from './workload-session.ts';
import { nextStatement } from './workload-statements.ts';

export interface WorkloadOptions {
  /** Superuser's URL of the database. */
  readonly url: string;
  readonly major: number;
  readonly seed: number;
  /** Transactions over all sessions, after which it ends. */
  readonly transactions: number;
  /** Mean pause between statements in ms; 0 for none. */
  readonly paceMs: number;
  /** DDL transactions of the one session that makes them; 0 for none. */
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

const SESSIONS: readonly { readonly login: string; readonly carrier: Carrier }[] = [
  { login: 'app_a', carrier: 'context' },
  { login: 'app_a', carrier: 'application' },
  { login: 'app_b', carrier: 'setting' },
  { login: 'app_b', carrier: 'comment' },
  { login: 'cron_job', carrier: 'none' },
];

export function startWorkload(options: WorkloadOptions): Workload {
  const random = createRandom(options.seed);
  const catalogue: Catalogue = { tables: [...TABLES], serial: 1, major: options.major };
  const failed: Record<string, number> = {};
  const { transactions, allowed = () => transactions } = options;
  let begun = 0;
  let committed = 0;
  let stopped = false;

  const session = async (login: string, carrier: Carrier, own: Random) => {
    const connect = connector(options.url, login);
    let client = await connect();
    const state = createSessionState(login, carrier);
    while (begun < transactions && !stopped) {
      if (begun >= allowed()) {
        await sleep(20);
        continue;
      }
      begun++;
      try {
        if (await runTransaction(client, state, own, catalogue, options.paceMs)) committed++;
      } catch (error) {
        const code = (error as { code?: string }).code ?? (error as Error).message;
        failed[code] = (failed[code] ?? 0) + 1;
        state.forget();
        if (
          !(await client.query('rollback').then(
            () => true,
            () => false,
          ))
        ) {
          await client.end().catch(() => undefined);
          client = await connect();
          state.reconnected();
        }
      }
    }
    await client.end().catch(() => undefined);
  };

  const run = async () => {
    const ddl = startDdl(
      connector(options.url, 'postgres'),
      options.ddl,
      catalogue,
      random.fork('ddl'),
      options.paceMs,
      failed,
    );
    const running = SESSIONS.map(({ login, carrier }) =>
      session(login, carrier, random.fork(`${login} ${carrier}`)),
    );
    await Promise.all(running);
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

/** Connects as this login, again and again while the server is away. */
function connector(url: string, login: string): () => Promise<pg.Client> {
  const target = new URL(url);
  if (login !== 'postgres') Object.assign(target, { username: login, password: PASSWORD });
  const connect = async () => {
    const client = new pg.Client({ connectionString: target.href });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query("set statement_timeout = '60s'; set lock_timeout = '3s'");
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  };
  return () => persist(connect);
}

/** True where it committed. */
async function runTransaction(
  client: pg.Client,
  state: SessionState,
  random: Random,
  catalogue: Catalogue,
  paceMs: number,
): Promise<boolean> {
  for (const sql of state.between(random)) await client.query(sql);
  if (random.chance(0.15)) {
    await state.run(client, nextStatement(random, catalogue), random);
    state.forget();
    return true;
  }
  await client.query('begin');
  const savepoints: string[] = [];
  if (random.chance(0.8)) await state.contextualise(client, random);
  for (let step = 1 + random.below(5); step > 0; step--) {
    if (paceMs > 0) await sleep(random.below(2 * paceMs));
    const dice = random.next();
    if (dice < 0.08) {
      savepoints.push(`s${savepoints.length}`);
      await client.query(`savepoint ${savepoints.at(-1)}`);
      state.savepoint();
    } else if (dice < 0.16 && savepoints.length > 0) {
      const back = random.below(savepoints.length);
      await client.query(`rollback to ${savepoints[back]}`);
      state.rollbackTo(back);
      savepoints.length = back + 1;
    } else if (dice < 0.2 && savepoints.length > 0) {
      await client.query(`release ${savepoints.pop()}`);
      state.release();
    } else if (dice < 0.28) await state.contextualise(client, random);
    else await state.run(client, nextStatement(random, catalogue), random);
  }
  return end(client, state, random, catalogue);
}

async function end(
  client: pg.Client,
  state: SessionState,
  random: Random,
  catalogue: Catalogue,
): Promise<boolean> {
  const dice = random.next();
  state.forget();
  if (dice < 0.04) {
    const name = `'two_${catalogue.serial++}_${random.below(1e9)}'`;
    await client.query(`prepare transaction ${name}`);
    const commits = random.chance(0.7);
    await client.query(`${commits ? 'commit' : 'rollback'} prepared ${name}`);
    return commits;
  }
  await client.query(dice < 0.16 ? 'rollback' : 'commit');
  return dice >= 0.16;
}
