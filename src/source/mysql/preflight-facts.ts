/**
 * What the preconditions are decided on: facts of one server, asked for in one place. As the capture account it sees what
 * its few privileges show, as an admin everything; what was not shown is null, never 'none'. Never changes anything,
 * never reads a row of a table of the customer's.
 */
import { errnoOf, isDenied } from './failure.ts';
import { type AccountFacts, readAccount, readPrivileged } from './preflight-accounts.ts';
import {
  type CascadeFacts,
  type OldTimeFacts,
  readCascades,
  readOldTimes,
  readTables,
  type TableFacts,
} from './preflight-schema.ts';
import { OWNER } from './preflight-wish.ts';
import { type BinlogFile, readEnd, readFacts, readFiles, readRival, type ServerFacts } from './server.ts';
import type { Session, SideSession, TextRow } from './sessions.ts';

/** Anything that asks the server. */
export type Asking = Pick<Session | SideSession, 'query'>;

export interface PreflightFacts {
  readonly server: ServerFacts;
  /** Global variables by name; those that the server does not have are missing. */
  readonly variables: Readonly<Record<string, string>>;
  /** The server's clock minus ours, milliseconds, the half round trip taken out. */
  readonly skewMs: number;
  /** MariaDB has BLACKHOLE as a plugin, which may lie there uninstalled. */
  readonly blackhole: 'active' | 'installable' | 'absent';
  /** Oldest first; null where we may not see them. */
  readonly binlogs: readonly BinlogFile[] | null;
  /** binlog_do_db and binlog_ignore_db, one after the other; null where we may not see them. */
  readonly filters: string | null;
  /** Whoever is registered as a replica under our server_id. */
  readonly rival: { readonly text: string; readonly ours: boolean } | null;
  /** Whether it applies another server's changes; null where we may not see it. */
  readonly isReplica: boolean | null;
  /** The account that the daemon logs in as; null where there is none, or none was asked for. */
  readonly account: AccountFacts | null;
  /** Accounts that may switch off their own session's binlog (sql_log_bin); null where we may not see them. */
  readonly privileged: readonly string[] | null;
  readonly kit: KitFacts | null;
  /** Every trigger of rowseal_owner; as an admin also those that only bear a name of ours. Null where not seen. */
  readonly triggers: readonly TriggerFacts[] | null;
  readonly tables: readonly TableFacts[];
  readonly cascades: readonly CascadeFacts[];
  /** MariaDB's times of the former format, of which the binlog does not say the fraction. */
  readonly oldTimes: readonly OldTimeFacts[];
  /** Asked as an admin: what is not there is not there. */
  readonly sawAll: boolean;
}

export interface KitFacts {
  /** COMMENT of its tables. */
  readonly comment: string;
  /** Engine of rowseal.context; null where there is none. */
  readonly engine: string | null;
  /** Null where they could not be seen. */
  readonly procedures: readonly ProcedureFacts[] | null;
  /** Grantees of EXECUTE on rowseal.set_context but its owner; null where we may not see them. */
  readonly callers: readonly string[] | null;
  /** Accounts that the kit made. Null where we may not see them. */
  readonly made: readonly string[] | null;
  /** Grantees that may write rowseal.context, or call rowseal.emit, by themselves; null where we may not see them. */
  readonly forgers: readonly string[] | null;
}

export interface ProcedureFacts {
  readonly name: string;
  readonly security: string;
  readonly definer: string;
  readonly mode: string;
  readonly body: string;
}

export interface TriggerFacts {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  /** `AFTER INSERT`. */
  readonly event: string;
  readonly definer: string;
  readonly body: string;
}

const VARIABLES = [
  'caching_sha2_password_digest_rounds',
  'max_binlog_total_size',
  'read_only',
  'super_read_only',
  'system_time_zone',
  'time_zone',
];

/** `account`: `user@host` of the capture account, where that is known; else it is looked for by the user's name. */
export async function readPreflight(
  session: Asking,
  wanted: { readonly user: string; readonly account: string | null; readonly serverId: number },
): Promise<PreflightFacts> {
  const side: SideSession = { query: (text, values) => rowsOf(session, text, values), close: async () => {} };
  const server = await readFacts(side);
  const end = await readEnd(side, server);
  const files = await readFiles(side);
  const sawAll = (await orNull(side.query('SELECT 1 FROM mysql.user LIMIT 1'))) !== null;
  return {
    server,
    variables: await readVariables(side),
    skewMs: await readSkew(side),
    blackhole: await readBlackhole(side, server),
    binlogs: files.length === 0 ? null : files,
    filters: end === null ? null : end.filters,
    rival: await readRival(side, server, wanted.serverId),
    isReplica: await readIsReplica(side, server),
    account: await readAccount(side, wanted.user, wanted.account, sawAll),
    privileged: sawAll ? await readPrivileged(side) : null,
    ...(await readKit(side, sawAll)),
    tables: await readTables(side),
    cascades: await readCascades(side),
    oldTimes: server.flavor === 'mariadb' ? await readOldTimes(side) : [],
    sawAll,
  };
}

/** A procedure's answer comes as several results: the first are its rows. */
async function rowsOf(
  session: Asking,
  text: string,
  values?: readonly (string | number)[],
): Promise<TextRow[]> {
  const rows = await session.query(text, values);
  const first: unknown = rows[0];
  return Array.isArray(first) ? (first as TextRow[]) : rows;
}

/** Null where the server says no to the question as such. */
export async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    // 1305: there is no such procedure.
    if (isDenied(error) || errnoOf(error) === 1305) return null;
    throw error;
  }
}

