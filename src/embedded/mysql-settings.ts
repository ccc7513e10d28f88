/**
 * The my.cnf of a throw-away MySQL or MariaDB: small, and with the binlog as rowseal wants it. Data survive a killed
 * process, not a power cut.
 */
import path from 'node:path';
import type { MysqlFlavor, MysqlPrograms } from './mysql-packages.ts';

export interface MysqlPlace {
  readonly flavor: MysqlFlavor;
  readonly programs: MysqlPrograms;
  /** Holds the data folder, the certificates, my.cnf, the error log. */
  readonly dir: string;
}

export function dataIn(dir: string): string {
  return path.join(dir, 'data');
}

/** Where the server's messages go. */
export function errorLogIn(dir: string): string {
  return path.join(dir, 'error.log');
}

/** What any start needs, that of `--initialize` and `--bootstrap` too. */
export function basicSettings({ flavor, programs, dir }: MysqlPlace): string[] {
  const { packages, messages, charsets, plugins } = programs;
  return [
    `basedir=${path.join(packages.root, 'usr')}`,
    `lc-messages-dir=${messages}`,
    ...(charsets === null ? [] : [`character-sets-dir=${charsets}`]),
    `plugin-dir=${plugins}`,
    `datadir=${dataIn(dir)}`,
    // $TMPDIR may be closed to the user that the server runs as. And MariaDB removes at its start what it takes for its own
    // temporary tables, those of others below /tmp too.
    `tmpdir=${dir}`,
    'innodb-buffer-pool-size=64M',
    ...(flavor === 'mysql'
      ? ['innodb-redo-log-capacity=32M']
      : ['innodb-log-file-size=16M', 'character-set-server=utf8mb4', 'feedback=OFF']),
  ];
}

/** `settings` come last, so that they win. */
export function serverSettings(
  place: MysqlPlace,
  listen: { readonly port: number; readonly socket: string; readonly serverId: number },
  settings: readonly string[],
): string[] {
  const { flavor, dir } = place;
  return [
    ...basicSettings(place),
    `socket=${listen.socket}`,
    `pid-file=${path.join(dir, 'pid')}`,
    `log-error=${errorLogIn(dir)}`,
    'bind-address=127.0.0.1',
    `port=${listen.port}`,
    'skip-name-resolve',
    `ssl-ca=${path.join(dir, 'ca.pem')}`,
    `ssl-cert=${path.join(dir, 'server-cert.pem')}`,
    `ssl-key=${path.join(dir, 'server-key.pem')}`,
    'local-infile=ON',
    // performance_schema, and with it the memory, is sized by these.
    'max-connections=100',
    'table-open-cache=400',
    'table-definition-cache=400',
    // Written to the system at each commit, but not to the disk.
    'innodb-flush-log-at-trx-commit=2',
    'sync-binlog=0',
    `server-id=${listen.serverId}`,
    'log-bin=binlog',
    'binlog-row-image=FULL',
    'binlog-row-metadata=FULL',
    ...(flavor === 'mysql' ? MYSQL : MARIADB),
    ...settings,
  ];
}

const MYSQL = [
  'gtid-mode=ON',
  'enforce-gtid-consistency=ON',
  'binlog-rows-query-log-events=ON',
  'mysqlx=OFF',
  'secure-file-priv=NULL',
];

const MARIADB = [
  'binlog-format=ROW', // MIXED by default
  'gtid-strict-mode=ON',
  'log-slave-updates=ON',
  'binlog-annotate-row-events=ON',
  'performance-schema=ON', // off by default
  'plugin-load-add=ha_blackhole', // built into MySQL
];

/** Lines of my.cnf as a file. */
export function optionFile(settings: readonly string[]): string {
  return `[mysqld]\n${settings.join('\n')}\n`;
}
