/**
 * What the server says of itself, of its binary logs and of who reads them. Decides nothing: the cases are judged in
 * continuation.ts. It must never ask for more than REPLICATION SLAVE and REPLICATION CLIENT (BINLOG MONITOR) allow.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { Flavor } from '../bytes/flavor.ts';
import { isDenied } from './failure.ts';
import { REPLICA_HOST, replicaUuid } from './link.ts';
import type { SideSession, TextRow } from './sessions.ts';

export interface ServerFacts {
  readonly flavor: Flavor;
  readonly version: string;
  /** 9.7.4 is 90704, 10.11.18 is 101118. */
  readonly versionNumber: number;
  readonly serverId: number;
  /** MySQL's server_uuid: made anew with each data directory. MariaDB has none (its server_uid is the network card's). */
  readonly serverUuid: string | null;
  readonly hostname: string;
  readonly port: number;
  readonly performanceSchema: boolean;
  /** Whether transactions are known by GTID here: gtid_mode ON; always on MariaDB. */
  readonly gtids: boolean;
  /** Names of schemas and tables are the same whatever their case: lower_case_table_names is 1 or 2. */
  readonly foldsNames: boolean;
  readonly settings: Settings;
}

/** Global variables that the capture depends on, by name; those that this server does not have are missing. */
export type Settings = Readonly<Record<string, string>>;

export interface BinlogFile {
  readonly name: string;
  readonly size: number;
}

/** Where the server's log begins and ends, as of one moment. */
export interface BinlogState {
  /** MySQL: gtid_executed. MariaDB: gtid_binlog_pos. Null where GTIDs are off. */
  readonly executed: string | null;
  /** MySQL: gtid_purged. MariaDB: the position at which the oldest file begins; null where it can't be told. */
  readonly purged: string | null;
  /** MariaDB's gtid_binlog_state: the last transaction of each domain and server. */
  readonly history: string | null;
  /** Oldest first; empty where we may not see them. */
  readonly files: readonly BinlogFile[];
}

const SETTINGS = [
  'binlog_annotate_row_events',
  'binlog_checksum',
  'binlog_expire_logs_auto_purge',
  'binlog_expire_logs_seconds',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_rows_query_log_events',
  'expire_logs_days',
  'gtid_mode',
  'gtid_strict_mode',
  'innodb_native_foreign_keys',
  'log_bin',
  'log_replica_updates',
  'log_slave_updates',
];
const FACTS = [
  'gtid_domain_id',
  'hostname',
  'lower_case_table_names',
  'performance_schema',
  'port',
  'server_id',
  'server_uuid',
  'version',
];

