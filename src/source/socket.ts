/**
 * Sockets that a driver logs in on and that are ours then, read into one buffer. A buffer a chunk, as Node does by itself, is garbage outside of its heap, which
 * it lets grow by tens of megabytes before it collects. Whoever hands a socket to a driver first gets copies for it,
 * until `ownSocket`. Under TLS Node reads by itself.
 */
import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RowsealError } from '../base/errors.ts';

const READ_BYTES = 64 * 1024;

/** Sockets whose chunks nobody keeps. */
const inPlace = new WeakSet<Duplex>();

/** The option `onread` of a socket that is being made. */
export function oneBuffer(socketOf: () => Socket): OnReadOpts {
  return {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (size, bytes) => {
      const socket = socketOf();
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, size);
      socket.emit('data', inPlace.has(socket) ? chunk : Buffer.from(chunk));
      return true;
    },
  };
}

/**
 * Takes the socket from its driver: paused, without listeners but a deaf 'error'. What it emits as 'data' is only valid until
 * it reads on: until the listener returns, or while it is paused.
 */
export function ownSocket(socket: Duplex): Duplex {
  // Its 'close' was long ago, and would not come again.
  if (socket.destroyed || !socket.writable || socket.readableEnded) {
    throw new RowsealError('source_unreachable', 'the connection was closed before the stream began');
  }
  socket.pause();
  for (const event of ['data', 'end', 'close', 'error'] as const) socket.removeAllListeners(event);
  socket.on('error', () => undefined); // until the new owner listens
  inPlace.add(socket);
  return socket;
}

/** Codes of Node's errors that say that the other side cannot be reached, or is gone. */
export const NETWORK_ERRORS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ENOENT',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
]);
