/**
 * Postgres in a container, for hosts with a Docker engine: ROWSEAL_TEST_DOCKER=1 makes `testServer` use the official
 * image of the asked major wherever a test does not stop or crash its server. Never needed: the embedded servers are
 * the same on every host.
 */
import { randomBytes } from 'node:crypto';
import { GenericContainer, Wait } from 'testcontainers';
import type { PostgresOptions } from '../../src/embedded/postgres.ts';

export interface PostgresContainer extends AsyncDisposable {
  /** Superuser `postgres`. */
  readonly url: string;
}

export async function startPostgresContainer({
  major,
  settings,
  encoding,
  locale,
}: PostgresOptions): Promise<PostgresContainer> {
  const password = randomBytes(16).toString('hex');
  const conf = { wal_level: 'logical', max_prepared_transactions: '20', fsync: 'off', ...settings };
  const container = await new GenericContainer(`postgres:${major}`)
    .withEnvironment({
      POSTGRES_PASSWORD: password,
      POSTGRES_INITDB_ARGS: `--encoding=${encoding ?? 'UTF8'} --locale=${locale ?? 'C'}`,
    })
    .withCommand(Object.entries(conf).flatMap(([name, value]) => ['-c', `${name}=${value}`]))
    .withExposedPorts(5432)
    // The image starts once for initdb, and once for good.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  const host = `${container.getHost()}:${container.getMappedPort(5432)}`;
  return {
    url: `postgres://postgres:${password}@${host}/postgres?sslmode=disable`,
    [Symbol.asyncDispose]: async () => {
      await container.stop();
    },
  };
}
