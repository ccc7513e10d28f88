/**
 * The truth test on MySQL and MariaDB: a random workload against a shadow log that triggers write inside the same
 * database. The trail must equal it: every committed change once, in order, values exact, actor right; and verify must be
 * clean.
 */
import { expect, test } from 'vitest';
import { truth } from '../support/mysql-truth.ts';
import { seedOfRun } from '../support/random.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  test(`${flavor}: the trail is what the database did`, async () => {
    const seed = seedOfRun();
    const result = await truth({ flavor, seed, transactions: 350, ddl: 25 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(300);
    // MariaDB's json is text to the server.
    expect(result.unfit).toEqual(flavor === 'mysql' ? [] : ['a member inside json']);
  });
}

/** Another shape of the same log. */
const SETTINGS = {
  mysql: [
    'binlog-checksum=NONE',
    'binlog-row-event-max-size=256',
    'gtid-mode=OFF',
    'enforce-gtid-consistency=OFF',
  ],
  mariadb: ['binlog-checksum=NONE', 'log-bin-compress=ON', 'log-bin-compress-min-len=10'],
};

for (const flavor of ['mysql', 'mariadb'] as const) {
  test(`${flavor}: so it is with ${SETTINGS[flavor].join(', ')}`, async () => {
    const seed = seedOfRun();
    const result = await truth({ flavor, seed, transactions: 150, ddl: 8, settings: SETTINGS[flavor] });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(100);
  });
}