export async function readFacts(side: SideSession): Promise<ServerFacts> {
  const all = await readVariables(side, [...SETTINGS, ...FACTS]);
  const version = all['version'] ?? '';
  const [major = 0, minor = 0, patch = 0] = (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
  const settings = Object.fromEntries(Object.entries(all).filter(([name]) => SETTINGS.includes(name)));
  const flavor: Flavor = all['gtid_domain_id'] === undefined ? 'mysql' : 'mariadb';
  const facts: ServerFacts = {
    flavor,
    version,
    versionNumber: major * 10_000 + minor * 100 + patch,
    serverId: Number(all['server_id']),
    serverUuid: flavor === 'mysql' ? (all['server_uuid']?.toLowerCase() ?? null) : null,
    hostname: all['hostname'] ?? '',
    port: Number(all['port']),
    performanceSchema: all['performance_schema'] === 'ON',
    gtids: flavor === 'mariadb' || all['gtid_mode'] === 'ON',
    foldsNames: ['1', '2'].includes(all['lower_case_table_names'] ?? ''),
    settings,
  };
  checkUsable(facts);
  return facts;
}

export async function readSettings(side: SideSession): Promise<Settings> {
  return readVariables(side, SETTINGS);
}

/** Column names in the binlog (binlog_row_metadata) came with MySQL 8.0 and MariaDB 10.5. */
function checkUsable({ flavor, version, versionNumber, settings }: ServerFacts): void {
  const oldest = flavor === 'mysql' ? 80_000 : 100_500;
  if (versionNumber < oldest) {
    const text = flavor === 'mysql' ? 'MySQL 8.0' : 'MariaDB 10.5';
    throw new RowsealError(
      'source_misconfigured',
      `the server is ${version}: ${text} is the oldest that works`,
    );
  }
  if (settings['log_bin'] !== 'ON') {
    throw new RowsealError('source_misconfigured', 'the server writes no binary log', {
      hint: 'Start it with log_bin; rowseal doctor names every setting that is needed.',
    });
  }
}

/** Whose log it is. MariaDB has no identity of its own but the numbers that its GTIDs bear. */
export function incarnationOf({ flavor, serverUuid, serverId }: ServerFacts): string {
  return flavor === 'mysql' ? (serverUuid ?? '') : `server_id ${serverId}`;
}

export async function readBinlogState(side: SideSession, facts: ServerFacts): Promise<BinlogState> {
  const files = await readFiles(side);
  if (facts.flavor === 'mariadb') {
    const [row] = await side.query(
      'SELECT @@global.gtid_binlog_pos AS pos, @@global.gtid_binlog_state AS state',
    );
    const oldest = files[0];
    const asked = oldest && (await side.query('SELECT BINLOG_GTID_POS(?, 4) AS pos', [oldest.name]));
    return {
      executed: row?.['pos'] ?? '',
      purged: asked?.[0]?.['pos'] ?? null,
      history: row?.['state'] ?? '',
      files,
    };
  }
  if (!facts.gtids) return { executed: null, purged: null, history: null, files };
  // Purged first: what is purged in between is then found when the stream starts.
  const [row] = await side.query('SELECT @@global.gtid_purged AS purged, @@global.gtid_executed AS executed');
  return {
    executed: plainSet(row?.['executed']),
    purged: plainSet(row?.['purged']),
    history: null,
    files,
  };
}

function plainSet(text: string | null | undefined): string {
  return (text ?? '').replaceAll(/\s/g, '').toLowerCase();
}

/** Empty without the privilege: REPLICATION CLIENT, on MariaDB BINLOG MONITOR. */
export async function readFiles(side: SideSession): Promise<BinlogFile[]> {
  const rows = await orNothing(side.query('SHOW BINARY LOGS'));
  return rows.map((row) => ({ name: row['Log_name'] ?? '', size: Number(row['File_size']) }));
}

/** Where the next event will be written. Null without the privilege. */
export async function readEnd(
  side: SideSession,
  { flavor, versionNumber }: ServerFacts,
): Promise<{ file: string; position: number; filters: string } | null> {
  const renamed = flavor === 'mysql' && versionNumber >= 80_200;
  const [row] = await orNothing(side.query(renamed ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS'));
  if (row === undefined) return null;
  const filters = [row['Binlog_Do_DB'], row['Binlog_Ignore_DB']].filter(Boolean).join(',');
  return { file: row['File'] ?? '', position: Number(row['Position']), filters };
}

/** Somebody who reads the binlog as a replica with this server_id, in words; null where there is none or we can't see. */
export async function readRival(
  side: SideSession,
  { flavor, versionNumber }: ServerFacts,
  serverId: number,
): Promise<{ text: string; ours: boolean } | null> {
  const renamed = flavor === 'mysql' && versionNumber >= 80_022;
  const rows = await orNothing(side.query(renamed ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS'));
  const row = rows.find((each) => Number(each['Server_Id'] ?? each['Server_id']) === serverId);
  if (row === undefined) return null;
  const uuid = row['Replica_UUID'] ?? row['Slave_UUID'] ?? null;
  const host = row['Host'] ?? '';
  const ours = uuid === null ? host === REPLICA_HOST : uuid === replicaUuid(serverId);
  return { text: `${host === '' ? 'a replica' : host}${uuid === null ? '' : ` (${uuid})`}`, ours };
}

async function readVariables(side: SideSession, names: readonly string[]): Promise<Record<string, string>> {
  const list = names.map((name) => `'${name}'`).join(',');
  const rows = await side.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${list})`);
  return Object.fromEntries(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']));
}

/** What we may not see is no answer rather than an error. */
async function orNothing(asked: Promise<TextRow[]>): Promise<TextRow[]> {
  try {
    return await asked;
  } catch (error) {
    if (isDenied(error)) return [];
    throw error;
  }
}
