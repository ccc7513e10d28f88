/**
 * Sessions with the server: the replication session, and a side session for catalogs, heartbeats and the watch.
 * Both pin every setting that text of values depends on. The side session is made again when it breaks; a server
 * that takes leave of it is shutting down, which is told, since our replication session would hold it up.
 */
import pg from 'pg';
import { RowsealError } from '../../base/errors.ts';
import type { ConnectionTarget } from './connection.ts';
import { asRowsealError, isShutdown } from './failure.ts';

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
  set extra_float_digits = 3; set bytea_output = 'hex'; set statement_timeout = 0; set lock_timeout = 0;
  set idle_in_transaction_session_timeout = 0; set standard_conforming_strings = on`;

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
    ...(kind === 'replication' ? { replication: 'database' } : {}),
  } as pg.ClientConfig);
  client.on('error', () => undefined); // a query that runs then fails with it, and so does the next
  const doing = `connecting to ${target.host}:${target.port}/${target.database} as ${target.user}`;
  const tls = { tls: target.sslmode !== 'disable' };
  client.connection.once('sslconnect', () => {
    const secure = client.connection.stream;
    secure.once('secureConnect', () => {
      tls.tls = false;
    });
  });
  let asked = false;
  for (const request of [
    'authenticationCleartextPassword',
    'authenticationMD5Password',
    'authenticationSASL',
  ]) {
    client.connection.once(request, () => {
      asked = true;
    });
  }
  try {
    await client.connect();
    await client.query(`${PINNED}; ${ENCODING(encoding)}`);
    return client;
  } catch (error) {
    client.connection.stream.destroy();
    if (asked && target.config.password === '') {
      throw new RowsealError(
        'source_refused',
        `${doing}: the server asks for a password, and none is configured`,
        {
          cause: error,
          hint: 'Set password_file, PGPASSWORD, or the password in the URL.',
        },
      );
    }
    throw asRowsealError(error, doing, tls);
  }
}

/** `onLeave` is called when the server ends the session because it goes down (or lets nobody in). */
export function createSideSession(target: ConnectionTarget, onLeave: () => void): SideSession {
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
      const result = await (await mine).query({ text, values: [...values], ...named });
      return result.rows as TextRow[];
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
      await last?.then((client) => client.end()).catch(() => undefined);
    },
  };
}

function causeCode(error: unknown): unknown {
  return ((error as { cause?: unknown }).cause as { code?: unknown } | undefined)?.code;
}
