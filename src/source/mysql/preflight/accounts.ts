/** Facts about accounts: the one that the daemon logs in as, and those that can hide from the binlog. Asks only. */

import { granteeOf, quoteGrantee } from '../sql/quote.ts';
import type { SideSession, TextRow } from '../wire/sessions.ts';
import type { StoredPassword } from './password-hash.ts';

export interface AccountFacts {
  /** `'rowseal'@'%'`, as information_schema writes a GRANTEE. */
  readonly name: string;
  /** Privileges on *.*, as information_schema.USER_PRIVILEGES names them. */
  readonly global: readonly string[];
  readonly performanceSchema: LookupGrants;
  /** Schemas on which it has REFERENCES, as granted: _ and % may be wildcards. `*` for all. */
  readonly references: readonly string[];
  /** What it may select from beside performance_schema: `*.*`, `shop.*`, `shop.orders`. */
  readonly reads: readonly string[];
  readonly mayCallInventory: boolean;
  /** Null where we may not see it. */
  readonly locked: boolean | null;
  readonly stored: StoredPassword | null;
}

/** What an account may select from in performance_schema. */
export interface LookupGrants {
  /** Tables as a whole; `*` for all of them. */
  readonly whole: readonly string[];
  /** `threads.PROCESSLIST_ID`. */
  readonly columns: readonly string[];
}

/** `name`: `user@host`, where that is known. As an admin it is looked for; null where there is none. */
export async function readAccount(
  side: SideSession,
  user: string,
  name: string | null,
  sawAll: boolean,
): Promise<AccountFacts | null> {
  const rows = sawAll
    ? await side.query(
        `SELECT Host AS host, plugin, authentication_string AS text FROM mysql.user WHERE User = ? ORDER BY Host = '%' DESC, Host`,
        [user],
      )
    : [];
  const host = name === null ? rows[0]?.['host'] : name.slice(name.lastIndexOf('@') + 1);
  if (host == null) return null;
  const grantee = granteeOf(`${user}@${host}`);
  const row = rows.find((each) => each['host'] === host);
  const [global, schemas, tables, columns] = [
    await side.query(
      'SELECT PRIVILEGE_TYPE AS privilege FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ?',
      [grantee],
    ),
    await side.query(
      'SELECT TABLE_SCHEMA AS schema_name, PRIVILEGE_TYPE AS privilege FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = ?',
      [grantee],
    ),
    await side.query(
      'SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, PRIVILEGE_TYPE AS privilege FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = ?',
      [grantee],
    ),
    await side.query(
      `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, COLUMN_NAME AS column_name FROM information_schema.COLUMN_PRIVILEGES
        WHERE GRANTEE = ? AND PRIVILEGE_TYPE = 'SELECT'`,
      [grantee],
    ),
  ];
  const privileges = global.map(({ privilege }) => privilege ?? '');
  const having = (privilege: string) => schemas.filter((each) => each['privilege'] === privilege);
  const selects = tables.filter((each) => each['privilege'] === 'SELECT');
  const every = (privilege: string) => privileges.includes(privilege);
  return {
    name: grantee,
    global: privileges,
    performanceSchema: {
      whole: [
        ...(having('SELECT').some(isLookup) ? ['*'] : []),
        ...selects.filter(isLookup).map((each) => each['table_name'] ?? ''),
      ],
      columns: columns.filter(isLookup).map((each) => `${each['table_name']}.${each['column_name']}`),
    },
    references: [
      ...(every('REFERENCES') ? ['*'] : []),
      ...having('REFERENCES').map((each) => each['schema_name'] ?? ''),
    ],
    reads: [
      ...(every('SELECT') ? ['*.*'] : []),
      ...having('SELECT').map((each) => `${each['schema_name']}.*`),
      ...[...selects, ...columns]
        .filter((each) => !isLookup(each))
        .map((each) => `${each['schema_name']}.${each['table_name']}`),
    ].filter((what, at, all) => what !== 'performance_schema.*' && all.indexOf(what) === at),
    mayCallInventory: every('EXECUTE') || (await readMayCall(side, user, host, sawAll)),
    locked: sawAll ? await readLocked(side, user, host) : null,
    stored: row === undefined ? null : { plugin: row['plugin'] ?? '', text: row['text'] ?? '' },
  };
}

function isLookup(row: TextRow): boolean {
  return row['schema_name'] === 'performance_schema';
}

/** As itself, an account sees the procedures that it may call. */
async function readMayCall(side: SideSession, user: string, host: string, sawAll: boolean): Promise<boolean> {
  const rows = sawAll
    ? await side.query(
        `SELECT 1 AS one FROM mysql.procs_priv WHERE User = ? AND Host = ? AND Db = 'rowseal' AND Routine_name = 'inventory'`,
        [user, host],
      )
    : await side.query(
        `SELECT 1 AS one FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'rowseal' AND ROUTINE_NAME = 'inventory'`,
      );
  return rows.length > 0;
}

/** SHOW CREATE USER says it on both. */
async function readLocked(side: SideSession, user: string, host: string): Promise<boolean> {
  const [row] = await side.query(`SHOW CREATE USER ${quoteGrantee(granteeOf(`${user}@${host}`))}`);
  return / ACCOUNT LOCK\b/.test(Object.values(row ?? {})[0] ?? '');
}

/** SET sql_log_bin: MySQL "sql_log_bin", MariaDB "BINLOG ADMIN". The server's own locked accounts are not meant. */
export async function readPrivileged(side: SideSession): Promise<string[]> {
  const rows = await side.query(
    `SELECT DISTINCT GRANTEE AS grantee FROM information_schema.USER_PRIVILEGES
      WHERE PRIVILEGE_TYPE IN ('SUPER', 'SYSTEM_VARIABLES_ADMIN', 'SESSION_VARIABLES_ADMIN', 'BINLOG ADMIN')
        AND GRANTEE NOT LIKE '''mysql.%' AND GRANTEE NOT LIKE '''mariadb.sys''%' ORDER BY 1`,
  );
  return rows.map(({ grantee }) => grantee ?? '');
}

/** Of these accounts (`app@%`) those that there are not, as GRANTEE writes them: setup's GRANT would make none. */
export async function readStrangers(side: SideSession, accounts: readonly string[]): Promise<string[]> {
  const strangers: string[] = [];
  for (const account of new Set(accounts)) {
    const at = account.lastIndexOf('@');
    const found = await side.query('SELECT 1 AS one FROM mysql.user WHERE User = ? AND Host = ?', [
      account.slice(0, at),
      account.slice(at + 1),
    ]);
    if (found.length === 0) strangers.push(granteeOf(account));
  }
  return strangers;
}
