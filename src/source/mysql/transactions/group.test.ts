import { describe, expect, test } from 'vitest';
import {
  event,
  mariadbGtid,
  mysqlGtid,
  query,
  rotateEvent,
  UUID,
  xid,
} from '../../../../test/support/binlog-events.ts';
import { listening, recorded } from '../../../../test/support/binlog-recorded.ts';
import { EVENT } from '../events/events.ts';

type Options = Parameters<typeof listening>[0];
const head = (name: string) => recorded(name)[0]!.events.slice(0, 2);
const HEADS = { mysql: head('mysql-9.7'), mariadb: head('mariadb-10.11') };

async function told(flavor: 'mysql' | 'mariadb', events: readonly Buffer[], more: Partial<Options> = {}) {
  const { decoder, said } = listening({ flavor, ...more });
  for (const each of [...HEADS[flavor], ...events]) await decoder.event(each);
  return said;
}
const words = (lines: readonly string[]) => lines.map((line) => line.split(' ')[0]);
const notUnderstood = { code: 'stream_not_understood' };
/** A TABLE_MAP of shop.t (id INT) with names, and rows of it. */
const rowsOf = (flavor: 'mysql' | 'mariadb') => {
  const name = flavor === 'mysql' ? 'mysql-9.7' : 'mariadb-10.11';
  const events = recorded(name).find(({ scenario }) => scenario === 'autocommit')!.events;
  return events.filter(
    (each) => each[4] === EVENT.TABLE_MAP || each[4] === EVENT.WRITE_ROWS || each[4] === EVENT.WRITE_ROWS_V1,
  );
};

describe('what is not known', () => {
  test('stops, unless it is marked as ignorable', async () => {
    await expect(told('mysql', [event(99, Buffer.alloc(8))])).rejects.toMatchObject(notUnderstood);
    expect(await told('mysql', [event(99, Buffer.alloc(8), { flags: 0x80 })])).toEqual([]);
    const inside = (each: Buffer) => told('mysql', [mysqlGtid(1), query('BEGIN'), each, xid()]);
    await expect(inside(event(99, Buffer.alloc(8)))).rejects.toMatchObject(notUnderstood);
    expect(words(await inside(event(99, Buffer.alloc(8), { flags: 0x80 })))).toEqual(['begin', 'commit']);
  });
  test('changes outside of a transaction, and a transaction inside another', async () => {
    await expect(told('mysql', [xid()])).rejects.toMatchObject(notUnderstood);
    await expect(told('mysql', rowsOf('mysql'))).rejects.toMatchObject(notUnderstood);
    await expect(told('mysql', [mysqlGtid(1), mysqlGtid(2)])).rejects.toMatchObject(notUnderstood);
    await expect(told('mysql', [mysqlGtid(1), mariadbGtid(2)])).rejects.toMatchObject(notUnderstood);
  });
  test('events before the first description', async () => {
    const { decoder } = listening({ flavor: 'mysql' });
    expect(() => decoder.event(mysqlGtid(1))).toThrow(expect.objectContaining(notUnderstood));
  });
});

