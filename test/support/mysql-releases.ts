/** Which releases of MySQL and MariaDB the tests run on. */
import type { MysqlFlavor, MysqlVersion } from '../../src/embedded/mysql-packages.ts';

/** The releases that every run tests, and with ROWSEAL_LONG=1 all. */
export const MYSQL_RELEASES: readonly { readonly flavor: MysqlFlavor; readonly version: MysqlVersion }[] = [
  { flavor: 'mysql', version: '9.7' },
  { flavor: 'mariadb', version: '10.11' },
  ...(process.env['ROWSEAL_LONG'] === '1' ? [{ flavor: 'mariadb', version: '11.8' } as const] : []),
];

/** The URL of the server that the environment names for a flavor. */
export function namedMysql(flavor: MysqlFlavor): string | undefined {
  return process.env[`ROWSEAL_TEST_${flavor.toUpperCase()}_URL`];
}
