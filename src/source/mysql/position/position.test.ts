import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import type { MariadbGtid, MysqlGtid } from './gtid-event.ts';
import { createDelivered, startOf } from './position.ts';

const A = 'aaaaaaaa-1111-2222-3333-444444444444';
const mysql = (number: number, source: string | null = A): MysqlGtid => ({
  flavor: 'mysql',
  source,
  number: BigInt(number),
  commitMicros: null,
});
const mariadb = (sequence: number, domain = 0, serverId = 1): MariadbGtid => ({
  flavor: 'mariadb',
  domain,
  serverId,
  sequence: BigInt(sequence),
  standalone: false,
  transactional: true,
  prepares: false,
  xid: null,
  alter: null,
  threadId: null,
});
const at = (position: number, file = 'b.000001') => ({ file, position });

test('where the link starts', () => {
  expect(startOf('none')).toEqual({ by: 'gtid', set: '' });
  expect(startOf('empty')).toEqual({ by: 'gtid', set: '' });
  expect(startOf(`${A}:1-7`)).toEqual({ by: 'gtid', set: `${A}:1-7` });
  expect(startOf('0-1-9,1-1-3;xa=0-1-5,1-1-2')).toEqual({ by: 'gtid', set: '0-1-5,1-1-2' });
  expect(startOf('0-1-9;xa=empty')).toEqual({ by: 'gtid', set: '' });
  expect(startOf('b.000003:1234;xa=b.000002:99')).toEqual({ by: 'file', file: 'b.000002', position: 99 });
  expect(() => startOf('0-1-9;xa=0-1-5;xa=0-1-4')).toThrow(RowsealError);
});

describe('MySQL', () => {
  test('a prepared transaction is a hole until its verdict', () => {
    const it = createDelivered('mysql', 'empty');
    expect(it.text()).toBe('empty');
    it.done(mysql(1), at(1));
    it.prepared(mysql(2), at(2), 'x');
    it.done(mysql(3), at(3));
    expect(it.text()).toBe(`${A}:1:3`);
    it.decided('x');
    it.done(mysql(4), at(4));
    expect(it.text()).toBe(`${A}:1-4`);
    expect(it.has(mysql(2))).toBe(true);
    expect(() => it.done(mysql(0, null), at(5))).toThrow(RowsealError);
  });
});

describe('MariaDB', () => {
  test('the first prepared transaction says from where to read again', () => {
    const it = createDelivered('mariadb', '0-1-1');
    it.prepared(mariadb(2), at(2), 'x');
    it.prepared(mariadb(1, 7), at(3), 'y');
    it.done(mariadb(3), at(4));
    expect(it.text()).toBe('0-1-3,7-1-1;xa=0-1-1');
    it.decided('x');
    it.done(mariadb(4), at(5));
    expect(it.text()).toBe('0-1-4,7-1-1;xa=0-1-2');
    it.decided('y');
    expect(it.text()).toBe('0-1-4,7-1-1');
  });
  test('what is read again was delivered, up to exactly the last GTID of its domain', () => {
    const it = createDelivered('mariadb', '0-2-4,5-1-9;xa=0-1-1,5-1-9');
    expect([it.has(mariadb(7)), it.has(mariadb(10, 5))]).toEqual([true, false]);
    it.done(mariadb(10, 5), at(1));
    it.prepared(mariadb(7), at(2), 'x'); // sequence numbers need not ascend
    expect(it.text()).toBe('0-2-4,5-1-10;xa=0-1-1,5-1-9');
    it.done(mariadb(4, 0, 2), at(3));
    expect(it.has(mariadb(8))).toBe(false);
    // Now it is known which transaction waits: reading may begin later, at where that began.
    expect(it.text()).toBe('0-2-4,5-1-10;xa=0-1-1,5-1-10');
  });
});

describe('files', () => {
  test('positions, rotation and heartbeats, never back', () => {
    const it = createDelivered('mysql', 'b.000001:100');
    it.done(mysql(0, null), at(200));
    it.passed(at(150));
    expect(it.text()).toBe('b.000001:200');
    it.passed(at(300));
    it.passed(at(4, 'b.000002'));
    expect(it.text()).toBe('b.000002:4');
    it.prepared(mysql(0, null), at(50, 'b.000002'), 'x');
    it.done(mysql(0, null), at(60, 'b.000002'));
    expect(it.text()).toBe('b.000002:60;xa=b.000002:4');
  });
  test('read again up to exactly where it ended', () => {
    const it = createDelivered('mysql', 'b.000002:60;xa=b.000001:90');
    expect(it.has(mysql(0, null))).toBe(true);
    it.prepared(mysql(0, null), at(120), 'x');
    it.passed(at(4, 'b.000002'));
    expect(it.text()).toBe('b.000002:60;xa=b.000001:90');
    it.done(mysql(0, null), at(60, 'b.000002'));
    expect([it.has(mysql(0, null)), it.text()]).toEqual([false, 'b.000002:60;xa=b.000001:90']);
    it.decided('x');
    expect(it.text()).toBe('b.000002:60');
  });
});
