/** The shop on an embedded Postgres 18, which is thrown away: its tables, its logins, and a superuser who hides. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../../../embedded/postgres.ts';
import {
  type Dialect,
  type Login,
  ORDER,
  type Scene,
  type Shop,
  type ShopKind,
  type ShopSetting,
} from '../../common/demo-shop.ts';

export const postgresKind: ShopKind = {
  engine: 'Postgres',
  title: 'Postgres, which is thrown away at the end',
  gone: 'Postgres is stopped and gone',
  open: openShop,
};

const MAJOR = 18;

const SCHEMA = `
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL);
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, price numeric(10,2) NOT NULL, stock int NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL REFERENCES customers, status text NOT NULL,
  total numeric(10,2) NOT NULL, details jsonb NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE payments (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, amount numeric(10,2) NOT NULL,
  card_number text NOT NULL);
INSERT INTO customers SELECT i, 'Customer ' || i, 'c' || i || '@example.com' FROM generate_series(1, 50) i;
INSERT INTO products SELECT i, 'Product ' || i, 9.90 + i, 1000 FROM generate_series(1, 20) i;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_app, cron_nightly;
`;

const DIALECT: Dialect = {
  setContext: (json) => `SELECT rowseal.set_context('${json}')`,
  orderColumns: '',
  support: {
    how: 'a tool that only sets its application_name: support-desk actor=u_17 session=s_204',
    application: 'support-desk actor=u_17 session=s_204',
    sql: [`UPDATE orders SET details = jsonb_set(details, '{ship_to,city}', '"Linz"') WHERE id = ${ORDER}`],
  },
  client: 'psql',
};

/** He knows of the triggers, and turns them off for a moment. The log of the database knows of him. */
const ROGUE: Scene = {
  who: 'A superuser in psql',
  how: 'no application, no actor, and our triggers turned off for a moment',
  login: 'admin',
  application: 'psql',
  sql: [
    'ALTER TABLE orders DISABLE TRIGGER USER',
    `UPDATE orders SET total = 1.00 WHERE id = ${ORDER}`,
    'ALTER TABLE orders ENABLE ALWAYS TRIGGER rowseal_context_before, ENABLE ALWAYS TRIGGER rowseal_context_after',
  ],
  expected: { action: 'update', actor: { type: 'unknown' }, tier: 'none' },
};

async function openShop({ env, secret, log }: ShopSetting): Promise<Shop> {
  const bin = env['ROWSEAL_DEMO_POSTGRES_BIN'];
  const postgres = await startPostgres({
    major: MAJOR,
    settings: { max_slot_wal_keep_size: '1GB' },
    log,
    ...(bin ? { bin } : {}),
  });
  try {
    return await shopOn(postgres, secret);
  } catch (error) {
    await postgres[Symbol.asyncDispose]();
    throw error;
  }
}

async function shopOn(postgres: EmbeddedPostgres, secret: () => string): Promise<Shop> {
  await refusePhysicalCopies(postgres);
  const passwords: Partial<Record<Login, string>> = { shop_app: secret(), cron_nightly: secret() };
  const url = await fill(postgres.url, passwords);
  const connect = (login: Login, application: string) => {
    const own = new URL(url);
    const password = passwords[login];
    if (password !== undefined) Object.assign(own, { username: login, password });
    return open(own.href, application);
  };
  const version = await versionOf(await connect('admin', 'rowseal demo'));
  return {
    engine: 'Postgres',
    about: `PostgreSQL ${version} on 127.0.0.1:${postgres.port}, wal_level = logical`,
    schema: 'public',
    dialect: DIALECT,
    rogue: ROGUE,
    aside: null,
    unmasked: (_tier, who) =>
      `Nobody is known for the last change: tier none. The ddl records around it say who hid: ${who}.`,
    prompts: { people: '=>', admin: '=#' },
    adminUrl: url,
    adminShown: 'postgres://postgres@…/shop   # a superuser, for setup alone',
    attached: 'REPLICA IDENTITY FULL, published by name, context triggers',
    config: configOf(postgres.port),
    connect,
    close: async () => {
      await postgres.stop('fast');
      return 'Postgres is stopped';
    },
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}

function configOf(port: number): string {
  return `    source:
      type: postgres
      url: postgres://rowseal@127.0.0.1:${port}/shop?sslmode=disable   # loopback only
      password_file: ./capture.password
    tables:
      - { match: public.*, context_trigger: true, replica_identity: full }
      - match: public.payments
        class: financial
        context_trigger: true
        replica_identity: full
        columns: { card_number: mask }
      - match: public.customers
        context_trigger: true
        replica_identity: full
        columns: { email: hmac }
`;
}

/** Makes database, logins and tables on an empty server. Resolves with the superuser's URL of the database. */
async function fill(adminUrl: string, passwords: Partial<Record<Login, string>>): Promise<string> {
  const inServer = await open(adminUrl, 'rowseal demo');
  for (const [login, password] of Object.entries(passwords)) {
    await inServer.query(`CREATE ROLE ${login} LOGIN PASSWORD '${password}'`);
  }
  await inServer.query('CREATE DATABASE shop');
  await inServer.end();
  const shopUrl = new URL(adminUrl);
  shopUrl.pathname = '/shop';
  const inShop = await open(shopUrl.href, 'rowseal demo');
  await inShop.query(SCHEMA);
  await inShop.end();
  return shopUrl.href;
}

/** What doctor asks for: the capture role streams its database, and cannot copy the whole server. */
async function refusePhysicalCopies({ data, restart }: EmbeddedPostgres): Promise<void> {
  const path = join(data, 'pg_hba.conf');
  const rules = await readFile(path, 'utf8');
  await writeFile(path, `host replication rowseal all reject\n${rules}`);
  await restart('fast');
}

async function versionOf(client: Client): Promise<string> {
  try {
    const { rows } = await client.query(
      "SELECT split_part(current_setting('server_version'), ' ', 1) AS version",
    );
    return (rows[0] as { version: string }).version;
  } finally {
    await client.end();
  }
}

async function open(url: string, application: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: application });
  client.on('error', () => undefined); // the server is thrown away in the end
  await client.connect();
  return client;
}
