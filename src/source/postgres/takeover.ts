/**
 * Takes the socket over from the `pg` driver once it has shaken hands, authenticated and set TLS up: the driver
 * builds an object per message and knows no back-pressure. What is used here is not in its typings; the contract
 * test runs it against the pinned version. After this the driver's client must not be used again.
 */
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { RowsealError } from '../../base/errors.ts';

/** The client must be connected and idle. Its socket comes back paused, without listeners but a deaf 'error'. */
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
  // Its 'close' was long ago, and would not come again.
  if (socket.destroyed || !socket.writable || socket.readableEnded) {
    throw new RowsealError('source_unreachable', 'the connection was closed before the stream began');
  }
  socket.pause();
  for (const event of ['data', 'end', 'close', 'error'] as const) socket.removeAllListeners(event);
  socket.on('error', () => undefined); // until the new owner listens
  return socket;
}
