/** A MySQL server on which nothing is wrong, as preflight sees it, and ways to spoil it: for tests of what is decided on facts. */
import type { PreflightFacts } from '../../src/source/mysql/preflight/facts.ts';
import type { KitFacts } from '../../src/source/mysql/preflight/kit-facts.ts';
import { LOOKUPS } from '../../src/source/mysql/preflight/lookups.ts';
import { triggerName } from '../../src/source/mysql/preflight/tables.ts';
import {
  KIT_COMMENT,
  KIT_SQL_MODE,
  OWNER,
  type PreflightWish,
  TRIGGER_BODY,
} from '../../src/source/mysql/preflight/wish.ts';
import type { Check } from '../../src/source/preflight.ts';

export const wish: PreflightWish = {
  flavor: 'mysql',
  user: 'rowseal',
  serverId: 4242,
  tls: true,
  longestOutageMs: 2 * 86_400_000,
  contextAccounts: ['app@%'],
  tables: [{ match: 'shop.*', exclude: false, context_trigger: true, replica_identity: 'keep' }],
  procedures: { bodies: { set_context: 'S' }, emit: { blackhole: 'B', innodb: 'I' } },
};
export const procedure = (name: string, body: string) => ({
  name,
  body,
  security: 'DEFINER',
  definer: OWNER,
  mode: KIT_SQL_MODE,
});
export const trigger = (event: 'INSERT' | 'UPDATE' | 'DELETE') => ({
  schema: 'shop',
  table: 'orders',
  name: triggerName('orders', event),
  event: `AFTER ${event}`,
  definer: OWNER,
  body: TRIGGER_BODY,
});
export const kit: KitFacts = {
  comment: KIT_COMMENT,
  engine: 'BLACKHOLE',
  procedures: [procedure('set_context', 'S'), procedure('emit', 'B')],
  callers: [`'app'@'%'`],
  executors: [{ grantee: `'app'@'%'`, kind: 'PROCEDURE', routine: 'set_context' }],
  made: [`'rowseal'@'%'`],
  forgers: [],
};
export const good: PreflightFacts = {
  server: {
    flavor: 'mysql',
    version: '8.4.3',
    versionNumber: 80_403,
    serverId: 1,
    serverUuid: 'u',
    hostname: 'db',
    port: 3306,
    performanceSchema: true,
    gtids: true,
    foldsNames: false,
    settings: {
      binlog_format: 'ROW',
      binlog_row_image: 'FULL',
      binlog_row_metadata: 'FULL',
      binlog_checksum: 'CRC32',
      binlog_rows_query_log_events: 'ON',
      binlog_expire_logs_seconds: '2592000',
      gtid_mode: 'ON',
      log_bin: 'ON',
      log_replica_updates: 'ON',
    },
  },
  variables: { time_zone: 'SYSTEM', system_time_zone: 'UTC', read_only: 'OFF' },
  skewMs: 3,
  blackhole: 'active',
  binlogs: [{ name: 'binlog.000001', size: 100 }],
  filters: '',
  rival: null,
  dumps: [],
  isReplica: false,
  account: {
    name: `'rowseal'@'%'`,
    global: ['REPLICATION SLAVE', 'REPLICATION CLIENT'],
    performanceSchema: {
      whole: [],
      columns: Object.entries(LOOKUPS).flatMap(([table, columns]) =>
        columns.map((column) => `${table}.${column}`),
      ),
    },
    references: ['rowseal', 'shop'],
    reads: [],
    mayCallInventory: true,
    locked: false,
    stored: null,
  },
  privileged: [`'root'@'localhost'`],
  strangers: [],
  kit,
  triggers: [trigger('INSERT'), trigger('UPDATE'), trigger('DELETE')],
  tables: [{ schema: 'shop', table: 'orders', engine: 'InnoDB', primaryKey: true, columns: ['id', 'Email'] }],
  cascades: [],
  oldTimes: [],
  sawAll: true,
};
export const setting = (name: string, value: string): PreflightFacts => ({
  ...good,
  server: { ...good.server, settings: { ...good.server.settings, [name]: value } },
});
export const server = (change: Partial<PreflightFacts['server']>) => ({
  ...good,
  server: { ...good.server, ...change },
});
export const account = (change: Partial<NonNullable<PreflightFacts['account']>>) => ({
  ...good,
  account: { ...good.account!, ...change },
});
export const wrong = (checks: readonly Check[]) =>
  checks.filter(({ status }) => status !== 'ok').map(({ id, status }) => `${id} ${status}`);
export const cascade = {
  schema: 'shop',
  table: 'orders',
  name: 'fk',
  columns: ['a', 'b'],
  parentSchema: 'crm',
  parentTable: 'people',
  parentColumns: ['x', 'y'],
  onUpdate: null,
  onDelete: 'SET NULL',
};
