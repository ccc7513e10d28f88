/**
 * The replication session's socket: made for the `pg` driver, which shakes hands, authenticates and sets TLS up, and
 * taken over from it then, since it builds an object per message and knows no back-pressure. What is used here is
 * not in the driver's typings; the contract test runs it against the pinned version. After the take-over the
 * driver's client must not be used again.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { RowsealError } from '../../../base/errors.ts';
import { oneBuffer, ownSocket } from '../../socket.ts';

/** For the driver's option `stream`. */
export function oneBufferSocket(): Socket {
  const socket: Socket = new Socket({ onread: oneBuffer(() => socket) });
  return socket;
}

/**
 * The client must be connected and idle. Its socket comes back paused, without listeners but a deaf 'error'. What it
 * emits as 'data' is only valid until the listener returns.
 */
export function takeSocket(client: pg.Client): Duplex {
  const inner = client as unknown as {
    connection?: { stream?: Duplex; removeAllListeners(): void };
    readyForQuery?: boolean;
  };
  const socket = inner.connection?.stream;
  if (typeof socket?.pause !== 'function' || inner.readyForQuery !== true) {
    throw new RowsealError(
      'internal',
      'the pg driver does not hold its socket where this version expects it',
    );
  }
  return ownSocket(socket);
}
