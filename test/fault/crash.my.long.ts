/** The crash test at length on MySQL and MariaDB: more than 100 kills, and many of the server, on every release. */
import { expect, test } from 'vitest';
import { crash } from '../support/mysql-crash.ts';
import { seedOfRun } from '../support/random.ts';

const CASES = [
  { flavor: 'mysql', version: '9.7', settings: [] },
  { flavor: 'mysql', version: '9.7', settings: ['gtid-mode=OFF', 'enforce-gtid-consistency=OFF'] },
  { flavor: 'mariadb', version: '10.11', settings: ['log-bin-compress=ON'] },
  { flavor: 'mariadb', version: '11.8', settings: [] },
] as const;

for (const { flavor, version, settings } of CASES) {
  test(`${flavor} ${version} ${settings.join(' ')}: 40 kills, and ten of the server`, async () => {
    const seed = seedOfRun();
    const result = await crash({ flavor, version, settings, seed, kills: 40, serverEvery: 4 });
    expect(result.problems, `ROWSEAL_SEED=${seed}`).toEqual([]);
    expect(result.changes).toBeGreaterThan(500);
  });
}
