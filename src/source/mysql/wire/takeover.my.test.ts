/**
 * What we rely on in the pinned mysql2 and in both servers: after login and TLS the socket is ours, a dump's events come
 * whole and unchanged, and nothing of the password goes where it must not.
 */
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import mysql from 'mysql2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpsOf, type TestMysql, testMysql } from '../../../../test/support/mysql.ts';
import { until } from '../../../../test/support/patience.ts';
import { RowsealError } from '../../../base/errors.ts';
import { EVENT } from '../events/events.ts';
import { parseGtidSet } from '../position/gtid.ts';
import { parseMysqlUrl } from './connection.ts';
import { type DumpOptions, type Link, startDump } from './link.ts';
import { connectSession, createSideSession, leave } from './sessions.ts';
import { takeSocket } from './takeover.ts';

const code = (error: unknown) => (error instanceof RowsealError ? error.code : error);

describe.each(['mysql', 'mariadb'] as const)('a connection of mysql2 to %s', (flavor) => {
  let server: TestMysql;
  beforeAll(async () => {
    server = await testMysql({ flavor, own: true, settings: ['max-allowed-packet=256M'] });
    await server.sql(`create user capture@'%' identified by 'open sesame'`);
    await server.sql(`grant replication slave, replication client on *.* to capture@'%'`);
    await server.sql('create table t (id int primary key, b longblob)');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const at = (params: string, host = '127.0.0.1', port = server.port) =>
    parseMysqlUrl(`mysql://capture@${host}:${port}/?${params}`, 'open sesame');
  const verified = () => at(`ssl-ca=${encodeURIComponent(server.caFile as string)}`);
  const login = async (target: ReturnType<typeof at>) => {
    const session = await connectSession(target);
    const [row] = await session.query(`show status like 'Ssl_version'`);
    await leave(session);
    return row?.['Value'];
  };

  interface Dump extends AsyncDisposable {
    readonly link: Link;
    readonly events: Buffer[];
    until(condition: () => boolean): Promise<void>;
  }
  const end = async () => {
    const status = flavor === 'mysql' ? 'show binary log status' : 'show master status';
    const [row] = await server.sql(status);
    return { by: 'file', file: row!['File']!, position: Number(row!['Position']) } as const;
  };
  let serverId = 4242;
  const dump = async (options: Partial<DumpOptions> = {}): Promise<Dump> => {
    const events: Buffer[] = [];
    const link = await startDump({
      target: verified(),
      flavor,
      serverId: serverId++, // one alone reads as a server_id: the last one's session may not have gone yet
      start: options.start ?? (await end()),
      encodeSet: (set) => parseGtidSet(set).encode(),
      heartbeatMs: 2000,
      clock: Date.now,
      onEvent: (event) => void events.push(Buffer.from(event)),
      ...options,
    });
    let over: unknown = null;
    link.done.catch((error: unknown) => {
      over = error;
    });
    return {
      link,
      events,
      until: (condition) => {
        const holds = () => {
          const is = condition();
          if (!is && over !== null) throw over;
          return is;
        };
        return until(holds, undefined, 5, String(condition));
      },
      [Symbol.asyncDispose]: () => link.end(),
    };
  };
  const ofType = (events: readonly Buffer[], ...types: number[]) =>
    events.filter((event) => types.includes(event[4] as number));
  const rows = (events: readonly Buffer[]) => ofType(events, EVENT.WRITE_ROWS, EVENT.WRITE_ROWS_V1);

  test('verifies by default: the right authority, and the name or address that was dialled', async () => {
    expect(await login(verified())).toMatch(/^TLS/);
    expect(await login(at(`ssl-ca=${encodeURIComponent(server.caFile!)}`, 'localhost'))).toMatch(/^TLS/);
    expect(await login(at('ssl-mode=REQUIRED'))).toMatch(/^TLS/);
    // The system's authorities did not sign it.
    expect(await login(at('')).catch(code)).toBe('tls_failed');
    expect(await login(at('ssl-mode=VERIFY_CA')).catch(code)).toBe('tls_failed');
  });

  // Node compares a certificate with `localhost` where an address was dialled and nobody says which.
  test('a certificate for another address is refused before anything is said', async () => {
    const pipe = createServer((client) => {
      const upstream = connect(server.port, '127.0.0.1');
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => pipe.listen(0, '127.0.0.2', resolve));
    const { port } = pipe.address() as AddressInfo;
    const ca = `ssl-ca=${encodeURIComponent(server.caFile as string)}`;
    expect(await login(at(ca, '127.0.0.2', port)).catch(code)).toBe('tls_failed');
    expect(await login(at(`${ca}&ssl-mode=VERIFY_CA`, '127.0.0.2', port))).toMatch(/^TLS/);
    pipe.close();
  });

  test('without TLS the password is not given to whoever asks for it', async () => {
    await server.sql(`create user plain@'%' identified by 'open sesame'`);
    const url = (mode: string) => `mysql://plain@127.0.0.1:${server.port}/?ssl-mode=${mode}`;
    const first = await login(parseMysqlUrl(url('DISABLED'), 'open sesame')).catch(code);
    // MariaDB's own method sends a hash that is good for one login; MySQL's asks for the password once, then knows it.
    expect(first).toBe(flavor === 'mysql' ? 'tls_failed' : '');
    expect(await login(parseMysqlUrl(url('REQUIRED'), 'open sesame'))).toMatch(/^TLS/);
    expect(await login(parseMysqlUrl(url('DISABLED'), 'open sesame'))).toBe('');
  });

  test('a wrong password is a refusal that does not show it', async () => {
    const error = await login(
      parseMysqlUrl(`mysql://capture@127.0.0.1:${server.port}/?ssl-mode=REQUIRED`, 'wrong one'),
    ).catch((caught: unknown) => caught);
    expect(code(error)).toBe('source_refused');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wrong one');
  });

  test.each(['TLS', 'plain text'])('events come whole, with their checksums, over %s', async (kind) => {
    await login(verified());
    const target = kind === 'TLS' ? verified() : at('ssl-mode=DISABLED');
    await using running = await dump({ target });
    const before = Date.now();
    await server.sql(`replace into t select 1, repeat('x', 100)`);
    await server.sql('delete from t');
    await running.until(() => ofType(running.events, EVENT.DELETE_ROWS, EVENT.DELETE_ROWS_V1).length === 1);
    await running.until(() => ofType(running.events, EVENT.HEARTBEAT).length > 0);
    for (const event of running.events) {
      expect(event.readUInt32LE(9)).toBe(event.length);
      expect(crc32(event.subarray(0, -4))).toBe(event.readUInt32LE(event.length - 4));
    }
    expect(running.events[0]![4]).toBe(EVENT.ROTATE);
    expect(ofType(running.events, EVENT.ROWS_QUERY, EVENT.ANNOTATE_ROWS)).not.toEqual([]);
    const seen = running.events.length;
    expect(running.link.heardAt()).toBeGreaterThanOrEqual(before);
    await running.link.end();
    await running.link.done;
    expect(running.events).toHaveLength(seen);
  });

  test('an event of 40 MB, which spans three packets, and what follows it', async () => {
    await using running = await dump();
    await server.sql(`insert into t values (40, repeat('0123456789', 4000000))`);
    await server.sql(`insert into t values (41, 'small')`);
    await running.until(() => rows(running.events).length === 2);
    const [large, small] = rows(running.events);
    expect(large!.length).toBeGreaterThan(40_000_000);
    expect(crc32(large!.subarray(0, -4))).toBe(large!.readUInt32LE(large!.length - 4));
    expect(small!.includes('small')).toBe(true);
    await server.sql('delete from t');
  });

  test('a promise holds everything back, and nothing is lost or out of order', async () => {
    let release: (() => void) | null = null;
    const events: Buffer[] = [];
    await using running = await dump({
      onEvent: (event) => {
        events.push(event);
        if (rows([event]).length === 0) return undefined;
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    for (let id = 0; id < 300; id++) await server.sql(`insert into t values (${id}, repeat('y', 20000))`);
    await running.until(() => release !== null);
    await sleep(6500); // longer than the server may be silent: it is not silent, we don't listen
    expect(rows(events)).toHaveLength(1);
    const ids: number[] = [];
    for (let id = 0; id < 300; id++) {
      await running.until(() => release !== null);
      const last = events.at(-1) as Buffer;
      ids.push(last.readInt32LE(last.indexOf(Buffer.alloc(50, 'y')) - 8));
      const go: () => void = release!;
      release = null;
      go();
      await sleep(0);
    }
    expect(ids).toEqual(Array.from({ length: 300 }, (_, id) => id));
    await server.sql('delete from t');
  });

  test('stop and go from outside are counted', async () => {
    await using running = await dump();
    await running.until(() => running.events.length > 1);
    running.link.stop();
    running.link.stop();
    await server.sql(`insert into t values (1, 'a')`);
    running.link.go();
    await sleep(300);
    expect(rows(running.events)).toEqual([]);
    running.link.go();
    await running.until(() => rows(running.events).length === 1);
    await server.sql('delete from t');
  });

  test("the server's refusal comes with its number", async () => {
    const { link } = await dump({ start: { by: 'file', file: 'nowhere.000001', position: 4 } });
    await expect(link.done).rejects.toMatchObject({
      code: 'source_unreachable',
      details: { errno: 1236 },
    });
    const unprivileged = parseMysqlUrl(
      `mysql://plain@127.0.0.1:${server.port}/?ssl-mode=REQUIRED`,
      'open sesame',
    );
    const refused = await dump({ target: unprivileged });
    await expect(refused.link.done).rejects.toMatchObject({ code: 'source_refused' });
  });

  test('our leave ends the dump on the server at once', async () => {
    const side = createSideSession(verified());
    // Not by a heartbeat that it can't send.
    const running = await dump({
      heartbeatMs: 3_600_000,
      kill: async (id) => void (await side.query(`KILL ${id}`)),
    });
    const { threadId } = running.link;
    await server.sql(`replace into t select 1, 'a'`);
    await running.until(() => rows(running.events).length > 0);
    expect(await dumpsOf(server)).toContain(threadId);
    await running.link.end();
    await until(async () => !(await dumpsOf(server)).includes(threadId));
    await server.sql('delete from t');
    await side.close();
  });

  test('what the driver must look like is checked when it is used', async () => {
    const { connection } = await connectSession(verified());
    connection.query('select 1'); // not idle
    expect(() => takeSocket(connection)).toThrow(expect.objectContaining({ code: 'internal' }));
    connection.destroy();
    const compressed = mysql.createConnection({ ...verified().config, compress: true });
    compressed.on('error', () => undefined);
    await new Promise((resolve) => compressed.once('connect', resolve));
    expect(() => takeSocket(compressed)).toThrow(expect.objectContaining({ code: 'internal' }));
    compressed.destroy();
    expect(() => takeSocket({} as never)).toThrow(expect.objectContaining({ code: 'internal' }));
    const { connection: gone } = await connectSession(verified());
    (gone as unknown as { stream: { destroy(): void } }).stream.destroy();
    expect(() => takeSocket(gone)).toThrow(expect.objectContaining({ code: 'source_unreachable' }));
  });
});
