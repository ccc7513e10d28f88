/**
 * Sessions with the server: the one that becomes the binlog's stream, and a side session for facts, lookups and the
 * watch. Values come as the server's text. The side session is made again when it breaks. Nothing here ever writes
 * to a table.
 */
import mysql, { type Connection } from 'mysql2';
import type { ConnectionTarget } from './connection.ts';
import { asRowsealError, errnoOf } from './failure.ts';
import { cutConnection } from './takeover.ts';

/** A row of texts, as the server wrote them, by the column's name. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface SideSession {
  /** Throws RowsealError. Made again once where the session is broken. `?` in the text stand for the values. */
  query(text: string, values?: readonly (string | number)[]): Promise<TextRow[]>;
  close(): Promise<void>;
}

export interface Session {
  readonly connection: Connection;
  /** The server's number of this session: CONNECTION_ID(). */
  readonly threadId: number;
  query(text: string, values?: readonly (string | number)[]): Promise<TextRow[]>;
}

/**
 * sql_mode empty: a backslash in a literal escapes, as the driver's placeholders assume. Times in UTC. Long timeouts:
 * the server would end a session that idles for wait_timeout, or a stream that is held back for net_write_timeout. None
 * for statements, under the name that each has for it (comments: MySQL alone reads 50708, MariaDB alone M).
 */
const PINNED = `SET SESSION sql_mode = '', time_zone = '+00:00', wait_timeout = 86400, net_write_timeout = 86400
  /*!50708 , max_execution_time = 0 */ /*M! , max_statement_time = 0 */`;

/** A question takes milliseconds. */
const PATIENCE_MS = 60_000;
/** How long a server may take to hear our good-bye. */
const LEAVE_MS = 2000;

/** Connects and pins. Throws RowsealError. */
export async function connectSession(target: ConnectionTarget): Promise<Session> {
  const connection = mysql.createConnection({ ...target.config, typeCast: (field) => field.string('utf8') });
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connect', () => resolve());
      connection.once('error', reject);
    });
  } catch (error) {
    connection.on('error', () => undefined);
    cutConnection(connection);
    throw asRowsealError(error, `connecting to ${target.host}`, { tls: target.sslMode !== 'DISABLED' });
  }
  connection.on('error', () => undefined); // a query that runs then fails with it, and so does the next
  const session: Session = {
    connection,
    threadId: connection.threadId ?? 0,
    query: (text, values = []) => answered(ask(connection, text, values), connection, PATIENCE_MS),
  };
  try {
    await session.query(PINNED);
    return session;
  } catch (error) {
    cutConnection(connection);
    throw asRowsealError(error, 'preparing the session');
  }
}

export function createSideSession(target: ConnectionTarget): SideSession {
  let session: Promise<Session> | null = null;
  let closed = false;

  const connect = async () => {
    const made = await connectSession(target);
    const gone = () => {
      session = null;
    };
    made.connection.on('error', gone);
    made.connection.on('end', gone);
    return made;
  };
  const attempt = async (text: string, values: readonly (string | number)[]) => {
    session ??= connect();
    const mine = session;
    try {
      return await (await mine).query(text, values);
    } catch (error) {
      const lost = errnoOf(error) === null || ENDS_SESSION.has(errnoOf(error) as number);
      if (lost && session === mine) session = null;
      throw Object.assign(asRowsealError(error, 'asking the server'), { sessionLost: lost });
    }
  };

  return {
    query: async (text, values = []) => {
      const fresh = session === null;
      try {
        return await attempt(text, values);
      } catch (error) {
        if (fresh || closed || !(error as { sessionLost?: boolean }).sessionLost) throw error;
        return attempt(text, values);
      }
    },
    close: async () => {
      closed = true;
      const last = session;
      session = null;
      await last?.then(leave).catch(() => undefined);
    },
  };
}

/** Shutting down, killed, idle for too long. */
const ENDS_SESSION = new Set([1053, 1927, 4031]);

/** Says good-bye and closes; cuts the connection where the server does not hear it. */
export async function leave({ connection }: Session): Promise<void> {
  const said = new Promise<void>((resolve) => connection.end(() => resolve()));
  await answered(said, connection, LEAVE_MS).catch(() => undefined);
  cutConnection(connection);
}

function ask(connection: Connection, sql: string, values: readonly (string | number)[]): Promise<TextRow[]> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, values: [...values] }, (error, rows) => {
      if (error) reject(error);
      else resolve(rowsOf(rows));
    });
  });
}

/** A procedure's answer is its result sets and a header; ours have one. */
function rowsOf(answer: unknown): TextRow[] {
  if (!Array.isArray(answer)) return [];
  return (Array.isArray(answer[0]) ? answer[0] : answer) as TextRow[];
}

/** The same, unless it takes too long: then the socket is destroyed, and whatever was asked fails. */
async function answered<T>(work: Promise<T>, connection: Connection, patienceMs: number): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      const seconds = Math.round(patienceMs / 1000);
      const error = Object.assign(new Error(`no answer from the server for ${seconds} s`), {
        code: 'ETIMEDOUT',
      });
      cutConnection(connection, error);
      reject(error);
    }, patienceMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(late);
  }
}
