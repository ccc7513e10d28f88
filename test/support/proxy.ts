/**
 * A TCP proxy on loopback that spoils HTTP/1.1 requests on their way to a real server: for what a network and
 * a dying server do, and no server does when asked.
 */
import { connect, createServer, type Socket } from 'node:net';

/**
 * `pass`; `refuse`: cut before anything is delivered; `cut`: delivered, and cut when the answer comes;
 * `swallow`: delivered, and the answer never comes (a half-open connection); `hang`: accepted, never delivered.
 */
export type Fault = 'pass' | 'refuse' | 'cut' | 'swallow' | 'hang';

export interface FaultyProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Decides on every request by its request line, such as `PUT /bucket/key HTTP/1.1`. */
  decide: (requestLine: string) => Fault;
  /** What was decided, in order. */
  readonly seen: { readonly line: string; readonly fault: Fault }[];
}

/** A proxy before the server at `endpoint`, an http:// URL. */
export async function createProxy(endpoint: string): Promise<FaultyProxy> {
  const target = new URL(endpoint);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    const drop = () => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    let fault: Fault = 'pass';
    client.on('data', (bytes) => {
      // Requests on one connection follow one another: one begins with its method, at a chunk's start.
      const line = /^(?:GET|HEAD|PUT|POST|DELETE) [^\r]*/.exec(bytes.toString('latin1'))?.[0];
      if (line !== undefined) {
        fault = proxy.decide(line);
        proxy.seen.push({ line, fault });
      }
      if (fault === 'refuse') drop();
      else if (fault !== 'hang') upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      const interim = bytes.subarray(0, 12).toString('latin1') === 'HTTP/1.1 100';
      if (fault === 'pass' || interim) client.write(bytes);
      else if (fault === 'cut') drop();
    });
    client.on('end', () => upstream.end());
    upstream.on('end', () => (fault === 'swallow' ? undefined : client.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    decide: () => 'pass',
    seen: [],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** Spoils the first `times` requests whose line matches, and lets all else pass. */
export function first(times: number, pattern: RegExp, fault: Fault): (line: string) => Fault {
  let left = times;
  return (line) => {
    if (left === 0 || !pattern.test(line)) return 'pass';
    left -= 1;
    return fault;
  };
}
