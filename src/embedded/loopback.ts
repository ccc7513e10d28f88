/** A free TCP port on loopback, as the system gives it. Another process may take it before it is used: try again then. */
import { once } from 'node:events';
import net from 'node:net';

export async function freePort(): Promise<number> {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}
