/**
 * Sessions with the server: the replication session, and a side session for catalogs, heartbeats and the watch.
 * Both pin every setting that text of values depends on. The side session is made again when it breaks; a server
 * that takes leave of it is shutting down, which is told, since our replication session would hold it up.
 */
import pg from 'pg';
import type { ConnectionTarget } from './connection.ts';
import { asRowsealError, isShutdown } from './failure.ts';
import { watchLogin } from './login.ts';
import { oneBufferSocket } from './takeover.ts';
import { WITHOUT_TIMEOUTS } from './timeouts.ts';

/** A row of texts, as the server wrote them. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface SideSession {
  /** Throws RowsealError. Made again once where the session is broken. `name`: prepared once under this name. */
  query(text: string, values?: readonly (string | null)[], name?: string): Promise<readonly TextRow[]>;
  close(): Promise<void>;
}

/** `search_path` empty: names in the text of reg* types are qualified, and nobody can put his function before ours. */
const PINNED = `
  set search_path = ''; set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
  set extra_float_digits = 3; set bytea_output = 'hex'; set standard_conforming_strings = on; ${WITHOUT_TIMEOUTS}`;

const asText = { getTypeParser: () => (value: unknown) => value };

/**
 * What the server sends: UTF-8 that it converted, or its own bytes. A SQL_ASCII server can't convert, and would
 * refuse to send what isn't UTF-8.
 */
export type ClientEncoding = 'UTF8' | 'SQL_ASCII';

const ENCODING = (wish: ClientEncoding) =>
  `select set_config('client_encoding',
     case current_setting('server_encoding') when 'SQL_ASCII' then 'SQL_ASCII' else '${wish}' end, false)`;

/** Connects and pins. Throws RowsealError. */
export async function connectSession(
  target: ConnectionTarget,
  kind: 'replication' | 'side',
  encoding: ClientEncoding = 'UTF8',
): Promise<pg.Client> {
  const client = new pg.Client({
    ...target.config,
    types: asText as unknown as NonNullable<pg.ClientConfig['types']>,
    ...(kind === 'replication' ? { replication: 'database', stream: oneBufferSocket } : {}),
  } as pg.ClientConfig);
  client.on('error', () => undefined); // a query that runs then fails with it, and so does the next
  const login = watchLogin(client, target, 'daemon');
  try {
    await client.connect();
    await answered(client.query(`${PINNED}; ${ENCODING(encoding)}`), client, PATIENCE_MS);
    return client;
  } catch (error) {
    client.connection.stream.destroy();
    throw login.explain(error);
  }
}

/** How long a server may take to hear our good-bye. */
const LEAVE_MS = 2000;
/** A question to the catalogs takes milliseconds, with tens of thousands of tables a second. */
const PATIENCE_MS = 60_000;

/**
 * `onLeave` is called when the server ends the session because it goes down (or lets nobody in). What isn't answered
 * within `patienceMs` is given up, or a network that swallows everything would hold us for as long as the kernel tries.
 */
export function createSideSession(
  target: ConnectionTarget,
  onLeave: () => void,
  patienceMs = PATIENCE_MS,
): SideSession {
  let session: Promise<pg.Client> | null = null;
  let closed = false;

  const leave = (error: unknown) => {
    session = null;
    if (!closed && isShutdown((error as { code?: unknown }).code ?? causeCode(error))) onLeave();
  };
  const connect = async () => {
    const client = await connectSession(target, 'side');
    client.on('error', leave);
    client.on('end', () => {
      session = null;
    });
    return client;
  };
  const attempt = async (text: string, values: readonly (string | null)[], name: string | undefined) => {
    session ??= connect();
    const mine = session;
    try {
      const named = name === undefined ? {} : { name };
      const client = await mine;
      const query = client.query({ text, values: [...values], ...named });
      return (await answered(query, client, patienceMs)).rows as TextRow[];
    } catch (error) {
      const fromServer = typeof (error as { severity?: unknown }).severity === 'string';
      const fatal = !fromServer || (error as { severity: string }).severity !== 'ERROR';
      if (fatal) leave(error);
      throw Object.assign(asRowsealError(error, 'asking the server'), { sessionLost: fatal });
    }
  };

  return {
    query: async (text, values = [], name = undefined) => {
      const fresh = session === null;
      try {
        return await attempt(text, values, name);
      } catch (error) {
        if (fresh || closed || !(error as { sessionLost?: boolean }).sessionLost) throw error;
        return attempt(text, values, name);
      }
    },
    close: async () => {
      closed = true;
      const last = session;
      session = null;
      await last?.then((client) => answered(client.end(), client, LEAVE_MS)).catch(() => undefined);
    },
  };
}

/** The same, unless it takes too long: then the client's socket is destroyed, and whatever it was asked fails. */
async function answered<T>(work: Promise<T>, client: pg.Client, patienceMs: number): Promise<T> {
  const late = setTimeout(() => {
    const seconds = Math.round(patienceMs / 1000);
    const error = new Error(`no answer from the server for ${seconds} s`);
    client.connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
  }, patienceMs);
  try {
    return await work;
  } finally {
    clearTimeout(late);
  }
}

function causeCode(error: unknown): unknown {
  return ((error as { cause?: unknown }).cause as { code?: unknown } | undefined)?.code;
}