describe('what is missing of a transaction is told before its commit', () => {
  test('an incident, alone and among changes', async () => {
    const incident = event(EVENT.INCIDENT, Buffer.from([1, 0, 0]));
    const said = await told('mysql', [
      incident,
      mysqlGtid(1),
      incident,
      mysqlGtid(2),
      query('BEGIN'),
      incident,
      xid(),
    ]);
    expect(words(said)).toEqual(['gap', 'begin', 'gap', 'commit', 'begin', 'gap', 'commit']);
    expect(said[0]).toContain('"from":"empty","to":"empty","reason":"incident"');
    expect(said[2]).toContain(`"from":"empty","to":"${UUID}:1","reason":"incident"`);
  });
  test('many statements are counted, not listed', async () => {
    const many = Array.from({ length: 500 }, (_, i) => query(`UPDATE t${i % 250} SET a = 1`));
    const said = await told('mysql', [mysqlGtid(1), query('BEGIN'), ...many, xid()]);
    const gaps = said.filter((line) => line.startsWith('gap'));
    expect(gaps).toHaveLength(101);
    expect(gaps[0]).toContain('"table":"shop.t0","count":2');
    expect(gaps[100]).toContain('"reason":"others","details":{"count":300');
  });
  test('a transaction that ends in ROLLBACK after changes', async () => {
    const said = await told('mysql', [mysqlGtid(1), query('BEGIN'), ...rowsOf('mysql'), query('ROLLBACK')]);
    expect(words(said)).toEqual(['begin', 'insert', 'gap', 'commit']);
    expect(said[2]).toContain('"reason":"rolled_back","details":{"last":1,');
  });
  test('one that the end of its file cut off was never committed', async () => {
    const said = await told('mysql', [
      mysqlGtid(1),
      query('BEGIN'),
      ...rowsOf('mysql'),
      ...HEADS.mysql,
      mysqlGtid(1),
      query('BEGIN'),
      xid(),
    ]);
    expect(words(said)).toEqual(['begin', 'insert', 'gap', 'commit', 'begin', 'commit']);
    expect(said[3]).toBe('commit empty');
    expect(said[2]).toContain('"reason":"incomplete_transaction"');
    expect(said[5]).toBe(`commit ${UUID}:1`);
  });
});

describe('savepoints', () => {
  const rows = rowsOf('mariadb');
  test('nested ones, the same name again, and what stands behind them', async () => {
    const sql = (text: string) => query(text);
    const said = await told('mariadb', [
      mariadbGtid(1),
      ...rows,
      sql('SAVEPOINT `a`'),
      ...rows,
      sql('SAVEPOINT `b`'),
      ...rows,
      sql('ROLLBACK TO `b`'),
      ...rows,
      sql('ROLLBACK TO `b`'),
      sql('SAVEPOINT `a`'),
      ...rows,
      sql('ROLLBACK TO `a`'),
      xid(),
    ]);
    expect(words(said)).toEqual(['begin', 'insert', 'insert', 'commit']);
  });
  test('one that nobody set takes back everything', async () => {
    const said = await told('mariadb', [mariadbGtid(1), ...rows, ...rows, query('ROLLBACK TO `x`'), xid()]);
    expect(words(said)).toEqual(['begin', 'insert', 'insert', 'gap', 'commit']);
    expect(said[3]).toContain('"first":1,"last":2');
  });
  test('more than fits is delivered, and what is then taken back is told by its indexes', async () => {
    const statement = query(`UPDATE t SET a = 1 -- ${'x'.repeat(900_000)}`);
    const said = await told('mariadb', [
      mariadbGtid(1),
      ...rows,
      query('SAVEPOINT `a`'),
      ...rows,
      query('SAVEPOINT `b`'),
      ...rows,
      ...Array.from({ length: 20 }, () => statement),
      ...rows,
      query('ROLLBACK TO `b`'),
      ...rows,
      xid(),
    ]);
    expect(words(said)).toEqual([
      'begin',
      'insert',
      'insert',
      'insert',
      'insert',
      'insert',
      'gap',
      'gap',
      'commit',
    ]);
    expect(said[7]).toContain('"reason":"rolled_back","details":{"first":3,"last":4');
  });
});

