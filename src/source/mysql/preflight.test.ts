import { describe, expect, test } from 'vitest';
import type { Check } from '../preflight.ts';
import { preflight } from './preflight.ts';
import type { KitFacts, PreflightFacts } from './preflight-facts.ts';
import { cascadesFrom } from './preflight-foreign-keys.ts';
import { loginChecks } from './preflight-login.ts';
import { judgeTables, triggerName } from './preflight-tables.ts';
import {
  KIT_COMMENT,
  KIT_SQL_MODE,
  namedSchemas,
  OWNER,
  type PreflightWish,
  TRIGGER_BODY,
} from './preflight-wish.ts';
import { planSetup, planUninstall, renderAccount } from './setup-plan.ts';

const wish: PreflightWish = {
  flavor: 'mysql',
  user: 'rowseal',
  serverId: 4242,
  tls: true,
  longestOutageMs: 2 * 86_400_000,
  contextAccounts: ['app@%'],
  tables: [{ match: 'shop.*', exclude: false, context_trigger: true, replica_identity: 'keep' }],
  procedures: { bodies: { set_context: 'S' }, emit: { blackhole: 'B', innodb: 'I' } },
};
const procedure = (name: string, body: string) => ({
  name,
  body,
  security: 'DEFINER',
  definer: OWNER,
  mode: KIT_SQL_MODE,
});
const trigger = (event: 'INSERT' | 'UPDATE' | 'DELETE') => ({
  schema: 'shop',
  table: 'orders',
  name: triggerName('orders', event),
  event: `AFTER ${event}`,
  definer: OWNER,
  body: TRIGGER_BODY,
});
const kit: KitFacts = {
  comment: KIT_COMMENT,
  engine: 'BLACKHOLE',
  procedures: [procedure('set_context', 'S'), procedure('emit', 'B')],
  callers: [`'app'@'%'`],
  made: [`'rowseal'@'%'`],
  forgers: [],
};
const good: PreflightFacts = {
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
  isReplica: false,
  account: {
    name: `'rowseal'@'%'`,
    global: ['REPLICATION SLAVE', 'REPLICATION CLIENT'],
    performanceSchema: ['threads', 'session_connect_attrs', 'events_statements_summary_by_digest'],
    references: ['rowseal', 'shop'],
    reads: [],
    mayCallInventory: true,
    locked: false,
    stored: null,
  },
  privileged: [`'root'@'localhost'`],
  kit,
  triggers: [trigger('INSERT'), trigger('UPDATE'), trigger('DELETE')],
  tables: [{ schema: 'shop', table: 'orders', engine: 'InnoDB', primaryKey: true, columns: ['id', 'Email'] }],
  cascades: [],
  oldTimes: [],
  sawAll: true,
};
const setting = (name: string, value: string): PreflightFacts => ({
  ...good,
  server: { ...good.server, settings: { ...good.server.settings, [name]: value } },
});
const server = (change: Partial<PreflightFacts['server']>) => ({
  ...good,
  server: { ...good.server, ...change },
});
const account = (change: Partial<NonNullable<PreflightFacts['account']>>) => ({
  ...good,
  account: { ...good.account!, ...change },
});
const wrong = (checks: readonly Check[]) =>
  checks.filter(({ status }) => status !== 'ok').map(({ id, status }) => `${id} ${status}`);
