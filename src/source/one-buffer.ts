/**
 * Sockets that are read into one buffer. A buffer a chunk, as Node does by itself, is garbage outside of its heap, which
 * it lets grow by tens of megabytes before it collects. Whoever hands a socket to a driver first gets copies for it,
 * until `readInPlace`. Under TLS Node reads by itself.
 */
import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

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

/** From now on what the socket emits as 'data' is only valid until it reads on: until the listener returns, or paused. */
export function readInPlace(socket: Duplex): void {
  inPlace.add(socket);
}
