/**
 * What went wrong between us and the server, as one of our codes. Decided on SQLSTATE (manual: "PostgreSQL Error
 * Codes") and errno alone, never on message text, since that is translated.
 */
import { type ErrorCode, RowsealError } from '../../../base/errors.ts';
import { NETWORK_ERRORS } from '../../socket.ts';

/** A slot that was made while DDL or TRUNCATE ran can be undecodable for ever (seen on 18: "could not map filenumber"). */
const INTERNAL_HINT =
  'An internal error of the server. Where it repeats at one position, the slot cannot be decoded: drop it, start again, and accept the hole with --accept-gap; make slots in a quiet moment.';

/** object_not_in_prerequisite_state: a slot somebody drops just now, a standby that replays, or a wal_level that is too low. */
const NOT_READY = '55000';
const NOT_READY_HINT =
  'The server is not ready for that; the daemon tries again. Where it stays so, rowseal doctor names the setting.';

/** `connecting.tls`: TLS was asked for and isn't established yet. */
export function asRowsealError(error: unknown, doing: string, connecting?: { tls: boolean }): RowsealError {
  if (error instanceof RowsealError) return error;
  const { code, message } = error as { code?: string; message: string };
  const wrapped = (kind: ErrorCode) =>
    new RowsealError(kind, `${doing}: ${message}`, {
      cause: error,
      details: code ? { code } : {},
      ...(code?.startsWith('XX') ? { hint: INTERNAL_HINT } : {}),
      ...(code === NOT_READY ? { hint: NOT_READY_HINT } : {}),
    });
  if (isSqlState(code) && isFromServer(error)) return wrapped(codeOfSqlState(code));
  const timedOut = code === undefined && message === 'timeout expired'; // the driver's own, without a code
  if (connecting?.tls && !timedOut && (code === undefined || !NETWORK_ERRORS.has(code)))
    return wrapped('tls_failed');
  return wrapped('source_unreachable');
}

/** SQLSTATEs with which the server says that a text does not fit the client's encoding. */
export function isConversionFailure(code: unknown): boolean {
  return code === '22P05' || code === '22021';
}

/** SQLSTATEs with which a server takes leave: it stops, restarts, or is not up yet. */
export function isShutdown(code: unknown): boolean {
  return code === '57P01' || code === '57P02' || code === '57P03';
}

/**
 * What may pass by itself, classes and single SQLSTATEs: operator intervention and idle_session_timeout (57P), a
 * statement cancelled or out of its time (57014), a transaction out of its time (25P03, 25P04), a server that is not
 * ready (55000), connections (08), resources (53), rollbacks (40), the system (58), internal errors (XX).
 */
const PASSING = ['57P', '57014', '25P03', '25P04', NOT_READY, '08', '53', '40', '58', 'XX'];

function codeOfSqlState(code: string): ErrorCode {
  if (code === '55006') return 'slot_in_use'; // object_in_use
  if (code === '42501' || code.startsWith('28')) return 'source_refused';
  if (code === '53400') return 'source_misconfigured'; // configuration_limit_exceeded: no slot is free
  return PASSING.some((prefix) => code.startsWith(prefix)) ? 'source_unreachable' : 'source_misconfigured';
}

function isSqlState(code: string | undefined): code is string {
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code);
}

/** EPIPE and such look like an SQLSTATE; only the server's errors carry a severity. */
function isFromServer(error: unknown): boolean {
  return typeof (error as { severity?: unknown }).severity === 'string';
}
