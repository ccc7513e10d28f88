/**
 * Takes the socket over from the `mysql2` driver once it has shaken hands, authenticated and set TLS up: its own binlog
 * stream loses events and throws, and its packets know no back-pressure. What is used here is not in its typings; it
 * is checked at run time, and the contract test runs it against the pinned version. After this the driver's connection
 * must not be used again.
 */
import type { Duplex } from 'node:stream';
import type { Connection } from 'mysql2';
import { RowsealError } from '../../../base/errors.ts';
import { ownSocket } from '../../socket.ts';

interface Inner {
  readonly stream?: Duplex;
  readonly authorized?: boolean;
  readonly config?: { readonly compress?: unknown };
  readonly _command?: unknown;
  readonly _commands?: { readonly length?: unknown };
}

/**
 * The connection must be logged in and idle. Its socket comes back paused, without listeners but a deaf 'error'. What it
 * emits as 'data' is only valid until the listener returns, or while it is paused.
 */
export function takeSocket(connection: Connection): Duplex {
  const inner = connection as unknown as Inner;
  const socket = inner.stream;
  const idle = inner._command === undefined && inner._commands?.length === 0;
  if (
    typeof socket?.pause !== 'function' ||
    inner.authorized !== true ||
    inner.config === undefined ||
    !idle
  ) {
    throw new RowsealError(
      'internal',
      'the mysql2 driver does not hold its socket where this version expects it',
    );
  }
  if (inner.config.compress) throw new RowsealError('internal', 'the connection is compressed');
  return ownSocket(socket);
}

/** Cuts a connection of the driver at once; its own `destroy` closes one half only. */
export function cutConnection(connection: Connection, error?: Error): void {
  const { stream } = connection as unknown as Inner;
  if (typeof stream?.destroy !== 'function')
    throw new RowsealError('internal', 'the mysql2 driver has no stream');
  stream.destroy(error);
}
