/** The shop on MySQL or MariaDB: its tables, its logins, and an admin who takes our trigger away for a moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import type { MysqlFlavor } from '../../../embedded/mysql-packages.ts';
import { storedPassword } from '../../../source/mysql/preflight/password-hash.ts';
import { triggerName } from '../../../source/mysql/preflight/tables.ts';
import { OWNER, TRIGGER_BODY } from '../../../source/mysql/preflight/wish.ts';
import { quoteLiteral } from '../../../source/mysql/sql/quote.ts';
import { type ConnectionTarget, parseMysqlUrl } from '../../../source/mysql/wire/connection.ts';
import { readFacts, type ServerFacts } from '../../../source/mysql/wire/server.ts';
import { connectSession, leave } from '../../../source/mysql/wire/sessions.ts';
import {
  type Dialect,
  type Login,
  ORDER,
  type Scene,
  type Shop,
  type ShopKind,
  type ShopSession,
  type ShopSetting,
  type Tier,
} from '../../common/demo-shop.ts';
import { CAPTURE, type DemoServer, namedServer, openServer, SCHEMA, SERVER_ID } from './server.ts';

const TITLES = { mysql: 'MySQL', mariadb: 'MariaDB' } as const;

export function mysqlKind(flavor: MysqlFlavor, env: ShopSetting['env']): ShopKind {
  const engine = TITLES[flavor];
  const named = namedServer(flavor, env);
  return {
    engine,
    title:
      named === null
        ? `${engine}, which is thrown away at the end`
        : `the ${engine} that ${named.variable} names; what the demo makes there is removed at the end`,
    gone: named === null ? `${engine} is stopped and gone` : `what was made on ${engine} is removed again`,
    open: async (setting) => {
      const server = await openServer(flavor, engine, setting);
      try {
        return await shopOn(server, flavor, setting.secret);
      } catch (error) {
        await server[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

const NUMBERS = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <';
const TABLES_SQL = [
  'CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NOT NULL)',
  `CREATE TABLE shop.products (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL, price DECIMAL(10,2) NOT NULL,
    stock INT NOT NULL)`,
  `CREATE TABLE shop.orders (id BIGINT PRIMARY KEY, customer INT NOT NULL, status VARCHAR(20) NOT NULL,
    total DECIMAL(10,2) NOT NULL, details JSON NOT NULL, placed_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    FOREIGN KEY (customer) REFERENCES shop.customers (id))`,
  `CREATE TABLE shop.payments (id BIGINT PRIMARY KEY, order_id BIGINT NOT NULL, amount DECIMAL(10,2) NOT NULL,
    card_number VARCHAR(30) NOT NULL, FOREIGN KEY (order_id) REFERENCES shop.orders (id))`,
  `INSERT INTO shop.customers ${NUMBERS} 50) SELECT i, CONCAT('Customer ', i), CONCAT('c', i, '@example.com') FROM n`,
  `INSERT INTO shop.products ${NUMBERS} 20) SELECT i, CONCAT('Product ', i), 9.90 + i, 1000 FROM n`,
];

const DIALECT: Dialect = {
  setContext: (json) => `CALL rowseal.set_context('${json}')`,
  orderColumns: ' (id, customer, status, total, details)',
  support: {
    how: 'a tool that sets a variable when it connects; our trigger reads it',
    application: 'support-desk',
    sql: [
      `SET @rowseal_actor = 'u_17'`,
      `UPDATE orders SET details = JSON_SET(details, '$.ship_to.city', 'Linz') WHERE id = ${ORDER}`,
    ],
  },
  client: 'mysql',
};

async function shopOn(server: DemoServer, flavor: MysqlFlavor, secret: () => string): Promise<Shop> {
  const passwords: Partial<Record<Login, string>> = { shop_app: secret(), cron_nightly: secret() };
  const admin = parseMysqlUrl(server.adminUrl);
  const { facts, login } = await fill(admin, flavor, passwords);
  const version = /^[\d.]+/.exec(facts.version)?.[0] ?? facts.version;
  const client = flavor === 'mysql' ? 'mysql' : 'mariadb';
  const prompt = flavor === 'mysql' ? 'mysql>' : `MariaDB [${SCHEMA}]>`;
  const known = namesThreads(facts);
  return {
    engine: TITLES[flavor],
    about: `${TITLES[flavor]} ${version} on ${admin.host}:${admin.port}, binlog_format = ${facts.settings['binlog_format']}`,
    schema: SCHEMA,
    dialect: { ...DIALECT, client },
    rogue: rogueOf(client, admin.user, known ? login : null),
    aside: `${WORSE} ${facts.performanceSchema ? NOTICED : UNNOTICED}`,
    unmasked: (tier, who) => unmasked(tier, known ? null : `${TITLES[flavor]} ${version}`, who),
    prompts: { people: prompt, admin: prompt },
    adminUrl: server.adminUrl,
    adminShown: `mysql://${admin.user}@…/   # an admin, for setup alone`,
    attached: 'context triggers AFTER INSERT, UPDATE, DELETE',
    config: configOf(flavor, server.adminUrl),
    connect: async (login, application) => {
      const session = await open(admin, login, passwords[login], application);
      if (login === 'admin') await settled(session);
      return session;
    },
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Where the binlog ends as a witness. */
const WORSE =
  'He could have said SET sql_log_bin = 0 first: then his change is in no binlog, on no replica, in no trail.';
