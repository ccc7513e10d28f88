/**
 * The MySQL and MariaDB releases that the demo and the tests run, as Debian packages them, with their command-line
 * clients as sets of their own, fetched only when asked for.
 */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { RowsealError } from '../base/errors.ts';
import { type Log, type PackageSet, providePackages, type UnpackedPackages } from './debian-packages.ts';
import type { DebianSuite } from './private-apt.ts';

export type MysqlFlavor = 'mysql' | 'mariadb';

/** The releases there are, the default of each flavor first. */
export const MYSQL_VERSIONS = { mysql: ['9.7'], mariadb: ['10.11', '11.8'] } as const;
export type MysqlVersion = (typeof MYSQL_VERSIONS)[MysqlFlavor][number];

export interface MysqlPrograms {
  /** As the package says it, like 10.11.18. */
  readonly version: string;
  readonly packages: UnpackedPackages;
  /** Path of the server below the tree's root. */
  readonly server: string;
  /** Folder with `english/errmsg.sys` and, in MariaDB, the SQL of a new data folder. */
  readonly messages: string;
  readonly charsets: string | null;
  readonly plugins: string;
}

/** Throws `embedded_unavailable`; without network where cached. */
export async function provideMysql(
  flavor: MysqlFlavor,
  version: MysqlVersion,
  log: Log,
): Promise<MysqlPrograms> {
  const packages = await providePackages(serverSet(flavor, suiteOf(flavor, version), version), log);
  const { root } = packages;
  const share = ['mariadb', 'mysql'].map((name) => path.join(root, 'usr/share', name)).find(existsSync);
  if (share === undefined) throw new RowsealError('embedded_unavailable', `${root} is incomplete: remove it`);
  const name = flavor === 'mysql' ? 'mysql-server-core' : 'mariadb-server-core';
  return {
    version: /(?:^|:)(\d+\.\d+\.\d+)/.exec(packages.version(name))?.[1] ?? version,
    packages,
    server: flavor === 'mysql' ? 'usr/sbin/mysqld' : 'usr/sbin/mariadbd',
    messages: share,
    charsets: existsSync(path.join(share, 'charsets')) ? path.join(share, 'charsets') : null,
    plugins: path.join(root, 'usr/lib/mysql/plugin'),
  };
}

/** How to run `mysql` and `mysqlbinlog`, or `mariadb` and `mariadb-binlog`, of a release. */
export async function provideMysqlClients(
  flavor: MysqlFlavor,
  version: MysqlVersion,
  log: Log,
): Promise<(program: string, args: readonly string[]) => { file: string; args: string[] }> {
  const { command } = await providePackages(clientSet(flavor, suiteOf(flavor, version), version), log);
  return (program, args) => command(`usr/bin/${program}`, args);
}

function suiteOf(flavor: MysqlFlavor, version: MysqlVersion): DebianSuite {
  if (flavor === 'mysql' && version === '9.7') return 'sid';
  if (flavor === 'mariadb' && version === '10.11') return 'bookworm';
  if (flavor === 'mariadb' && version === '11.8') return 'trixie';
  throw new RowsealError('embedded_unavailable', `there is no ${titleOf(flavor)} ${version} to fetch`, {
    hint: `There is ${MYSQL_VERSIONS[flavor].join(' and ')}.`,
  });
}

function titleOf(flavor: MysqlFlavor): string {
  return flavor === 'mysql' ? 'MySQL' : 'MariaDB';
}

function serverSet(flavor: MysqlFlavor, suite: DebianSuite, version: MysqlVersion): PackageSet {
  return {
    ...common(flavor, suite, `${flavor}-${version}`, `${titleOf(flavor)} ${version}`),
    packages: [`${flavor}-server-core`],
    // The plugins of MariaDB, BLACKHOLE among them, lie with the scripts that install a service.
    alone: flavor === 'mysql' ? [] : ['mariadb-server'],
    trim: (root) => trim(root, [flavor === 'mysql' ? 'mysqld' : 'mariadbd']),
  };
}

function clientSet(flavor: MysqlFlavor, suite: DebianSuite, version: MysqlVersion): PackageSet {
  const mysql = flavor === 'mysql';
  return {
    ...common(flavor, suite, `${flavor}-${version}-clients`, `${titleOf(flavor)} ${version} clients`),
    packages: [`${flavor}-client-core`],
    // mysqlbinlog lies in the server's package, mariadb-binlog in the clients'.
    alone: mysql ? ['mysql-server-core'] : ['mariadb-client'],
    trim: (root) => trim(root, mysql ? ['mysql', 'mysqlbinlog'] : ['mariadb', 'mariadb-binlog']),
  };
}

function common(flavor: MysqlFlavor, suite: DebianSuite, name: string, title: string) {
  return {
    name,
    title,
    suite,
    // For scripts that nothing here runs.
    pretended: { perl: '', 'mysql-common': '', 'mariadb-common': '', debconf: '' },
    hint:
      'It needs a Debian machine that reaches its mirror. Elsewhere install a server yourself; ' +
      `the demo takes the one that ROWSEAL_DEMO_${flavor.toUpperCase()}_URL names, tests that of ROWSEAL_TEST_${flavor.toUpperCase()}_URL.`,
  };
}

/** Leaves these programs, libraries, plugins, English messages and character sets. */
async function trim(root: string, programs: readonly string[]): Promise<void> {
  const remove = (...place: string[]) => fs.rm(path.join(root, ...place), { recursive: true, force: true });
  for (const folder of ['etc', 'var', 'usr/include', 'lib/systemd', 'usr/lib/systemd']) await remove(folder);
  const keptIn: Readonly<Record<string, (name: string) => boolean>> = {
    'usr/bin': (name) => programs.includes(name),
    'usr/sbin': (name) => programs.includes(name),
    'usr/share': (name) => name === 'mysql' || name === 'mariadb',
  };
  for (const [folder, keeps] of Object.entries(keptIn)) {
    const names = await fs.readdir(path.join(root, folder)).catch(() => []);
    for (const name of names.filter((name) => !keeps(name))) await remove(folder, name);
  }
  for (const share of ['usr/share/mysql', 'usr/share/mariadb']) {
    const entries = await fs.readdir(path.join(root, share), { withFileTypes: true }).catch(() => []);
    const languages = entries.filter(
      (one) => one.isDirectory() && !['english', 'charsets'].includes(one.name),
    );
    for (const { name } of languages) await remove(share, name);
  }
}
