/** What OpenSSL, inside of Node, says of the certificates that we write. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import { makeCertificate } from './certificate.ts';

test('the server certificate is the authority’s, for localhost and 127.0.0.1, as of now', () => {
  const { ca, cert } = makeCertificate();
  const [authority, server] = [new X509Certificate(ca), new X509Certificate(cert)];
  expect(authority.ca).toBe(true);
  expect(server.ca).toBe(false);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.verify(new X509Certificate(makeCertificate().ca).publicKey)).toBe(false);
  expect(server.checkHost('localhost')).toBe('localhost');
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(server.checkHost('example.org')).toBeUndefined();
  expect(server.validFromDate.getTime()).toBeLessThan(Date.now());
  expect(server.validToDate.getTime()).toBeGreaterThan(Date.now() + 7 * 86_400_000);
});

test('a client that verifies accepts it with its own authority only', async () => {
  const { ca, cert, key } = makeCertificate();
  const server = tls.createServer({ cert, key }, (socket) => socket.end());
  server.listen(0, '127.0.0.1').on('tlsClientError', () => undefined);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = async (trusted: string) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca: trusted });
    await once(socket, 'secureConnect').finally(() => socket.destroy());
  };
  await connect(ca);
  await expect(connect(makeCertificate().ca)).rejects.toThrow();
  server.close();
});
