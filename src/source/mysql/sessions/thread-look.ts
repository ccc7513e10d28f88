/**
 * A look at the server's sessions: performance_schema.threads and the connection's attributes (manual: "The threads
 * Table", "Performance Schema Connection Attribute Tables"), or the process list; what it showed, and how soon the next may
 * be taken. It must never name an owner for a moment that it does not show: numbers of threads begin anew with the server,
 * and a session can change its user.
 */
import type { RowsealError } from '../../../base/errors.ts';
import { isDenied } from '../wire/failure.ts';
import { readProcessList } from '../wire/processes.ts';
import type { ServerFacts } from '../wire/server.ts';
import type { SideSession, TextRow } from '../wire/sessions.ts';

export interface ThreadOwner {
  /** `app@10.0.0.4` */
  readonly login: string;
  readonly address: string | null;
  /** The connection's program_name. */
  readonly application: string | null;
}

export interface ThreadLookParts {
  readonly side: SideSession;
  readonly facts: Pick<ServerFacts, 'performanceSchema'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** How far the moment of a look may lie from the commit: a session can change its user. */
const NEAR_MS = 1000;
const EVERY_MS = 50;
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

/** The last look. Only `take` changes it. */
export class ThreadLook {
  /** By the server's clock. */
  takenAt = Number.NEGATIVE_INFINITY;
  /** By our clock. */
  endedAt = Number.NEGATIVE_INFINITY;
  /** The next may be taken then, by our clock. */
  nextAt = 0;
  /** The server's clock minus ours. */
  ahead = 0;
  /** Why no look shows anybody; null while that works. */
  problem: string | null = null;

  readonly #parts: ThreadLookParts;
  #owners = new Map<number, ThreadOwner>();
  /** When the server started, by its clock. */
  #startedAt: number | null = null;
  /** Milliseconds that it took. */
  #took = 0;
  /** Whether it is clear that the process list shows everybody. */
  #judged: boolean;

  constructor(parts: ThreadLookParts) {
    this.#parts = parts;
    this.#judged = parts.facts.performanceSchema;
  }

  /** Takes another; not while one is taken. Where that fails, the last one stands: it never rejects. */
  async take(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      this.nextAt = this.#parts.clock() + NEAR_MS;
      // Otherwise the session broke: the next look makes another.
      if (isDenied(error)) this.problem = (error as RowsealError).message;
    }
  }

  /** Who had this thread between these moments, by the server's clock; null where the look does not say. */
  owner(threadId: number, fromMs: number, untilMs: number): ThreadOwner | null {
    if (this.#startedAt === null || fromMs < this.#startedAt) return null; // numbers begin anew at every start
    const isNear = this.takenAt >= fromMs - NEAR_MS && this.takenAt <= untilMs + NEAR_MS;
    return isNear ? (this.#owners.get(threadId) ?? null) : null;
  }

  async #ask(): Promise<void> {
    const { side, facts, clock } = this.#parts;
    const began = clock();
    const [now] = await side.query(NOW);
    const nowMs = Number(now?.['now_ms']);
    if (this.#startedAt === null) {
      const [uptime] = await side.query(UPTIME);
      // Uptime counts whole seconds.
      this.#startedAt = nowMs - (Number(uptime?.['Value']) - 1) * 1000;
    }
    const rows = await (facts.performanceSchema
      ? side.query(FROM_PERFORMANCE_SCHEMA)
      : readProcessList(side));
    if (!this.#judged && !(await seesAll(side, rows))) this.problem = 'the PROCESS privilege is missing';
    this.#judged = true;
    this.#owners = new Map(rows.map((row) => [Number(row['id']), ownerOf(row)]));
    this.endedAt = clock();
    this.takenAt = nowMs;
    this.ahead = nowMs - began;
    const took = this.endedAt - began;
    this.nextAt = this.endedAt + Math.max(EVERY_MS, Math.min(this.#took, took) * SHARE);
    this.#took = took;
  }
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
