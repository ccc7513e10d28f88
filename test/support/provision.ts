/**
 * What `npm test` needs beyond npm packages, fetched once into .cache with progress: so that a missing network or
 * privilege is said here, in one clear line, and not by the first test that fails.
 */
import type { RowsealError } from '../../src/base/errors.ts';
import { provideMysql } from '../../src/embedded/mysql-packages.ts';
import { provisionCeph } from './ceph.ts';
import { MYSQL_RELEASES, namedMysql } from './mysql-releases.ts';

const started = Date.now();
const log = (line: string) =>
  process.stderr.write(`[provision ${((Date.now() - started) / 1000).toFixed(1)}s] ${line}\n`);

try {
  await provisionCeph(log);
  // Tests that stop or crash a server need one of their own, even where the environment names one.
  for (const { flavor, version } of MYSQL_RELEASES) {
    if (namedMysql(flavor) === undefined) await provideMysql(flavor, version, log);
  }
  log('ready');
} catch (error) {
  const { message, hint } = error as RowsealError;
  log(`cannot provide a server that the tests need: ${message}`);
  if (hint !== undefined) log(hint);
  process.exit(1);
}