describe('XA', () => {
  const START = query("XA START X'61',X'',1", { threadId: 77 });
  const prepared = (flags = 0) =>
    event(EVENT.XA_PREPARE, Buffer.from([flags, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x61]));
  test('more than fits stops with a code of its own', async () => {
    const large = Array.from({ length: 20 }, () => query('x'.repeat(900_000)));
    await expect(told('mysql', [mysqlGtid(1), START, ...large])).rejects.toMatchObject({
      code: 'prepared_transaction_too_large',
    });
    const some = (number: number) => [
      mysqlGtid(number),
      query(`XA START X'0${number}',X'',1`),
      ...large.slice(0, 16),
      event(EVENT.XA_PREPARE, Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, number])),
    ];
    await expect(told('mysql', [1, 2, 3, 4, 5].flatMap(some))).rejects.toMatchObject({
      code: 'prepared_transaction_too_large',
    });
  });
  test('the session that made the changes is asked for, not the one that decided', async () => {
    const asked: number[] = [];
    const find = (threadId: number) => {
      asked.push(threadId);
      return null;
    };
    const verdict = query("XA COMMIT X'61',X'',1", { threadId: 78 });
    const events = [mysqlGtid(1), START, ...rowsOf('mysql'), prepared(), mysqlGtid(2), verdict];
    const said = await told('mysql', events, { threads: { find } });
    expect(asked).toEqual([77]);
    expect(words(said)).toEqual(['quiet', 'begin', 'insert', 'commit']);
    expect(said[1]).toContain('"session":{"pid":77}');
    expect(said[3]).toBe(`commit ${UUID}:1-2`);
  });
  test('a verdict over what was prepared before the stream began', async () => {
    const commit = await told('mysql', [mysqlGtid(2), query("XA COMMIT X'61',X'',1")]);
    expect(words(commit)).toEqual(['begin', 'gap', 'commit']);
    expect(commit[1]).toContain('"reason":"prepared_before_start"');
    expect(words(await told('mysql', [mysqlGtid(2), query("XA ROLLBACK X'61',X'',1")]))).toEqual(['quiet']);
  });
});

describe('without GTIDs', () => {
  test('positions are places in files, beyond 4 GiB too', async () => {
    const transaction = (start: number) => {
      const gtid = mysqlGtid(0, true);
      const at = (bytes: Buffer, end: number) => {
        const { 4: type } = bytes;
        return event(type!, bytes.subarray(19, -4), { end: end % 2 ** 32 });
      };
      const begin = query('BEGIN');
      return [
        at(gtid, start + gtid.length),
        at(begin, start + gtid.length + begin.length),
        at(xid(), start + 500),
      ];
    };
    const { decoder, said } = listening({ flavor: 'mysql', start: 'binlog.000003:1000' });
    const events = [
      rotateEvent('binlog.000003', 1000, 0x20),
      HEADS.mysql[1]!,
      ...transaction(1000),
      ...transaction(2 ** 32 - 100),
      event(EVENT.HEARTBEAT, Buffer.from('binlog.000003'), { end: 900 }),
      rotateEvent('binlog.000004', 4, 0, 1000),
      rotateEvent('binlog.000004', 4, 0x20),
      HEADS.mysql[1]!,
      ...transaction(200),
    ];
    for (const each of events) await decoder.event(each);
    expect(said.map((line) => line.replace(/,"time.*/, '}'))).toEqual([
      'begin {"id":"binlog.000003:1000","position":"binlog.000003:1000"}',
      'commit binlog.000003:1500',
      'begin {"id":"binlog.000003:4294967196","position":"binlog.000003:4294967196"}',
      'commit binlog.000003:4294967696',
      'quiet binlog.000003:4294968196',
      'quiet binlog.000004:4',
      'begin {"id":"binlog.000004:200","position":"binlog.000004:200"}',
      'commit binlog.000004:700',
    ]);
  });
});

test('promises of whoever is asked are waited for, between events that come out of one too', async () => {
  const order: string[] = [];
  const find = () =>
    new Promise<null>((resolve) =>
      setImmediate(() => {
        order.push('found');
        resolve(null);
      }),
    );
  const { decoder, said } = listening({
    flavor: 'mysql',
    threads: { find },
    ready: () => Promise.resolve(void order.push('ready')),
  });
  const compressed = recorded('mysql-9.7').find(({ scenario }) => scenario === 'compressed')!.events;
  for (const each of [...HEADS.mysql, ...compressed.slice(0, 2)]) await decoder.event(each);
  expect(order[0]).toBe('found');
  expect(order.filter((each) => each === 'ready')).toHaveLength(8);
  expect(words(said)[0]).toBe('begin');
  expect(decoder.inTransaction()).toBe(false);
});