const NOTICED =
  'That somebody said it is counted by performance_schema; rowseal looks every 10 s, and seals a tamper record.';
const UNNOTICED = 'Nobody would notice here, for performance_schema is off.';

/** MariaDB: since 11.5, in the GTID event (MDEV-7850). The process list alone would not be shown to the capture account. */
function namesThreads({ flavor, versionNumber, performanceSchema }: ServerFacts): boolean {
  return performanceSchema && (flavor === 'mysql' || versionNumber >= 110_500);
}

/** `blind`: the server whose binlog names no thread with rows; null where it does. */
function unmasked(tier: Tier, blind: string | null, who: string): string {
  if (tier !== 'none')
    return `He said nothing, and our trigger was gone. But the binlog names the thread of each transaction, and performance_schema whose it is while it lives: ${who}.`;
  if (blind !== null)
    return `Nobody is known for the last change: tier none, for the binlog of ${blind} names no thread with rows. It does with ddl: the records around it say who hid: ${who}.`;
  return `Nobody is known for the last change, this time: tier none. performance_schema knows whose a thread is while it lives, but is asked seldom where it answers slowly. The ddl records around it say: ${who}.`;
}

/** He knows of the trigger, and puts it back. `login`: as which he is known all the same. */
function rogueOf(client: string, user: string, login: string | null): Scene {
  const trigger = triggerName('orders', 'UPDATE');
  return {
    who: `${user} in the ${client} client`,
    how: 'no actor, and our trigger gone for a moment',
    login: 'admin',
    application: client,
    sql: [
      `DROP TRIGGER ${trigger}`,
      `UPDATE orders SET total = 1.00 WHERE id = ${ORDER}`,
      `CREATE DEFINER = ${OWNER} TRIGGER ${trigger} AFTER UPDATE ON orders FOR EACH ROW\n  ${TRIGGER_BODY}`,
    ],
    expected: {
      action: 'update',
      actor: login === null ? { type: 'unknown' } : { type: 'login', id: login },
      tier: login === null ? 'none' : 'connection',
      orUnknown: login !== null,
    },
  };
}

function configOf(flavor: MysqlFlavor, adminUrl: string): string {
  const url = new URL(adminUrl);
  Object.assign(url, { username: CAPTURE, password: '', pathname: '/' });
  return `    source:
      type: ${flavor}
      url: ${url.href}
      password_file: ./capture.password
      server_id: ${SERVER_ID}   # ours, among the server's replicas
      context_accounts: ['shop_app@%']   # may say who acts
    tables:
      - { match: ${SCHEMA}.*, context_trigger: true }
      - match: ${SCHEMA}.payments
        class: financial
        context_trigger: true
        columns: { card_number: mask }
      - match: ${SCHEMA}.customers
        context_trigger: true
        columns: { email: hmac }
`;
}

/** Makes schema, logins and tables. Resolves with what the server is, and as which login it knows the admin. */
async function fill(
  target: ConnectionTarget,
  flavor: MysqlFlavor,
  passwords: Partial<Record<Login, string>>,
): Promise<{ readonly facts: ServerFacts; readonly login: string }> {
  const session = await connectSession(target);
  const { query } = session;
  try {
    const facts = await readFacts({ query, close: async () => {} });
    const [row] = await query('SELECT USER() AS login');
    await query(`CREATE DATABASE ${SCHEMA} CHARACTER SET utf8mb4`);
    for (const sql of TABLES_SQL) await query(sql);
    for (const [login, password] of Object.entries(passwords)) {
      // As a hash: MariaDB would write the password into its binlog.
      const { plugin, text } = storedPassword(password, flavor);
      const by = flavor === 'mysql' ? 'WITH' : 'VIA';
      const as = flavor === 'mysql' ? 'AS' : 'USING';
      await query(`CREATE USER '${login}'@'%' IDENTIFIED ${by} ${plugin} ${as} ${quoteLiteral(text)}`);
      await query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${SCHEMA}.* TO '${login}'@'%'`);
    }
    return { facts, login: row?.['login'] ?? '' };
  } finally {
    await leave(session);
  }
}

/** `password`: undefined where the login is the admin's own. */
async function open(
  { config }: ConnectionTarget,
  login: Login,
  password: string | undefined,
  application: string,
): Promise<ShopSession> {
  const client = await mysql.createConnection({
    ...config,
    ...(password === undefined ? {} : { user: login, password }),
    database: SCHEMA,
    connectAttributes: { program_name: application },
  });
  client.on('error', () => undefined); // the server is thrown away in the end
  return { query: (sql) => client.query(sql), end: () => client.end() };
}

const SETTLED_SECONDS = 3;

/**
 * Resolves when the server is up long enough for rowseal to look up its threads: their numbers begin anew at each
 * start, and a server tells its age in whole seconds, so a commit of its first ones may be of an earlier start.
 */
async function settled(session: ShopSession): Promise<void> {
  const [rows] = (await session.query(`SHOW GLOBAL STATUS LIKE 'Uptime'`)) as [{ Value: string }[]];
  await sleep(Math.max(0, SETTLED_SECONDS - Number(rows[0]?.Value)) * 1000);
}
