/**
 * Why a connection could not be opened, in words that say what to do: shared by the daemon's sessions and by the
 * commands, which connect as an admin or as the capture role. Decides on SQLSTATE, errno and the protocol's own
 * requests, never on message text; never tells a password.
 */
import type pg from 'pg';
import { RowsealError } from '../../../base/errors.ts';
import type { ConnectionTarget } from './connection.ts';
import { asRowsealError } from './failure.ts';

export interface Login {
  /** Why connecting, or the first query after it, failed. */
  explain(error: unknown, doing?: string): RowsealError;
}

/** Whose login it is decides where its password comes from, and what helps: the daemon waits, a command does not. */
export type LoginOf = 'daemon' | 'capture role' | 'admin';

/** Call it before `client.connect()`: it listens to what the server asks for. */
export function watchLogin(client: pg.Client, target: ConnectionTarget, of: LoginOf): Login {
  const { host, port, database, user, sslmode } = target;
  const tls = { tls: sslmode !== 'disable' };
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
  return {
    explain(error, doing = `connecting to ${host}:${port}/${database} as ${user}`) {
      if (asked && target.config.password === '')
        return new RowsealError(
          'source_refused',
          `${doing}: the server asks for a password, and none is configured`,
          { cause: error, hint: PASSWORD_OF[of] },
        );
      const known = asRowsealError(error, doing, tls);
      const hint = hintOf(known, target, of);
      return hint === null
        ? known
        : new RowsealError(known.code, known.message, { cause: error, details: known.details, hint });
    },
  };
}

const PASSWORD_OF: Readonly<Record<LoginOf, string>> = {
  daemon: 'Set password_file, PGPASSWORD, or the password in the URL.',
  'capture role':
    'Give it: source.password_file (mode 0600), PGPASSWORD, or a variable of the environment in source.url.',
  admin: 'Set PGPASSWORD, or the password in ROWSEAL_ADMIN_URL (or in the file of --admin-url-file).',
};

function hintOf({ code, details }: RowsealError, target: ConnectionTarget, of: LoginOf): string | null {
  const url = of === 'admin' ? 'ROWSEAL_ADMIN_URL' : 'source.url';
  const state = details['code'];
  if (state === '28P01') {
    // invalid_password, and the server says no more of a role that is not there
    if (of === 'admin')
      return `The password that was given is not the one of ${target.user}: correct PGPASSWORD, or ROWSEAL_ADMIN_URL.`;
    return `The password that the configuration gives is not the one of ${target.user}, or there is no such role: rowseal setup makes it, with that password.`;
  }
  // invalid_authorization_specification
  if (state === '28000')
    return `See pg_hba.conf (a line for ${target.user} and ${target.database}), and whether the role is there and may log in.`;
  if (state === '3D000') return `Correct the database in ${url}, or create it.`; // invalid_catalog_name
  if (of !== 'daemon' && code === 'source_unreachable')
    return `See whether the server runs, and the host and port in ${url}.`;
  return null;
}
