import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { serveDaemonHttp } from './http.ts';

it('says that a rowseal may run already where the address is taken', async () => {
  const taken = createServer();
  await new Promise<void>((ready) => taken.listen(0, '127.0.0.1', ready));
  const { port } = taken.address() as AddressInfo;
  await expect(
    serveDaemonHttp({
      listen: `127.0.0.1:${port}`,
      registry: new Registry(),
      trails: new Map(),
      staleAfterMs: 1000,
      refresh: () => {},
    }),
  ).rejects.toMatchObject({ code: 'config_invalid', hint: expect.stringContaining('may run there already') });
  taken.close();
});
