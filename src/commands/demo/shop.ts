/**
 * The shop: its tables, its people, and what happens to order 42. Every scene is what a real application, a tool,
 * a job or an intruder would type; the trail is told nothing beside it. Passwords are made at random, for a server
 * that is thrown away.
 */
import { Client } from 'pg';

export const SCHEMA = `
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

export const TABLES = ['customers', 'products', 'orders', 'payments'] as const;

/** Whose story it is. */
export const ORDER = 42;

export type Login = 'shop_app' | 'cron_nightly' | 'postgres';
export type Tier = 'asserted' | 'session' | 'annotated' | 'connection' | 'none';

export interface Scene {
  readonly who: string;
  readonly how: string;
  readonly login: Login;
  readonly application: string;
  /** One statement each, as they are sent. */
  readonly sql: readonly string[];
  /** What the trail must then say of order 42's row. */
  readonly expected: {
    readonly action: 'insert' | 'update';
    readonly actor: Readonly<Record<string, string>>;
    readonly tier: Tier;
  };
}

const ANA = {
  actor: { type: 'user', id: 'u_8842', email: 'ana@example.com' },
  session: 's_1f9c',
  request: 'req-77',
  ip: '203.0.113.40',
};

export const SCENES: readonly Scene[] = [
  {
    who: 'Ana orders',
    how: 'the app says who she is, inside the transaction',
    login: 'shop_app',
    application: 'web-shop',
    sql: [
      'BEGIN',
      `SELECT rowseal.set_context('${JSON.stringify(ANA)}')`,
      `INSERT INTO orders VALUES (${ORDER}, 7, 'open', 129.90, '{"items": 3, "ship_to": {"city": "Graz", "zip": "8010"}}')`,
      `INSERT INTO payments VALUES (${ORDER}, ${ORDER}, 129.90, '4111111111111111')`,
      'COMMIT',
    ],
    expected: { action: 'insert', actor: ANA.actor, tier: 'asserted' },
  },
  {
    who: 'Support corrects the address',
    how: 'a tool that only sets its application_name: support-desk actor=u_17 session=s_204',
    login: 'shop_app',
    application: 'support-desk actor=u_17 session=s_204',
    sql: [`UPDATE orders SET details = jsonb_set(details, '{ship_to,city}', '"Linz"') WHERE id = ${ORDER}`],
    expected: { action: 'update', actor: { type: 'user', id: 'u_17' }, tier: 'session' },
  },
  {
    who: 'The warehouse ships',
    how: 'an ORM that writes sqlcommenter comments',
    login: 'shop_app',
    application: 'warehouse',
    sql: [
      `UPDATE orders SET status = 'shipped' WHERE id = ${ORDER} /*actor='u_31',route='%2Fship%2F${ORDER}'*/`,
    ],
    expected: { action: 'update', actor: { type: 'user', id: 'u_31' }, tier: 'annotated' },
  },
  {
    who: 'A cron job',
    how: 'it says nothing; rowseal.yaml maps its login to an actor',
    login: 'cron_nightly',
    application: 'psql',
    sql: [`UPDATE orders SET status = 'delivered' WHERE status = 'shipped' AND id = ${ORDER}`],
    expected: { action: 'update', actor: { type: 'system', id: 'cron' }, tier: 'connection' },
  },
];

/** He knows of the triggers, and turns them off for a moment. The log of the database knows of him. */
export const ROGUE: Scene = {
  who: 'A superuser in psql',
  how: 'no application, no actor, and our triggers turned off for a moment',
  login: 'postgres',
  application: 'psql',
  sql: [
    'ALTER TABLE orders DISABLE TRIGGER USER',
    `UPDATE orders SET total = 1.00 WHERE id = ${ORDER}`,
    'ALTER TABLE orders ENABLE ALWAYS TRIGGER rowseal_context_before, ENABLE ALWAYS TRIGGER rowseal_context_after',
  ],
  expected: { action: 'update', actor: { type: 'unknown' }, tier: 'none' },
};

export interface Shop {
  connect(login: Login, application: string): Promise<Client>;
}

/** Makes database, logins and tables on an empty server. `secret` makes a password. */
export async function buildShop(
  adminUrl: string,
  secret: () => string,
): Promise<Shop & { readonly adminUrl: string }> {
  const passwords: Partial<Record<Login, string>> = { shop_app: secret(), cron_nightly: secret() };
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
  return {
    adminUrl: shopUrl.href,
    connect(login, application) {
      const url = new URL(shopUrl);
      const password = passwords[login];
      if (password !== undefined) Object.assign(url, { username: login, password });
      return open(url.href, application);
    },
  };
}

/** Plays a scene on a connection of its own, statement by statement as its client would. */
export async function play(shop: Shop, { login, application, sql }: Scene): Promise<void> {
  const client = await shop.connect(login, application);
  try {
    for (const statement of sql) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Changes that `load` makes in a transaction: an order, its payment, the stock. */
export const CHANGES_PER_ORDER = 3;

/** Other people's orders, on a few connections at once, each transaction with its user's context. */
export async function load(shop: Shop, orders: number, connections: number): Promise<void> {
  const shares = Array.from({ length: connections }, (_, at) => at);
  await Promise.all(
    shares.map(async (share) => {
      const client = await shop.connect('shop_app', 'web-shop');
      try {
        for (let n = share; n < orders; n += connections) await placeOrder(client, 1000 + n, n);
      } finally {
        await client.end();
      }
    }),
  );
}

async function placeOrder(client: Client, id: number, n: number): Promise<void> {
  const customer = 1 + (n % 50);
  const product = 1 + (n % 20);
  await client.query('BEGIN');
  await client.query('SELECT rowseal.set_context($1)', [
    JSON.stringify({ actor: { type: 'user', id: `u_${1000 + customer}` }, session: `s_${n}` }),
  ]);
  await client.query('INSERT INTO orders VALUES ($1, $2, $3, $4, $5)', [
    id,
    customer,
    'open',
    9.9 + product,
    { items: 1 },
  ]);
  await client.query('INSERT INTO payments VALUES ($1, $1, $2, $3)', [
    id,
    9.9 + product,
    `400000000000${1000 + n}`,
  ]);
  await client.query('UPDATE products SET stock = stock - 1 WHERE id = $1', [product]);
  await client.query('COMMIT');
}

async function open(url: string, application: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: application });
  client.on('error', () => undefined); // the server is thrown away in the end
  await client.connect();
  return client;
}