async function readVariables(side: SideSession): Promise<Record<string, string>> {
  const list = VARIABLES.map((name) => `'${name}'`).join(',');
  const rows = await side.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${list})`);
  return Object.fromEntries(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']));
}

async function readSkew(side: SideSession): Promise<number> {
  const asked = Date.now();
  const [row] = await side.query('SELECT ROUND(UNIX_TIMESTAMP(SYSDATE(3)) * 1000) AS ms');
  return Math.round(Number(row?.['ms']) - (asked + Date.now()) / 2);
}

async function readBlackhole(
  side: SideSession,
  { flavor }: ServerFacts,
): Promise<PreflightFacts['blackhole']> {
  const [row] = await side.query(
    `SELECT SUPPORT AS support FROM information_schema.ENGINES WHERE ENGINE = 'BLACKHOLE'`,
  );
  if (row?.['support'] === 'YES' || row?.['support'] === 'DEFAULT') return 'active';
  if (flavor === 'mysql') return 'absent';
  const lying = await side.query(
    `SELECT PLUGIN_NAME AS name FROM information_schema.ALL_PLUGINS WHERE PLUGIN_NAME = 'BLACKHOLE'`,
  );
  return lying.length > 0 ? 'installable' : 'absent';
}

async function readIsReplica(
  side: SideSession,
  { flavor, versionNumber }: ServerFacts,
): Promise<boolean | null> {
  const renamed = flavor === 'mysql' && versionNumber >= 80_022;
  const rows = await orNull(side.query(renamed ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS'));
  return rows === null ? null : rows.length > 0;
}

/** The same columns as rowseal.inventory() gives. */
const INVENTORY = `
  SELECT 'procedure' AS kind, ROUTINE_SCHEMA AS schema_name, NULL AS table_name, ROUTINE_NAME AS name, NULL AS event,
         SECURITY_TYPE AS security, DEFINER AS definer, SQL_MODE AS mode, ROUTINE_DEFINITION AS body
    FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'rowseal'
  UNION ALL
  SELECT 'trigger', EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION),
         NULL, DEFINER, NULL, ACTION_STATEMENT
    FROM information_schema.TRIGGERS WHERE DEFINER = '${OWNER}' OR TRIGGER_NAME LIKE 'rowseal\\_%'`;

async function readKit(
  side: SideSession,
  sawAll: boolean,
): Promise<Pick<PreflightFacts, 'kit' | 'triggers'>> {
  const tables = await side.query(
    `SELECT TABLE_NAME AS name, ENGINE AS engine, TABLE_COMMENT AS comment FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = 'rowseal'`,
  );
  const made = tables.find(({ name }) => name === 'made');
  const context = tables.find(({ name }) => name === 'context');
  const inventory = await orNull(side.query(sawAll ? INVENTORY : 'CALL rowseal.inventory()'));
  const of = (kind: string) => inventory?.filter((row) => row['kind'] === kind) ?? null;
  const triggers = of('trigger')?.map(triggerOf) ?? null;
  if (made === undefined && context === undefined) return { kit: null, triggers };
  const kit: KitFacts = {
    comment: made?.['comment'] ?? context?.['comment'] ?? '',
    engine: context?.['engine'] ?? null,
    procedures: of('procedure')?.map(procedureOf) ?? null,
    callers: sawAll ? await readCallers(side) : null,
    made: sawAll && made !== undefined ? await readMade(side) : null,
    forgers: sawAll ? await readForgers(side) : null,
  };
  return { kit, triggers };
}

function procedureOf(row: TextRow): ProcedureFacts {
  return {
    name: row['name'] ?? '',
    security: row['security'] ?? '',
    definer: row['definer'] ?? '',
    mode: row['mode'] ?? '',
    body: row['body'] ?? '',
  };
}

function triggerOf(row: TextRow): TriggerFacts {
  return {
    schema: row['schema_name'] ?? '',
    table: row['table_name'] ?? '',
    name: row['name'] ?? '',
    event: row['event'] ?? '',
    definer: row['definer'] ?? '',
    body: row['body'] ?? '',
  };
}

async function readMade(side: SideSession): Promise<string[]> {
  const rows = await side.query(`SELECT name FROM rowseal.made WHERE what = 'account'`);
  return rows.map(({ name }) => name ?? '');
}

async function readCallers(side: SideSession): Promise<string[]> {
  const rows = await side.query(
    `SELECT CONCAT('''', User, '''@''', Host, '''') AS grantee FROM mysql.procs_priv
      WHERE Db = 'rowseal' AND Routine_name = 'set_context' AND Proc_priv LIKE '%Execute%'
        AND CONCAT(User, '@', Host) <> '${OWNER}' ORDER BY 1`,
  );
  return rows.map(({ grantee }) => grantee ?? '');
}

/** By a grant on everything, on the schema, on the table or on the procedure. */
async function readForgers(side: SideSession): Promise<string[]> {
  const rows = await side.query(
    `SELECT GRANTEE AS grantee FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('INSERT', 'EXECUTE')
     UNION SELECT GRANTEE FROM information_schema.SCHEMA_PRIVILEGES
      WHERE 'rowseal' LIKE TABLE_SCHEMA AND PRIVILEGE_TYPE IN ('INSERT', 'EXECUTE')
     UNION SELECT GRANTEE FROM information_schema.TABLE_PRIVILEGES
      WHERE TABLE_SCHEMA = 'rowseal' AND TABLE_NAME = 'context' AND PRIVILEGE_TYPE = 'INSERT'
     UNION SELECT CONCAT('''', User, '''@''', Host, '''') FROM mysql.procs_priv
      WHERE Db = 'rowseal' AND Routine_name IN ('emit', 'emit_session')`,
  );
  const owner = `'rowseal_owner'@'localhost'`;
  return rows.map(({ grantee }) => grantee ?? '').filter((grantee) => grantee !== owner);
}
