/**
 * Real Postgres servers for tests: the embedded ones, or, where ROWSEAL_TEST_POSTGRES_URL names a server (a
 * superuser's URL), a fresh database on that one. Tests that stop or crash the server ask for an embedded one.
 */
import pg from 'pg';
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from '../../src/embedded/postgres.ts';

export { type EmbeddedPostgres, type PostgresOptions, startPostgres } from '../../src/embedded/postgres.ts';

export interface TestServer extends AsyncDisposable {
  /** Superuser. */
  readonly url: string;
  /** Null on a server that the environment named: it can't be stopped. */
  readonly embedded: EmbeddedPostgres | null;
  /** Runs SQL on the server's main session; rows as objects of texts, exactly as the server writes them. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>;
  /** A session of its own, ended with the server. */
  session(database?: string): Promise<pg.Client>;
  /** `url` with another database, user or further parameters. */
  urlFor(change: {
    database?: string;
    user?: string;
    password?: string;
    params?: Record<string, string>;
  }): string;
}

/** Values come back as the server's text: no Date, no number. */
const asText = { getTypeParser: () => (value: unknown) => value } as unknown as NonNullable<
  pg.ClientConfig['types']
>;

export async function testServer(options: PostgresOptions & { own?: boolean }): Promise<TestServer> {
  const named = process.env['ROWSEAL_TEST_POSTGRES_URL'];
  const contained = !named && !options.own && process.env['ROWSEAL_TEST_DOCKER'] === '1';
  const container = contained
    ? await (await import('./postgres-container.ts')).startPostgresContainer(options)
    : null;
  const embedded = (named || contained) && !options.own ? null : await startPostgres(options);
  const sessions: pg.Client[] = [];
  let url = embedded?.url ?? container?.url ?? (named as string);

  const connect = async (to: string) => {
    const client = new pg.Client({ connectionString: to, types: asText });
    client.on('error', () => undefined); // the server may go away on purpose
    await client.connect();
    sessions.push(client);
    return client;
  };
  const urlFor: TestServer['urlFor'] = (change) => {
    const next = new URL(url);
    if (change.database !== undefined) next.pathname = `/${change.database}`;
    if (change.user !== undefined) next.username = change.user;
    if (change.password !== undefined) next.password = change.password;
    for (const [name, value] of Object.entries(change.params ?? {})) next.searchParams.set(name, value);
    return next.href;
  };

  if (embedded === null && container === null) {
    const database = `rowseal_${process.pid}_${Math.random().toString(36).slice(2)}`;
    const admin = await connect(url);
    await admin.query(`create database ${database}`);
    url = urlFor({ database });
  }
  let main: pg.Client | null = null;
  return {
    get url() {
      return url;
    },
    embedded,
    urlFor,
    sql: async (text, values) => {
      const broken = main === null || (main as unknown as { _ended: boolean })._ended;
      if (broken) main = await connect(url);
      const result = await (main as pg.Client).query(text, values as unknown[]);
      const last = Array.isArray(result) ? result.at(-1) : result;
      return (last?.rows ?? []) as Record<string, string | null>[];
    },
    session: (database) => connect(database === undefined ? url : urlFor({ database })),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(sessions.map((client) => client.end().catch(() => undefined)));
      await embedded?.[Symbol.asyncDispose]();
      await container?.[Symbol.asyncDispose]();
    },
  };
}
