import { expect, test } from 'vitest';
import {
  account,
  cascade,
  good,
  kit,
  server,
  setting,
  trigger,
  wish,
  wrong,
} from '../../../../test/support/mysql-preflight.ts';
import type { PreflightFacts } from './facts.ts';
import { preflight } from './preflight.ts';

test('nothing is wrong where all is well', () => expect(wrong(preflight(good, wish))).toEqual([]));

test.each<[string, PreflightFacts, string[]]>([
  [
    'another flavor',
    server({ flavor: 'mariadb' }),
    ['server.version fail', 'binlog.gtid warn', 'account.monitor fail'],
  ],
  ['a version to come', server({ versionNumber: 100_000 }), ['server.version warn']],
  ['its own server_id', server({ serverId: 4242 }), ['server.id fail']],
  ['a rival', { ...good, rival: { text: 'db2', ours: false } }, ['server.id fail']],
  ['our own daemon', { ...good, rival: { text: 'rowseal', ours: true } }, []],
  ['a replica', { ...good, isReplica: true }, ['server.primary warn']],
  [
    'a replica that logs nothing',
    { ...setting('log_replica_updates', 'OFF'), isReplica: true },
    ['server.primary fail'],
  ],
  ['a clock that is off', { ...good, skewMs: -400_000 }, ['server.clock fail']],
  ['no performance_schema', server({ performanceSchema: false }), ['server.performance_schema warn']],
  ['two who may hide', { ...good, privileged: ['a', 'b'] }, ['server.sql_log_bin warn']],
  ['statement format', setting('binlog_format', 'MIXED'), ['binlog.format fail']],
  ['no names', setting('binlog_row_metadata', 'MINIMAL'), ['binlog.row_metadata fail']],
  ['short images', setting('binlog_row_image', 'NOBLOB'), ['binlog.row_image fail']],
  ['no comments', setting('binlog_rows_query_log_events', 'OFF'), ['binlog.rows_query_log_events warn']],
  ['no checksums', setting('binlog_checksum', 'NONE'), ['binlog.checksum warn']],
  ['no GTIDs', server({ gtids: false }), ['binlog.gtid warn']],
  ['short retention', setting('binlog_expire_logs_seconds', '86400'), ['binlog.retention fail']],
  ['retention without leeway', setting('binlog_expire_logs_seconds', '604800'), ['binlog.retention warn']],
  ['no binlog', { ...setting('log_bin', 'OFF'), binlogs: null, filters: null }, ['binlog.log_bin fail']],
  ['no retention', setting('binlog_expire_logs_seconds', '0'), ['binlog.disk warn']],
  ['a filter', { ...good, filters: 'shop' }, ['binlog.filters fail']],
  ['binlogs unseen', { ...good, binlogs: null }, ['binlog.visible fail']],
  ['no REPLICATION SLAVE', account({ global: ['REPLICATION CLIENT'] }), ['account.replication fail']],
  ['no lookups', account({ performanceSchema: { whole: [], columns: [] } }), ['account.lookups warn']],
  ['a superuser', account({ global: ['SUPER'] }), ['account.superuser warn']],
  ['a reader', account({ reads: ['shop.*'] }), ['account.reads warn']],
  ['a locked account', account({ locked: true }), ['account.locked fail']],
  ['tables unseen', account({ references: [] }), ['account.visibility warn']],
  ['no table', { ...good, kit: { ...kit, engine: null } }, ['kit.table fail', 'kit.procedures fail']],
  ['InnoDB', { ...good, kit: { ...kit, engine: 'InnoDB' } }, ['kit.table warn', 'kit.procedures fail']],
  ['a forger', { ...good, kit: { ...kit, forgers: ['x'] } }, ['kit.forging warn']],
  [
    'a caller that does not exist',
    { ...good, kit: { ...kit, callers: [], executors: [] }, strangers: [`'app'@'%'`] },
    ["kit.account.'app'@'%' fail"],
  ],
  [
    'a caller that does not exist, before setup',
    { ...good, kit: null, triggers: [], strangers: [`'app'@'%'`] },
    ['kit.installed fail', "kit.account.'app'@'%' fail"],
  ],
  ['no caller', { ...good, kit: { ...kit, callers: [] } }, ['kit.callers fail']],
  ['no kit', { ...good, kit: null, triggers: [] }, ['kit.installed fail']],
  ['a trigger gone', { ...good, triggers: [trigger('INSERT')] }, ['table.shop.orders.trigger fail']],
  [
    'a trigger altered',
    { ...good, triggers: [...good.triggers!.slice(1), { ...trigger('INSERT'), body: 'x' }] },
    ['table.shop.orders.foreign fail'],
  ],
  [
    'no key',
    { ...good, tables: [{ ...good.tables[0]!, primaryKey: false }] },
    ['table.shop.orders.key warn'],
  ],
  ['no table matches', { ...good, tables: [], triggers: [] }, ['tables.matched fail']],
  ['a cascade', { ...good, cascades: [cascade] }, ['foreign_key.shop.orders.fk warn']],
  ['a cascade of a table that nobody asks for', { ...good, cascades: [{ ...cascade, schema: 'crm' }] }, []],
  [
    'a fraction in the old temporal format',
    {
      ...server({ flavor: 'mariadb' }),
      oldTimes: [{ schema: 'shop', table: 'orders', column: 'at', type: 'datetime(6)' }],
    },
    ['server.version fail', 'binlog.gtid warn', 'account.monitor fail', 'table.shop.orders.times fail'],
  ],
  ['not an admin', { ...good, sawAll: false, privileged: null }, ['server.unseen warn']],
])('%s', (_, facts, found) => expect(wrong(preflight(facts, wish))).toEqual(found));
