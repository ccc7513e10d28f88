/**
 * What the preconditions are decided on: facts of one server, asked for in one place. As the capture account it sees what
 * its few privileges show, as an admin everything; what was not shown is null, never 'none'. Never changes anything,
 * never reads a row of a table of the customer's.
 */

import { readProcessList } from '../wire/processes.ts';
import {
  type BinlogFile,
  readEnd,
  readFacts,
  readFiles,
  readRival,
  type ServerFacts,
} from '../wire/server.ts';
import type { Session, SideSession, TextRow } from '../wire/sessions.ts';
import { type AccountFacts, readAccount, readPrivileged, readStrangers } from './accounts.ts';
import { type KitFacts, orNull, readKit, type TriggerFacts } from './kit-facts.ts';
import {
  type CascadeFacts,
  type OldTimeFacts,
  readCascades,
  readOldTimes,
  readTables,
  type TableFacts,
} from './schema.ts';

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
  /** Sessions of the capture account's user that a binlog is sent to: as an admin, or as the account itself. */
  readonly dumps: readonly number[];
  /** Whether it applies another server's changes; null where we may not see it. */
  readonly isReplica: boolean | null;
  /** The account that the daemon logs in as; null where there is none, or none was asked for. */
  readonly account: AccountFacts | null;
  /** Accounts that may switch off their own session's binlog (sql_log_bin); null where we may not see them. */
  readonly privileged: readonly string[] | null;
  /** Accounts of context_accounts that do not exist, as a GRANTEE is written; null where we may not see them. */
  readonly strangers: readonly string[] | null;
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

const VARIABLES = [
  'caching_sha2_password_digest_rounds',
  'enforce_gtid_consistency',
  'max_binlog_total_size',
  'read_only',
  'super_read_only',
  'system_time_zone',
  'time_zone',
];

/** `account`: `user@host` of the capture account, where that is known; else it is looked for by the user's name. */
export async function readPreflight(
  session: Asking,
  wanted: {
    readonly user: string;
    readonly account: string | null;
    readonly serverId: number;
    readonly contextAccounts?: readonly string[];
  },
): Promise<PreflightFacts> {
  const side: SideSession = { query: (text, values) => rowsOf(session, text, values), close: async () => {} };
  const server = await readServer(side);
  const logs = writesBinlog(server);
  const end = logs ? await readEnd(side, server) : null;
  const files = logs ? await readFiles(side) : [];
  const sawAll = (await orNull(side.query('SELECT 1 FROM mysql.user LIMIT 1'))) !== null;
  return {
    server,
    variables: await readVariables(side),
    skewMs: await readSkew(side),
    blackhole: await readBlackhole(side, server),
    binlogs: files.length === 0 ? null : files,
    filters: end === null ? null : end.filters,
    rival: await readRival(side, server, wanted.serverId),
    dumps: await readDumps(side, wanted.user),
    isReplica: await readIsReplica(side, server),
    account: await readAccount(side, wanted.user, wanted.account, sawAll),
    privileged: sawAll ? await readPrivileged(side) : null,
    strangers: sawAll ? await readStrangers(side, wanted.contextAccounts ?? []) : null,
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

export function writesBinlog({ settings }: Pick<ServerFacts, 'settings'>): boolean {
  return settings['log_bin'] === 'ON';
}

/**
 * readFacts refuses a server without binary log, of which nothing can be streamed. Here that is one finding among others,
 * so it is kept from seeing it.
 */
async function readServer(side: SideSession): Promise<ServerFacts> {
  let logBin = 'OFF';
  const facts = await readFacts({
    query: async (text, values) => {
      const rows = await side.query(text, values);
      return rows.map((row) => {
        if (row['Variable_name'] !== 'log_bin') return row;
        logBin = row['Value'] ?? 'OFF';
        return { ...row, Value: 'ON' };
      });
    },
    close: side.close,
  });
  return { ...facts, settings: { ...facts.settings, log_bin: logBin } };
}

async function readDumps(side: SideSession, capture: string): Promise<number[]> {
  const rows = await readProcessList(side);
  return rows
    .filter(({ user, command }) => user === capture && command?.startsWith('Binlog Dump'))
    .map(({ id }) => Number(id));
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
