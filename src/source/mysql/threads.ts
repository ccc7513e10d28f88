/**
 * Who is behind a server thread, while it lives: performance_schema.threads and the connection's attributes (manual:
 * "The threads Table", "Performance Schema Connection Attribute Tables"), or the process list. Only transactions that
 * committed just now are looked up, all threads in one question, at most twenty times a second. An answer that may be
 * another session's is none: better no login than a wrong one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RowsealError } from '../../base/errors.ts';
import { isDenied } from './failure.ts';
import { readProcessList } from './processes.ts';
import type { ServerFacts } from './server.ts';
import type { SideSession, TextRow } from './sessions.ts';

export interface ThreadOwner {
  /** `app@10.0.0.4` */
  readonly login: string;
  readonly address: string | null;
  /** The connection's program_name. */
  readonly application: string | null;
}

export interface Threads {
  /**
   * Who had this thread when a transaction of it committed: then, or at some time until `untilMs` where the log tells
   * whole seconds. A promise only where the server must be asked.
   */
  find(
    threadId: number,
    commitTimeMs: number,
    untilMs?: number,
  ): ThreadOwner | null | Promise<ThreadOwner | null>;
  /** Why nobody is found; null while that works. */
  problem(): string | null;
}

/** Older commits are not looked up: their session may have ended, and the server need not be asked in a backlog. */
const RECENT_MS = 10_000;
/** How far the moment of a look may lie from the commit: a session can change its user. */
const NEAR_MS = 1000;
const EVERY_MS = 50;
/** Longer than this no transaction waits for an answer. */
const PATIENCE_MS = 1000;
/** Looks may take one part in so many of the time: the shorter of the last two counts, for one may hit a busy moment. */
const SHARE = 20;

const FROM_PERFORMANCE_SCHEMA = `
  SELECT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host, a.ATTR_VALUE AS application
    FROM performance_schema.threads t
    LEFT JOIN performance_schema.session_connect_attrs a
      ON a.PROCESSLIST_ID = t.PROCESSLIST_ID AND a.ATTR_NAME = 'program_name'
   WHERE t.PROCESSLIST_ID IS NOT NULL AND t.PROCESSLIST_USER IS NOT NULL`;
/** Milliseconds since 1970 by the server's clock, and the second it started in. */
const NOW = 'SELECT ROUND(UNIX_TIMESTAMP(SYSDATE(3)) * 1000) AS now_ms';
const UPTIME = "SHOW GLOBAL STATUS LIKE 'Uptime'";

export function createThreads(parts: {
  readonly side: SideSession;
  readonly facts: Pick<ServerFacts, 'performanceSchema'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}): Threads {
  const { side, clock } = parts;
  const { performanceSchema } = parts.facts;
  /** Whether it is clear that the process list shows everybody. */
  let judged = performanceSchema;
  let owners = new Map<number, ThreadOwner>();
  /** By the server's clock. */
  let lookedAt = Number.NEGATIVE_INFINITY;
  let startedAt: number | null = null;
  /** The server's clock minus ours. */
  let ahead = 0;
  let nextLookAt = 0;
  /** Milliseconds that the last look took. */
  let took = 0;
  /** When the last look ended, by our clock. */
  let endedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  let late = false;
  let problem: string | null = null;

  const look = async () => {
    const began = clock();
    const [now] = await side.query(NOW);
    const nowMs = Number(now?.['now_ms']);
    if (startedAt === null) {
      const [uptime] = await side.query(UPTIME);
      // Uptime counts whole seconds.
      startedAt = nowMs - (Number(uptime?.['Value']) - 1) * 1000;
    }
    const rows = await (performanceSchema ? side.query(FROM_PERFORMANCE_SCHEMA) : readProcessList(side));
    if (!judged && !(await seesAll(side, rows))) problem = 'the PROCESS privilege is missing';
    judged = true;
    owners = new Map(rows.map((row) => [Number(row['id']), ownerOf(row)]));
    endedAt = clock();
    lookedAt = nowMs;
    ahead = nowMs - began;
    nextLookAt = endedAt + Math.max(EVERY_MS, Math.min(took, endedAt - began) * SHARE);
    took = endedAt - began;
  };
  const lookOnce = async () => {
    try {
      await look();
    } catch (error) {
      nextLookAt = clock() + NEAR_MS;
      // Otherwise the session broke: the next look makes another.
      if (isDenied(error)) problem = (error as RowsealError).message;
    } finally {
      looking = null;
      late = false;
    }
  };
  const patiently = async (asked: Promise<void>) => {
    const stop = new AbortController();
    const patience = sleep(PATIENCE_MS, true, { signal: stop.signal, ref: false }).catch(() => false);
    if (await Promise.race([asked, patience])) late = looking !== null;
    stop.abort();
  };
  const known = (threadId: number, commitTimeMs: number, untilMs: number): ThreadOwner | null => {
    if (startedAt === null || commitTimeMs < startedAt) return null; // numbers begin anew at every start
    const isNear = lookedAt >= commitTimeMs - NEAR_MS && lookedAt <= untilMs + NEAR_MS;
    return isNear ? (owners.get(threadId) ?? null) : null;
  };

  return {
    find: (threadId, commitTimeMs, untilMs = commitTimeMs) => {
      const now = clock();
      if (problem !== null) return null;
      // How far the clocks are apart only a look tells; one of them may have been set since the last.
      if (now + ahead - commitTimeMs > RECENT_MS && now - endedAt < RECENT_MS) return null;
      const found = known(threadId, commitTimeMs, untilMs);
      // A look from after the commit that does not show the thread: it is gone.
      if (found !== null || lookedAt > untilMs || (looking === null && now < nextLookAt)) return found;
      if (late) return null;
      looking ??= lookOnce();
      return patiently(looking).then(() =>
        problem === null ? known(threadId, commitTimeMs, untilMs) : null,
      );
    },
    problem: () => problem,
  };
}

/** Without the privilege the process list shows our own sessions, and no error. A role may grant it unseen. */
async function seesAll(side: SideSession, rows: readonly TextRow[]): Promise<boolean> {
  const [signs] = await side.query(
    `SELECT SUBSTRING_INDEX(USER(), '@', 1) AS self, (SELECT COUNT(*)
       FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS') AS granted`,
  );
  return Number(signs?.['granted']) > 0 || rows.some(({ user }) => user !== signs?.['self']);
}

function ownerOf(row: TextRow): ThreadOwner {
  const user = row['user'] ?? '';
  // The process list adds a port: `10.0.0.4:41234`.
  const address = (row['host'] ?? '').replace(/:\d{1,5}$/, '');
  return {
    login: `${user}@${address}`,
    address: address === '' ? null : address,
    application: row['application'] || null,
  };
}
