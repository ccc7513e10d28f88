/** The truth test with more load on MySQL and MariaDB, on every release, and with the settings that change the log. */
import { expect, test } from 'vitest';
import type { MysqlFlavor, MysqlVersion } from '../../src/embedded/mysql-packages.ts';
import { truth } from '../support/mysql-truth.ts';
import { seedOfRun } from '../support/random.ts';

const CASES: readonly {
  readonly flavor: MysqlFlavor;
  readonly version: MysqlVersion;
  readonly settings?: readonly string[];
}[] = [
  { flavor: 'mysql', version: '9.7' },
  { flavor: 'mysql', version: '9.7', settings: ['binlog-transaction-compression=ON'] },
  { flavor: 'mysql', version: '9.7', settings: ['gtid-mode=OFF', 'enforce-gtid-consistency=OFF'] },
  { flavor: 'mysql', version: '9.7', settings: ['binlog-checksum=NONE', 'binlog-row-event-max-size=256'] },
  { flavor: 'mariadb', version: '10.11' },
  { flavor: 'mariadb', version: '10.11', settings: ['log-bin-compress=ON', 'log-bin-compress-min-len=10'] },
  { flavor: 'mariadb', version: '11.8' },
  { flavor: 'mariadb', version: '11.8', settings: ['log-bin-compress=ON', 'binlog-checksum=NONE'] },
];

for (const { flavor, version, settings = [] } of CASES) {
  test(`${flavor} ${version} ${settings.join(' ')}: the trail is what the database did, at length`, async () => {
    const seed = seedOfRun();
    const result = await truth({ flavor, version, settings, seed, transactions: 3000, ddl: 250 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(5000);
  });
}
