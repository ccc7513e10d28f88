/** Tries what the daemon will do first: logs in, asks who it is and whether TLS guards the connection, and leaves. */
import type { RowsealError } from '../../../base/errors.ts';
import { type Check, check } from '../../preflight.ts';
import type { ConnectionTarget } from '../wire/connection.ts';
import { asRowsealError } from '../wire/failure.ts';
import { explainLogin } from '../wire/login.ts';
import { connectSession, leave } from '../wire/sessions.ts';

export interface LoginFacts {
  readonly refused: RowsealError | null;
  /** CURRENT_USER(), `rowseal@%`: the account that the server took the login for. */
  readonly account: string | null;
  /** `TLSv1.3`; null without TLS. */
  readonly tls: string | null;
}

export async function tryLogin(target: ConnectionTarget): Promise<LoginFacts> {
  let session: Awaited<ReturnType<typeof connectSession>>;
  try {
    session = await connectSession(target);
  } catch (error) {
    const refused = explainLogin(asRowsealError(error, 'logging in'), target, 'capture account');
    return { refused, account: null, tls: null };
  }
  try {
    const [who] = await session.query('SELECT CURRENT_USER() AS account');
    const [tls] = await session.query(`SHOW SESSION STATUS LIKE 'Ssl_version'`);
    return { refused: null, account: who?.['account'] ?? null, tls: tls?.['Value'] || null };
  } catch (error) {
    return { refused: asRowsealError(error, 'logging in'), account: null, tls: null };
  } finally {
    await leave(session);
  }
}

/** Pure: what the attempt means. */
export function loginChecks(
  { refused, account, tls }: LoginFacts,
  { host, user, isSocket, sslMode }: Pick<ConnectionTarget, 'host' | 'user' | 'isSocket' | 'sslMode'>,
): Check[] {
  if (refused !== null)
    return [
      check('login', 'login.ordinary', 'fail', `${user} cannot log in`, {
        why: refused.message,
        fix: refused.hint,
      }),
    ];
  const local = isSocket || ['localhost', '127.0.0.1', '::1'].includes(host);
  const verified = sslMode === 'VERIFY_IDENTITY' || sslMode === 'VERIFY_CA';
  return [
    check('login', 'login.ordinary', 'ok', `${user} logs in as ${account ?? 'nobody'}`),
    check(
      'login',
      'login.tls',
      local ? 'ok' : tls === null ? 'fail' : verified ? 'ok' : 'warn',
      tls === null ? `no TLS${local ? ', on this machine' : ''}` : `${tls}, ssl-mode=${sslMode}`,
      {
        why:
          tls === null
            ? 'every change crosses the network in clear'
            : 'the server is not verified: somebody in between can pose as it',
        fix: '…?ssl-mode=VERIFY_IDENTITY&ssl-ca=/path/to/ca.pem in source.url',
      },
    ),
  ];
}
