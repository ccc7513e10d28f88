/**
 * The shop, whatever it runs on: its people, and what happens to order 42. Every scene is what a real application, a
 * tool, a job or an intruder would type; the trail is told nothing beside it. What differs by engine is behind `Shop`
 * (postgres-shop.ts, mysql-shop.ts), and nothing else may ask which engine it is.
 */
import type { Environment } from './engine.ts';

export const TABLES = ['customers', 'products', 'orders', 'payments'] as const;

/** Whose story it is. */
export const ORDER = 42;

/** `admin` may do anything on the server. */
export type Login = 'shop_app' | 'cron_nightly' | 'admin';
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
    /** Or nobody: who it was is asked of the server, which may answer too late. */
    readonly orUnknown?: boolean;
  };
}

/** How an engine's SQL says the same. */
export interface Dialect {
  /** The statement by which an application says who acts; `json` is an envelope. */
  setContext(json: string): string;
  /** Behind `INSERT INTO orders`: the columns, where the engine insists on them. */
  readonly orderColumns: string;
  /** What the support's tool does, and how it is known. */
  readonly support: Pick<Scene, 'how' | 'application' | 'sql'>;
  /** The engine's own command line. */
  readonly client: string;
}

export interface ShopSession {
  query(sql: string): Promise<unknown>;
  end(): Promise<void>;
}

/** A kind of shop, before there is one. */
export interface ShopKind {
  /** Postgres, MySQL or MariaDB. */
  readonly engine: string;
  /** What stands behind `A shop on`. */
  readonly title: string;
  /** What is true after an interruption: `Postgres is stopped and gone`. */
  readonly gone: string;
  /** Gets a server, and makes database, logins and tables. Throws RowsealError; nothing is then left. */
  open(setting: ShopSetting): Promise<Shop>;
}

export interface ShopSetting {
  /** The demo's folder. */
  readonly dir: string;
  readonly env: Environment;
  /** Makes a password. */
  readonly secret: () => string;
  /** Progress, where a server must be fetched. */
  readonly log: (line: string) => void;
}

/** Disposing of it leaves nothing on the server, or no server. */
export interface Shop extends AsyncDisposable {
  readonly engine: string;
  /** What it runs on, as the first step tells it. */
  readonly about: string;
  /** Where the tables are: `public`. */
  readonly schema: string;
  readonly dialect: Dialect;
  /** What the rogue does, and how the trail knows him. */
  readonly rogue: Scene;
  /** What else is to be said of hiding; null where nothing is. */
  readonly aside: string | null;
  /** How the rogue is known: by the `tier` of his change, and `who` the ddl records around it name: login, program, process. */
  unmasked(tier: Tier, who: string): string;
  /** Of the engine's own command line. */
  readonly prompts: { readonly people: string; readonly admin: string };
  readonly adminUrl: string;
  /** The same without its password, and what it is for. */
  readonly adminShown: string;
  /** What setup does to each table. */
  readonly attached: string;
  /** The members `source` and `tables` of the trail in rowseal.yaml, indented by four. */
  readonly config: string;
  connect(login: Login, application: string): Promise<ShopSession>;
  /** No more is needed of it. Resolves with what became of it: `Postgres is stopped`. */
  close(): Promise<string>;
}

const ANA = {
  actor: { type: 'user', id: 'u_8842', email: 'ana@example.com' },
  session: 's_1f9c',
  request: 'req-77',
  ip: '203.0.113.40',
};

/** Four ways to be known. */
export function scenesOf({ dialect }: Pick<Shop, 'dialect'>): readonly Scene[] {
  return [
    {
      who: 'Ana orders',
      how: 'the app says who she is, inside the transaction',
      login: 'shop_app',
      application: 'web-shop',
      sql: [
        'BEGIN',
        dialect.setContext(JSON.stringify(ANA)),
        `INSERT INTO orders${dialect.orderColumns} VALUES (${ORDER}, 7, 'open', 129.90, '{"items": 3, "ship_to": {"city": "Graz", "zip": "8010"}}')`,
        `INSERT INTO payments VALUES (${ORDER}, ${ORDER}, 129.90, '4111111111111111')`,
        'COMMIT',
      ],
      expected: { action: 'insert', actor: ANA.actor, tier: 'asserted' },
    },
    {
      who: 'Support corrects the address',
      login: 'shop_app',
      ...dialect.support,
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
      application: dialect.client,
      sql: [`UPDATE orders SET status = 'delivered' WHERE status = 'shipped' AND id = ${ORDER}`],
      expected: { action: 'update', actor: { type: 'system', id: 'cron' }, tier: 'connection' },
    },
  ];
}

/**
 * Plays a scene on a connection of its own, statement by statement as its client would, and `sealed` before the client
 * leaves: a person at a prompt does not leave within milliseconds.
 */
export async function play(
  shop: Shop,
  { login, application, sql }: Scene,
  sealed: () => Promise<void>,
): Promise<void> {
  const client = await shop.connect(login, application);
  try {
    for (const statement of sql) await client.query(statement);
    await sealed();
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
        for (let n = share; n < orders; n += connections)
          for (const sql of placeOrder(shop.dialect, 1000 + n, n)) await client.query(sql);
      } finally {
        await client.end();
      }
    }),
  );
}

function placeOrder(dialect: Dialect, id: number, n: number): readonly string[] {
  const customer = 1 + (n % 50);
  const product = 1 + (n % 20);
  const price = (9.9 + product).toFixed(2);
  const context = { actor: { type: 'user', id: `u_${1000 + customer}` }, session: `s_${n}` };
  return [
    'BEGIN',
    dialect.setContext(JSON.stringify(context)),
    `INSERT INTO orders${dialect.orderColumns} VALUES (${id}, ${customer}, 'open', ${price}, '{"items": 1}')`,
    `INSERT INTO payments VALUES (${id}, ${id}, ${price}, '400000000000${1000 + n}')`,
    `UPDATE products SET stock = stock - 1 WHERE id = ${product}`,
    'COMMIT',
  ];
}
