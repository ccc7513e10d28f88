/**
 * A MySQL or MariaDB for the demo: an embedded one, which is thrown away, or the one that ROWSEAL_DEMO_MYSQL_URL
 * (ROWSEAL_DEMO_MARIADB_URL) names. There it must never touch what was there before: it refuses where one of its names
 * is taken, and removes all that it made.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RowsealError } from '../../../base/errors.ts';
import { startMysql } from '../../../embedded/mysql.ts';
import type { MysqlFlavor } from '../../../embedded/mysql-packages.ts';
import { statementsIn } from '../../../source/mysql/kit/script.ts';
import { planUninstall } from '../../../source/mysql/kit/uninstall-plan.ts';
import { readPreflight } from '../../../source/mysql/preflight/facts.ts';
import { parseMysqlUrl } from '../../../source/mysql/wire/connection.ts';
import { readFacts } from '../../../source/mysql/wire/server.ts';
import { connectSession, leave, type Session } from '../../../source/mysql/wire/sessions.ts';
import type { ShopSetting } from '../../common/demo-shop.ts';
import type { Environment } from '../../common/engine.ts';
import { readMysqlKit } from '../target.ts';

/** What the demo and rowseal's kit make on a server. */
export const SCHEMA = 'shop';
export const CAPTURE = 'rowseal';
export const SERVER_ID = 4242;
const SCHEMAS = [SCHEMA, 'rowseal'];
const LOGINS = ['shop_app', 'cron_nightly'];
const ACCOUNTS = [...LOGINS, CAPTURE, 'rowseal_owner'];

export interface DemoServer extends AsyncDisposable {
  /** Of a user who may do anything; holds the password. */
  readonly adminUrl: string;
  /** No more is needed of it. Resolves with what became of it. */
  close(): Promise<string>;
}

/** Name of the variable that names a server; its value. */
export function namedServer(flavor: MysqlFlavor, env: Environment): { variable: string; url: string } | null {
  const variable = `ROWSEAL_DEMO_${flavor.toUpperCase()}_URL`;
  const url = env[variable];
  return url ? { variable, url } : null;
}

/** Throws `embedded_unavailable`, `usage`, and what connecting throws. */
export async function openServer(
  flavor: MysqlFlavor,
  title: string,
  setting: ShopSetting,
): Promise<DemoServer> {
  const named = namedServer(flavor, setting.env);
  if (named !== null) return borrow(flavor, title, named.variable, named.url);
  const server = await startMysql({ flavor, log: setting.log });
  const ca = join(setting.dir, 'server-ca.pem');
  await copyFile(server.caFile, ca);
  return {
    adminUrl: `${server.url}?ssl-ca=${encodeURIComponent(ca).replaceAll('%2F', '/')}`,
    close: async () => {
      await server.stop();
      return `${title} is stopped`;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function borrow(
  flavor: MysqlFlavor,
  title: string,
  variable: string,
  adminUrl: string,
): Promise<DemoServer> {
  const hadBlackhole = await asAdmin(adminUrl, async (admin) => {
    const facts = await readFacts({ query: admin.query, close: async () => {} });
    if (facts.flavor !== flavor)
      throw new RowsealError('usage', `The server of ${variable} is ${facts.version}, not ${title}.`, {
        hint: 'Give --source the other of mysql and mariadb.',
      });
    await refuseTaken(admin, variable);
    return hasBlackhole(admin);
  });
  let gone: Promise<void> | null = null;
  const remove = () => {
    gone ??= asAdmin(adminUrl, (admin) => removeOurs(admin, flavor, hadBlackhole));
    return gone;
  };
  return {
    adminUrl,
    close: async () => {
      await remove();
      return `the shop, its logins and the kit are removed from ${title} again`;
    },
    [Symbol.asyncDispose]: remove,
  };
}

async function asAdmin<T>(url: string, work: (admin: Session) => Promise<T>): Promise<T> {
  const admin = await connectSession(parseMysqlUrl(url));
  try {
    return await work(admin);
  } finally {
    await leave(admin);
  }
}

async function refuseTaken(admin: Session, variable: string): Promise<void> {
  const rows = await admin.query(
    `SELECT CONCAT('schema ', SCHEMA_NAME) AS name FROM information_schema.SCHEMATA
      WHERE LOWER(SCHEMA_NAME) IN (${SCHEMAS.map(() => '?').join(', ')})
     UNION ALL SELECT CONCAT('account ', User, '@', Host) FROM mysql.user
      WHERE User IN (${ACCOUNTS.map(() => '?').join(', ')})`,
    [...SCHEMAS, ...ACCOUNTS],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new RowsealError('usage', `The server of ${variable} has these already: ${names}.`, {
    hint: 'The demo needs the names for its own. Give it a server that may be played with, or unset the variable.',
  });
}

async function hasBlackhole(admin: Session): Promise<boolean> {
  const rows = await admin.query(
    `SELECT ENGINE AS engine FROM information_schema.ENGINES WHERE ENGINE = 'BLACKHOLE' AND SUPPORT IN ('YES', 'DEFAULT')`,
  );
  return rows.length > 0;
}

/** The way that `rowseal setup --uninstall` goes, without a word in the trail: this is not the story's. */
async function removeOurs(admin: Session, flavor: MysqlFlavor, hadBlackhole: boolean): Promise<void> {
  const facts = await readPreflight(admin, { user: CAPTURE, account: null, serverId: SERVER_ID });
  const { steps } = planUninstall(facts, readMysqlKit(), null);
  for (const step of steps) for (const statement of statementsIn(step)) await admin.query(statement);
  await admin.query(`DROP DATABASE IF EXISTS ${SCHEMA}`);
  for (const login of LOGINS) await admin.query(`DROP USER IF EXISTS '${login}'@'%'`);
  if (flavor === 'mariadb' && !hadBlackhole && (await hasBlackhole(admin)))
    await admin.query(`UNINSTALL SONAME 'ha_blackhole'`);
}
