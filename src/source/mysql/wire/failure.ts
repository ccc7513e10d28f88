/**
 * What went wrong between us and the server, as one of our codes. Decided on errno alone (MySQL: "Server Error
 * Message Reference"; MariaDB: "MariaDB Error Codes"), never on message text, since that is translated. What error
 * 1236 means is not decided here: it has many causes under one number (continuation.ts asks the server).
 */
import { type ErrorCode, RowsealError } from '../../../base/errors.ts';
import { NETWORK_ERRORS } from '../../socket.ts';

/** An ERR packet (protocol: "ERR_Packet"). */
export interface ServerError {
  readonly errno: number;
  readonly sqlState: string;
  readonly message: string;
}

/** mysql2's own for a connection that ended. */
const CONNECTION_LOST = 'PROTOCOL_CONNECTION_LOST';

/** mysql2's own: no TLS on the server, a handshake that failed, a password that would have gone out in the open. */
const TLS = new Set([
  'HANDSHAKE_NO_SSL_SUPPORT',
  'HANDSHAKE_SSL_ERROR',
  'AUTH_SWITCH_PLUGIN_ERROR',
  'MYSQL_CLEAR_PASSWORD_NOT_ENABLED',
]);

/** Login and privileges: 1044, 1045, 1698 access denied; 1142, 1143, 1227, 1370 privileges; the account's state. */
const REFUSED = new Set([1044, 1045, 1129, 1130, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 3118, 3955, 4151]);
/** Passing: too many connections, shutting down, killed, timeouts, lost, out of resources, not up yet. */
const PASSING = new Set([
  1037, 1038, 1040, 1041, 1042, 1043, 1053, 1080, 1105, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160,
  1161, 1184, 1203, 1205, 1213, 1226, 1236, 1317, 1927, 1969, 3024, 3032, 3168, 4031,
]);
/** ER_SECURE_TRANSPORT_REQUIRED. */
const NEEDS_TLS = 3159;
/** MariaDB's ER_SLAVE_SAME_ID, which it ends the earlier dump with; MySQL says 1236 there. */
const SAME_ID = 4052;

const TLS_HINT =
  'Give ssl-ca (and ssl-mode) in the URL as the mysql client names them; ssl-mode=DISABLED only where nobody listens.';

/** An account with REQUIRE SSL is refused in the words that a wrong password is. */
export const WITHOUT_TLS =
  'It was asked for without TLS (ssl-mode=DISABLED, or a socket), which an account with REQUIRE SSL does not take: setup makes it so where source.url asks for TLS.';
/** ER_ACCESS_DENIED_ERROR. */
const ACCESS_DENIED = 1045;

const PLAIN_HINT = `See the account's password and host (rowseal doctor). ${WITHOUT_TLS}`;

/** `connecting.tls`: TLS was asked for and isn't established yet. */
export function asRowsealError(error: unknown, doing: string, connecting?: { tls: boolean }): RowsealError {
  if (error instanceof RowsealError) return error;
  const { code, message } = error as { code?: string; message: string };
  const errno = errnoOf(error);
  const wrapped = (kind: ErrorCode) =>
    new RowsealError(kind, `${doing}: ${message}`, {
      cause: error,
      details: errno !== null ? { errno } : code ? { code } : {},
      ...(kind === 'tls_failed' ? { hint: TLS_HINT } : {}),
      ...(errno === ACCESS_DENIED && connecting?.tls === false ? { hint: PLAIN_HINT } : {}),
    });
  if (errno !== null) return wrapped(codeOfErrno(errno));
  if (code !== undefined && TLS.has(code)) return wrapped('tls_failed');
  if (connecting?.tls && code !== undefined && !NETWORK_ERRORS.has(code) && code !== CONNECTION_LOST)
    return wrapped('tls_failed');
  return wrapped('source_unreachable');
}

/** The server's errno; null where the error isn't the server's. Errnos of the system are negative. */
export function errnoOf(error: unknown): number | null {
  const found = error instanceof RowsealError ? error.details['errno'] : (error as ServerError).errno;
  return typeof found === 'number' && found > 0 ? found : null;
}

/** Whether the server says no to this question as such: a privilege, or a statement that it does not know. */
export function isDenied(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== null && (REFUSED.has(errno) || UNKNOWN.has(errno));
}

/** Syntax, unknown table, database, column, variable, procedure; performance_schema of another version. */
const UNKNOWN = new Set([1049, 1054, 1064, 1109, 1146, 1193, 1235, 1289, 1305, 1682]);

function codeOfErrno(errno: number): ErrorCode {
  if (errno === NEEDS_TLS) return 'tls_failed';
  if (errno === SAME_ID) return 'server_id_in_use';
  if (REFUSED.has(errno)) return 'source_refused';
  return PASSING.has(errno) ? 'source_unreachable' : 'source_misconfigured';
}
