/** How sessions come about: the driver's socket taken over, TLS as libpq names it, unix sockets, logins refused. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../../../test/support/patience.ts';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import { capture, slotIsFree } from '../../../../test/support/postgres-capture.ts';
import { RowsealError } from '../../../base/errors.ts';
import { parsePostgresUrl } from './connection.ts';
import { connectSession } from './sessions.ts';
import { takeSocket } from './takeover.ts';

let server: TestServer;
let ca: string;

beforeAll(async () => {
  server = await testServer({ major: 16, own: true });
  const { data, dir } = server.embedded!;
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-subj',
    '/CN=test ca',
  );
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    'server.key',
    '-out',
    'server.crt',
    ...subject,
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
  );
  const owner = fs.statSync(data);
  for (const file of ['server.key', 'server.crt']) {
    fs.copyFileSync(path.join(dir, file), path.join(data, file));
    fs.chownSync(path.join(data, file), owner.uid, owner.gid);
    fs.chmodSync(path.join(data, file), 0o600);
  }
  ca = path.join(dir, 'ca.crt');
  await server.sql('create table t (id int primary key); create publication rowseal for table t');
  await setTls('on');
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** The server reads its settings some time after it was told to, and new sessions have them. */
const setTls = async (value: 'on' | 'off') => {
  await server.sql(`alter system set ssl = ${value}`);
  await server.sql('select pg_reload_conf()');
  await until(async () => {
    const session = await server.session();
    const { rows } = await session.query('show ssl');
    await session.end();
    return rows[0].ssl === value;
  });
};
const streams = async (url: string) => {
  await using running = await capture(server, { url });
  await server.sql('delete from t; insert into t values (1)');
  await running.until(() => running.rows().length > 0);
  const [row] = await server.sql('select ssl from pg_stat_ssl join pg_stat_replication using (pid)');
  await running.source.close();
  await slotIsFree(server);
  return row!['ssl'];
};
const refused = (url: string) =>
  connectSession(parsePostgresUrl(url), 'replication').then(
    () => 'connected',
    (error: unknown) => (error instanceof RowsealError ? error.code : error),
  );
const tlsUrl = (host: string, params: Record<string, string>) => {
  const url = new URL(server.urlFor({ params }));
  if (!('sslmode' in params)) url.searchParams.delete('sslmode');
  return url.href.replace('127.0.0.1', host);
};

// The driver is pinned: this is what breaks first when its insides change.
test('the socket is taken over whole: nothing of the driver listens any more', async () => {
  const client = await connectSession(parsePostgresUrl(server.url), 'replication');
  const socket = takeSocket(client);
  expect(socket.listenerCount('data')).toBe(0);
  expect(socket.isPaused()).toBe(true);
  const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.write(
    Buffer.concat([Buffer.from('Q'), Buffer.from([0, 0, 0, 20]), Buffer.from('IDENTIFY_SYSTEM\0')]),
  );
  socket.resume();
  expect((await answer).toString('latin1', 0, 1)).toBe('T');
  socket.destroy();
  expect(() => takeSocket({} as never)).toThrow(RowsealError);
});

test('streams over TLS, verified or not, over TCP and over a unix socket', async () => {
  expect(await streams(tlsUrl('localhost', { sslrootcert: ca }))).toBe('t'); // verify-full is the default
  expect(await streams(tlsUrl('127.0.0.1', { sslmode: 'verify-ca', sslrootcert: ca }))).toBe('t');
  expect(await streams(tlsUrl('127.0.0.1', { sslmode: 'require' }))).toBe('t');
  expect(await streams(tlsUrl('127.0.0.1', { sslmode: 'disable' }))).toBe('f');
  const { dir, port } = server.embedded!;
  const password = new URL(server.url).password;
  expect(await streams(`postgres://postgres:${password}@/postgres?host=${dir}&port=${port}`)).toBe('f');
});

test('a server that can not prove who it is', async () => {
  expect(await refused(tlsUrl('localhost', {}))).toBe('tls_failed');
  expect(await refused(tlsUrl('127.0.0.1', { sslrootcert: ca }))).toBe('tls_failed'); // another name
  await setTls('off');
  expect(await refused(tlsUrl('localhost', { sslrootcert: ca }))).toBe('tls_failed'); // no TLS at all
  await setTls('on');
});

test('logins and privileges', async () => {
  await server.sql(
    `create role plain login password 'x'; create role capture login replication password 'x'`,
  );
  expect(await refused(server.urlFor({ user: 'nobody', password: 'x' }))).toBe('source_refused');
  expect(await refused(server.urlFor({ user: 'capture', password: 'wrong' }))).toBe('source_refused');
  expect(await refused(server.urlFor({ user: 'plain', password: 'x' }))).toBe('source_refused');
  // The driver's own error for this has no code, and once passed for a server that is away: retried for ever.
  expect(await refused(server.urlFor({ user: 'capture', password: '' }))).toBe('source_refused');
  expect(await refused(server.urlFor({ database: 'nowhere' }))).toBe('source_misconfigured');
  expect(await refused('postgres://u@127.0.0.1:1/d?sslmode=disable')).toBe('source_unreachable');
  // LOGIN and REPLICATION are enough: no privilege on any table.
  expect(await streams(server.urlFor({ user: 'capture', password: 'x' }))).toBe('f');
});
