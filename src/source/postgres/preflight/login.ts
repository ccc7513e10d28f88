/**
 * Tries what the daemon will do, and what nobody should be able to: an ordinary connection, one for logical
 * replication, and one for physical replication, through which the capture role could copy the whole cluster
 * (manual: "pg_hba.conf", the keyword replication). Opens connections, asks who answers, and leaves.
 */
import { Client, type ClientConfig } from 'pg';
import type { RowsealError } from '../../../base/errors.ts';
import { type Check, check } from '../../preflight.ts';
import { quoteIdentifier } from '../sql/quote.ts';
import type { ConnectionTarget } from '../wire/connection.ts';
import { watchLogin } from '../wire/login.ts';

export interface LoginFacts {
  readonly ordinary: RowsealError | null;
  /** TLS version of the ordinary connection; null without TLS. */
  readonly tls: string | null;
  readonly logical: RowsealError | null;
  /** null: it works, which it should not. */
  readonly physical: RowsealError | null;
}

export async function tryLogin(target: ConnectionTarget): Promise<LoginFacts> {
  let tls: string | null = null;
  const attempt = async (replication: string | null, sql: string): Promise<RowsealError | null> => {
    const config = { ...target.config, ...(replication === null ? {} : { replication }) } as ClientConfig;
    const client = new Client(config);
    client.on('error', () => undefined);
    const attempted = watchLogin(client, target, 'capture role');
    try {
      await client.connect();
      const { rows } = await client.query(sql);
      if (replication === null) tls = (rows[0] as { version: string | null } | undefined)?.version ?? null;
      return null;
    } catch (error) {
      return attempted.explain(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const ordinary = await attempt(
    null,
    'SELECT version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid() AND ssl',
  );
  if (ordinary !== null) return { ordinary, tls, logical: ordinary, physical: ordinary };
  return {
    ordinary,
    tls,
    logical: await attempt('database', 'IDENTIFY_SYSTEM'),
    physical: await attempt('true', 'IDENTIFY_SYSTEM'),
  };
}

/** Pure: what the attempts mean. */
export function loginChecks(
  facts: LoginFacts,
  target: Pick<ConnectionTarget, 'host' | 'user' | 'database' | 'sslmode'>,
  hbaReplication: readonly string[],
): Check[] {
  const { user, database } = target;
  if (facts.ordinary !== null)
    return [
      check('login', 'login.ordinary', 'fail', `${user} cannot log in to ${database}`, {
        why: facts.ordinary.message,
        fix: facts.ordinary.hint,
      }),
    ];
  const local = target.host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(target.host);
  const verified = target.sslmode === 'verify-full' || target.sslmode === 'verify-ca';
  const tlsStatus = facts.tls === null ? (local ? 'ok' : 'fail') : verified || local ? 'ok' : 'warn';
  return [
    check('login', 'login.ordinary', 'ok', `${user} logs in to ${database}`),
    check(
      'login',
      'login.tls',
      tlsStatus,
      facts.tls === null
        ? `no TLS${local ? ', on this machine' : ''}`
        : `${facts.tls}, sslmode=${target.sslmode}`,
      {
        why:
          facts.tls === null
            ? 'every change crosses the network in clear'
            : 'the server is not verified: somebody in between can pose as it',
        fix: '…?sslmode=verify-full&sslrootcert=/path/to/ca.pem in source.url; on the server: ALTER SYSTEM SET ssl = on;',
      },
    ),
    check(
      'login',
      'login.logical',
      facts.logical === null ? 'ok' : 'fail',
      `${user} ${facts.logical === null ? 'can' : 'cannot'} open a connection for logical replication`,
      {
        why: facts.logical?.message ?? '',
        fix: `ALTER ROLE ${quoteIdentifier(user)} REPLICATION;`,
      },
    ),
    check(
      'login',
      'login.physical',
      facts.physical === null ? 'warn' : 'ok',
      `${user} ${facts.physical === null ? 'can' : 'cannot'} open a connection for physical replication`,
      {
        why: `with it the role can copy the whole cluster (pg_basebackup); logical replication needs no such line of pg_hba.conf${hbaReplication.map((line) => `; ${line}`).join('')}`,
        fix: `pg_hba.conf, above the other replication lines:  host  replication  ${quoteIdentifier(user)}  all  reject  # then SELECT pg_reload_conf();`,
      },
    ),
  ];
}
