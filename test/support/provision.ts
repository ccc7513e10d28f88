/**
 * What `npm test` needs beyond npm packages, fetched once into .cache with progress: so that a missing network or
 * privilege is said here, in one clear line, and not by the first test that fails.
 */
import { provisionCeph } from './ceph.ts';

const started = Date.now();
const log = (line: string) =>
  process.stderr.write(`[provision ${((Date.now() - started) / 1000).toFixed(1)}s] ${line}\n`);

try {
  await provisionCeph(log);
  log('ready');
} catch (error) {
  log(`cannot provide the S3 server that the tests need: ${(error as Error).message}`);
  log('Debian packages are fetched with apt-get; set ROWSEAL_TEST_S3 to use a server of yours instead.');
  process.exit(1);
}