const cascade = {
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
  ['short images', setting('binlog_row_image', 'NOBLOB'), ['binlog.row_image warn']],
  ['no comments', setting('binlog_rows_query_log_events', 'OFF'), ['binlog.rows_query_log_events warn']],
  ['no checksums', setting('binlog_checksum', 'NONE'), ['binlog.checksum warn']],
  ['no GTIDs', server({ gtids: false }), ['binlog.gtid warn']],
  ['short retention', setting('binlog_expire_logs_seconds', '86400'), ['binlog.retention fail']],
  ['no retention', setting('binlog_expire_logs_seconds', '0'), ['binlog.disk warn']],
  ['a filter', { ...good, filters: 'shop' }, ['binlog.filters fail']],
  ['binlogs unseen', { ...good, binlogs: null }, ['binlog.visible fail']],
  ['no REPLICATION SLAVE', account({ global: ['REPLICATION CLIENT'] }), ['account.replication fail']],
  ['no lookups', account({ performanceSchema: ['threads'] }), ['account.lookups warn']],
  ['a superuser', account({ global: ['SUPER'] }), ['account.superuser warn']],
  ['a reader', account({ reads: ['shop.*'] }), ['account.reads warn']],
  ['a locked account', account({ locked: true }), ['account.locked fail']],
  ['tables unseen', account({ references: [] }), ['account.visibility warn']],
  ['no table', { ...good, kit: { ...kit, engine: null } }, ['kit.table fail', 'kit.procedures fail']],
  ['InnoDB', { ...good, kit: { ...kit, engine: 'InnoDB' } }, ['kit.table warn', 'kit.procedures fail']],
  ['a forger', { ...good, kit: { ...kit, forgers: ['x'] } }, ['kit.forging warn']],
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

describe('cascades', () => {
  const fix = (facts: PreflightFacts) =>
    preflight(facts, { ...wish, flavor: facts.server.flavor }).find(({ id }) => id.startsWith('foreign_key'));
  const newer = (innodb_native_foreign_keys: string) => {
    const settings = { ...good.server.settings, innodb_native_foreign_keys };
    return { ...server({ versionNumber: 90_600, version: '9.6.0', settings }), cascades: [cascade] };
  };
  test('each says what mends it, by version', () => {
    expect(fix({ ...good, cascades: [cascade] })?.fix).toMatch(/^Upgrade to MySQL 9\.6 or later/);
    expect(fix(newer('ON'))?.fix).toMatch(/^my\.cnf: innodb_native_foreign_keys = OFF/);
    expect(fix({ ...server({ flavor: 'mariadb' }), cascades: [cascade] })?.fix).toContain(
      'ALTER TABLE `shop`.`orders` ADD CONSTRAINT `fk` FOREIGN KEY (`a`, `b`) REFERENCES `crm`.`people` (`x`, `y`);',
    );
  });
  test('from some parents on, to the children of their children', () => {
    const key = (child: string, parent: string) => ({
      ...cascade,
      table: child,
      parentSchema: 'shop',
      parentTable: parent,
    });
    const all = [
      key('lines', 'orders'),
      key('notes', 'lines'),
      key('others', 'people'),
      key('lines', 'lines'),
    ];
    expect(cascadesFrom([], all)).toEqual([]);
    expect(cascadesFrom(['shop.orders'], all)).toEqual([all[0], all[1], all[3]]);
    expect(cascadesFrom(['shop.people', 'shop.none'], all)).toEqual([all[2]]);
  });
  test('a server that logs them has none', () => {
    expect(fix(newer('OFF'))).toMatchObject({ id: 'foreign_keys.cascades', status: 'ok' });
  });
});

describe('names in another case', () => {
  const capital = [{ ...wish.tables[0]!, match: 'Shop.Orders' }];
  const ids = (foldsNames: boolean) =>
    wrong(preflight({ ...server({ foldsNames }), cascades: [cascade] }, { ...wish, tables: capital }));
  test('are the same on a server that makes no difference', () =>
    expect(ids(true)).toEqual(['foreign_key.shop.orders.fk warn']));
  test('are not on another', () =>
    expect(ids(false)).toEqual(['account.visibility warn', 'tables.matched fail']));
});

describe('redactions that no column has', () => {
  const rule = { ...wish.tables[0]!, columns: { email: 'mask', 'e-mail': 'drop' } } as const;
  const found = (tables: PreflightWish['tables']) =>
    preflight(good, { ...wish, tables })
      .filter(({ id }) => id.startsWith('tables.redaction'))
      .map(({ status, what }) => `${status} ${what}`);
  test('are told, by the entry', () => {
    expect(found([{ ...rule, columns: { EMAIL: 'mask', ID: 'drop' } }])).toEqual([]);
    expect(found([rule])).toEqual(['warn shop.*: e-mail: no table of it has such a column']);
  });
  test('of an entry that a later one replaces, too; of one that leaves tables out, not', () => {
    expect(found([rule, wish.tables[0]!])).toEqual([
      'warn shop.*: email, e-mail: no table that can be seen is its',
    ]);
    expect(found([{ ...rule, exclude: true }])).toEqual([]);
  });
});

test('names of triggers fit, and stay apart', () => {
  expect(triggerName('orders', 'INSERT')).toBe('rowseal_i_orders');
  const [one, other] = [`${'x'.repeat(63)}1`, `${'x'.repeat(63)}2`].map((name) =>
    triggerName(name, 'DELETE'),
  );
  expect(one).toHaveLength(64);
  expect(one).not.toBe(other);
  const found = judgeTables(
    { ...good, tables: [{ ...good.tables[0]!, table: 'o' }] },
    [...wish.tables, { match: 'shop.o', exclude: false, context_trigger: false, replica_identity: 'keep' }],
    [],
  );
  expect(found).toMatchObject([{ lacks: [] }]); // the last match wins as a whole
});

test('the schemas that are named outright', () => {
  const rule = { exclude: false, context_trigger: false, replica_identity: 'keep' } as const;
  expect(
    namedSchemas([
      { ...rule, match: 'b.*' },
      { ...rule, match: 'a.t' },
      { ...rule, match: '*.x', exclude: true },
    ]),
  ).toEqual(['a', 'b']);
  expect(namedSchemas([{ ...rule, match: 's?.x' }])).toBeNull();
});

test('a login that fails says why; TLS is asked for over a network', () => {
  const here = { host: '10.0.0.4', user: 'rowseal', isSocket: false, sslMode: 'REQUIRED' } as const;
  const login = { refused: null, account: 'rowseal@%', tls: 'TLSv1.3' };
  expect(wrong(loginChecks(login, here))).toEqual(['login.tls warn']);
  expect(wrong(loginChecks({ ...login, tls: null }, { ...here, sslMode: 'DISABLED' }))).toEqual([
    'login.tls fail',
  ]);
  expect(wrong(loginChecks({ ...login, tls: null }, { ...here, host: '127.0.0.1' }))).toEqual([]);
});

describe('the plan of setup', () => {
  const files = {
    kit: 'KIT',
    tableBlackhole: 'HOLE',
    tableInnodb: 'STORE',
    account: `FOR 'rowseal'@'%'`,
    uninstall: 'OUT',
  };
  const sql = (facts: PreflightFacts) => planSetup(facts, wish, files, null).steps.map((step) => step.sql);
  const bare: PreflightFacts = { ...good, kit: null, triggers: [], account: null };

  test('nothing is left to do where everything is there', () => expect(sql(good)).toEqual([]));

  test('what a trigger calls comes before the trigger', () => {
    const steps = sql(bare);
    expect(steps.slice(0, 3)).toEqual(['KIT', 'HOLE', `FOR 'rowseal'@'%'`]);
    expect(steps.slice(3, 5)).toEqual([
      "GRANT REFERENCES ON `shop`.* TO 'rowseal'@'%';",
      "GRANT EXECUTE ON PROCEDURE rowseal.set_context TO 'app'@'%';",
    ]);
    expect(steps[5]).toContain('GRANT TRIGGER ON `shop`.* TO rowseal_owner@localhost;');
    expect(steps).toHaveLength(6);
    expect(planSetup(bare, wish, files, null).notes).toEqual([expect.stringContaining('stays locked')]);
  });

  test('BLACKHOLE is installed where it lies there, and done without where not', () => {
    expect(sql({ ...bare, blackhole: 'installable' })[0]).toBe("INSTALL SONAME 'ha_blackhole';");
    expect(sql({ ...bare, blackhole: 'absent' }).slice(0, 2)).toEqual(['KIT', 'STORE']);
  });

  test('an altered procedure is made anew, and its callers keep their grant', () => {
    const altered = { ...kit, procedures: [procedure('set_context', 'other'), procedure('emit', 'B')] };
    expect(sql({ ...good, kit: altered })).toEqual([
      'DROP PROCEDURE IF EXISTS rowseal.`set_context`;',
      'KIT',
      'HOLE',
      "GRANT EXECUTE ON PROCEDURE rowseal.set_context TO 'app'@'%';",
    ]);
  });

  test('a hash is never shown', () => {
    const { steps } = planSetup(good, wish, files, {
      plugin: 'caching_sha2_password',
      text: '$A$005$secret',
    });
    expect(steps[0]?.sql).toContain(`AS '$A$005$secret' ACCOUNT UNLOCK;`);
    expect(steps[0]?.shown).not.toContain('secret');
  });

  test('refuses another flavor, a server that takes no writes, a trigger of somebody else', () => {
    const triggers = [{ ...trigger('INSERT'), definer: 'root@localhost' }];
    const facts = { ...server({ flavor: 'mariadb' }), triggers, variables: { super_read_only: 'ON' } };
    expect(planSetup(facts, wish, files, null).refused.map(({ what }) => what)).toEqual([
      '8.4.3',
      'a server that takes no writes',
      'shop.orders',
    ]);
  });

  test('uninstall: triggers first, accounts of others stay, nothing for nothing', () => {
    expect(planUninstall(bare, files).steps).toEqual([]);
    const { steps } = planUninstall(good, files);
    expect(steps.map((step) => step.sql)).toEqual([
      'DROP TRIGGER IF EXISTS `shop`.`rowseal_i_orders`;',
      'DROP TRIGGER IF EXISTS `shop`.`rowseal_u_orders`;',
      'DROP TRIGGER IF EXISTS `shop`.`rowseal_d_orders`;',
      'OUT',
      "DROP USER IF EXISTS 'rowseal'@'%';",
    ]);
    const theirs = planUninstall({ ...good, kit: { ...kit, made: [] } }, files);
    expect(theirs.steps).toHaveLength(4);
    expect(theirs.notes.at(-1)).toContain('stays');
  });

  test('the account stands where the file has its example', () => {
    const file = `SELECT '''rowseal''@''%'''; CREATE USER 'rowseal'@'%' REQUIRE SSL;`;
    expect(renderAccount(file, `'cap'@'10.%'`, false)).toBe(
      `SELECT '''cap''@''10.%'''; CREATE USER 'cap'@'10.%' REQUIRE NONE;`,
    );
  });
});
