/**
 * Why a command could not log in, in words that say what to do: as an admin or as the capture account, whose passwords come
 * from different places. Decides on errno, never on message text; never tells a password.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { ConnectionTarget } from './connection.ts';
import { errnoOf, WITHOUT_TLS } from './failure.ts';

export type LoginOf = 'capture account' | 'admin';

export function explainLogin(
  error: RowsealError,
  target: Pick<ConnectionTarget, 'config' | 'sslMode' | 'user'>,
  of: LoginOf,
): RowsealError {
  const hint = hintOf(error, target, of);
  if (hint === null) return error;
  return new RowsealError(error.code, error.message, { cause: error, details: error.details, hint });
}

/** 1045, 1698: ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR; 1130: ER_HOST_NOT_PRIVILEGED. */
const DENIED = new Set([1045, 1698]);
const NOT_FROM_HERE = 1130;

function hintOf(
  error: RowsealError,
  { config, sslMode, user }: Pick<ConnectionTarget, 'config' | 'sslMode' | 'user'>,
  of: LoginOf,
): string | null {
  const errno = errnoOf(error);
  const url = of === 'admin' ? 'ROWSEAL_ADMIN_URL' : 'source.url';
  if (errno === NOT_FROM_HERE)
    return `No account of the server may come from this machine: see the host of ${user}, and in ${url}.`;
  if (errno !== null && DENIED.has(errno)) {
    const tls = sslMode === 'DISABLED' ? ` ${WITHOUT_TLS}` : '';
    return `${of === 'admin' ? adminHint(config.password, user) : captureHint(user)}${tls}`;
  }
  return error.code === 'source_unreachable'
    ? `See whether the server runs, and the host and port in ${url}.`
    : null;
}

function adminHint(password: unknown, user: string): string {
  return password === '' || password === undefined
    ? `No password was given for ${user}: set MYSQL_PWD, or write it in ROWSEAL_ADMIN_URL (or in the file of --admin-url-file).`
    : `See the password in MYSQL_PWD (or ROWSEAL_ADMIN_URL), and the host of ${user}.`;
}

function captureHint(user: string): string {
  return `See the password (source.password_file, MYSQL_PWD or source.url) and the host of ${user}; where there is no such account yet, rowseal setup -c FILE makes it.`;
}
