/**
 * What the preconditions are decided on: facts of one server, asked for in one place with catalog queries that any
 * login may run. Never changes anything, never waits for a lock (statement_timeout), never reads a row of a table.
 */
import type { Client } from 'pg';
import { WITHOUT_TIMEOUTS } from '../wire/timeouts.ts';

export interface ServerFacts {
  /** server_version_num: 160004 is 16.4. */
  readonly version: number;
  readonly database: string;
  readonly encoding: string;
  readonly inRecovery: boolean;
  readonly walLevel: string;
  readonly maxSlots: number;
  readonly usedSlots: number;
  readonly maxSenders: number;
  readonly usedSenders: number;
  /** max_slot_wal_keep_size in MB; -1 is unbounded. */
  readonly walKeepMb: number;
  /** idle_replication_slot_timeout in seconds; 0 is off, null before 18. */
  readonly idleSlotTimeoutSeconds: number | null;
  /** The server's clock minus ours, milliseconds, the half round trip taken out. */
  readonly skewMs: number;
  readonly superusers: readonly string[];
  /** Enabled subscriptions of this database. */
  readonly subscriptions: readonly string[];
  /** Lines of pg_hba.conf that let somebody open a physical replication connection; empty where we may not look. */
  readonly hbaReplication: readonly string[];
}

export interface RoleFacts {
  readonly name: string;
  readonly login: boolean;
  readonly replication: boolean;
  readonly superuser: boolean;
  readonly connects: boolean;
  /** Seconds until rolvaliduntil; null where there is no end. */
  readonly validForSeconds: number | null;
  /** Made by the kit (its comment says so). */
  readonly ours: boolean;
  readonly heartbeat: boolean;
  /** Ordinary tables that it may read, though it needs none. */
  readonly readable: number;
}

export interface SlotFacts {
  readonly plugin: string | null;
  readonly database: string | null;
  readonly active: boolean;
  readonly walStatus: string | null;
  readonly safeWalBytes: string | null;
  readonly confirmed: string | null;
  /** Bytes of WAL that the server keeps for it. */
  readonly retainedBytes: string | null;
  /** Bytes of log behind what was acknowledged, which is what is sealed; null on a standby. */
  readonly unsealedBytes: string | null;
}

export interface PublicationFacts {
  readonly allTables: boolean;
  readonly viaRoot: boolean;
  readonly schemas: readonly string[];
  /** Of insert, update, delete, truncate, those that it leaves out. */
  readonly unpublished: readonly string[];
  /** 18+: stored generated columns are published; null before. */
  readonly generated: boolean | null;
}

export interface KitFacts {
  readonly version: number;
  /** SHA-256 in hex of its functions, as `kitDigest` reckons it from 01-kit.sql. */
  readonly digest: string;
  /** Event triggers of ours that are there and ENABLE ALWAYS. */
  readonly eventTriggers: readonly string[];
  readonly publicMayEmit: boolean;
  /** Other logins than superusers and rowseal_owner that may call pg_logical_emit_message by a grant of their own. */
  readonly emitters: readonly string[];
  readonly attachNew: readonly string[];
}

export interface TableFacts {
  readonly schema: string;
  readonly table: string;
  /** relkind: r ordinary, p partitioned, f foreign. */
  readonly kind: 'r' | 'p' | 'f';
  readonly unlogged: boolean;
  /** relreplident: d default, f full, i index, n nothing. */
  readonly identity: 'd' | 'f' | 'i' | 'n';
  /** A primary key that serves as identity (valid, not deferrable). */
  readonly key: boolean;
  /** The identity's index is there and valid. */
  readonly identityIndex: boolean;
  readonly stored: readonly string[];
  readonly virtual: readonly string[];
  readonly columns: readonly string[];
  readonly ancestors: readonly string[];
  /** Our two triggers, both ENABLE ALWAYS. */
  readonly attached: boolean;
  readonly published: boolean;
  readonly rowFilter: boolean;
  readonly columnList: boolean;
}

export interface PreflightFacts {
  readonly server: ServerFacts;
  readonly role: RoleFacts | null;
  readonly slot: SlotFacts | null;
  readonly publication: PublicationFacts | null;
  readonly kit: KitFacts | null;
  readonly tables: readonly TableFacts[];
}

export const EVENT_TRIGGERS = ['rowseal_attach', 'rowseal_ddl', 'rowseal_drop', 'rowseal_rewrite'] as const;

export interface Wanted {
  readonly role: string;
  readonly slot: string;
  readonly publication: string;
}

/** Asks for everything, on a connection to the captured database. Throws the driver's errors. */
export async function readFacts(client: Client, wanted: Wanted): Promise<PreflightFacts> {
  await client.query(`SET search_path = pg_catalog, pg_temp; ${WITHOUT_TIMEOUTS};
    SET statement_timeout = '60s'; SET lock_timeout = '2s';
    SET DateStyle = ISO; SET bytea_output = hex; SET default_transaction_read_only = on`);
  const server = await readServer(client);
  return {
    server,
    role: await readRole(client, wanted.role),
    slot: await readSlot(client, wanted.slot),
    publication: await readPublication(client, wanted.publication, server.version),
    kit: await readKit(client),
    tables: await readTables(client, wanted.publication, server.version),
  };
}

async function one<T>(client: Client, sql: string, values: unknown[] = []): Promise<T | null> {
  return ((await client.query(sql, values)).rows[0] as T | undefined) ?? null;
}

/** Superusers, and whoever was granted it, may read the rules. */
async function readHba(client: Client): Promise<string[]> {
  const may = await one<{ may: boolean }>(
    client,
    `SELECT has_table_privilege('pg_hba_file_rules', 'select') AND has_function_privilege('pg_hba_file_rules()', 'execute') AS may`,
  );
  if (!may?.may) return [];
  const { rows } = await client.query(
    `SELECT 'line ' || line_number || ': ' || concat_ws(' ', type, array_to_string(database, ','),
       array_to_string(user_name, ','), address, auth_method) AS line
     FROM pg_hba_file_rules WHERE 'replication' = ANY (database) AND auth_method <> 'reject' ORDER BY line_number`,
  );
  return rows.map((row: { line: string }) => row.line);
}

async function readServer(client: Client): Promise<ServerFacts> {
  const asked = Date.now();
  const now = await one<{ ms: string }>(
    client,
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS ms`,
  );
  const answered = Date.now();
  const row = await one<Omit<ServerFacts, 'skewMs' | 'hbaReplication'>>(
    client,
    `SELECT current_setting('server_version_num')::int AS version, current_database()::text AS database,
       current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS "inRecovery",
       current_setting('wal_level') AS "walLevel", current_setting('max_replication_slots')::int AS "maxSlots",
       (SELECT count(*)::int FROM pg_replication_slots) AS "usedSlots",
       current_setting('max_wal_senders')::int AS "maxSenders",
       (SELECT count(*)::int FROM pg_stat_replication) AS "usedSenders",
       (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS "walKeepMb",
       (SELECT setting::int FROM pg_settings WHERE name = 'idle_replication_slot_timeout') AS "idleSlotTimeoutSeconds",
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY 1) AS superusers,
       ARRAY(SELECT subname::text FROM pg_subscription AS s JOIN pg_database AS d ON d.oid = s.subdbid
              WHERE d.datname = current_database() AND subenabled ORDER BY 1) AS subscriptions`,
  );
  const skewMs = Math.round(Number(now!.ms) - (asked + answered) / 2);
  return { ...row!, skewMs, hbaReplication: await readHba(client) };
}

function readRole(client: Client, name: string): Promise<RoleFacts | null> {
  return one(
    client,
    `SELECT rolname::text AS name, rolcanlogin AS login, rolreplication AS replication, rolsuper AS superuser,
       has_database_privilege(r.oid, current_database(), 'connect') AS connects,
       CASE WHEN isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil - now())::float8 END AS "validForSeconds",
       coalesce(shobj_description(r.oid, 'pg_authid') LIKE 'rowseal: %', false) AS ours,
       coalesce(has_function_privilege(r.oid, to_regprocedure('rowseal.heartbeat()')::oid, 'execute'), false) AS heartbeat,
       (SELECT count(*)::int FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'rowseal')
           AND has_schema_privilege(r.oid, n.oid, 'usage') AND has_table_privilege(r.oid, c.oid, 'select')) AS readable
     FROM pg_roles AS r WHERE rolname = $1`,
    [name],
  );
}

function readSlot(client: Client, name: string): Promise<SlotFacts | null> {
  return one(
    client,
    `SELECT plugin::text, database::text, active, wal_status AS "walStatus", safe_wal_size::text AS "safeWalBytes",
       confirmed_flush_lsn::text AS confirmed,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8::text END AS "retainedBytes",
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::int8::text END AS "unsealedBytes"
     FROM pg_replication_slots WHERE slot_name = $1`,
    [name],
  );
}

function readPublication(client: Client, name: string, version: number): Promise<PublicationFacts | null> {
  const schemas =
    version >= 150000
      ? `ARRAY(SELECT nspname::text FROM pg_publication_namespace AS pn JOIN pg_namespace AS n ON n.oid = pn.pnnspid
           WHERE pn.pnpubid = p.oid ORDER BY 1)`
      : `'{}'::text[]`;
  return one(
    client,
    `SELECT puballtables AS "allTables", pubviaroot AS "viaRoot", ${schemas} AS schemas,
       array_remove(ARRAY[CASE WHEN NOT pubinsert THEN 'insert' END, CASE WHEN NOT pubupdate THEN 'update' END,
         CASE WHEN NOT pubdelete THEN 'delete' END, CASE WHEN NOT pubtruncate THEN 'truncate' END], NULL) AS unpublished,
       ${version >= 180000 ? "pubgencols = 's'" : 'NULL::boolean'} AS generated
     FROM pg_publication AS p WHERE pubname = $1`,
    [name],
  );
}

async function readKit(client: Client): Promise<KitFacts | null> {
  const there = await one<{ there: boolean }>(
    client,
    `SELECT to_regclass('rowseal.kit') IS NOT NULL AS there`,
  );
  if (!there?.there) return null;
  const emit = `pg_proc AS f CROSS JOIN LATERAL aclexplode(coalesce(proacl, acldefault('f', proowner))) AS a
    WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::regnamespace AND privilege_type = 'EXECUTE'`;
  return one(
    client,
    `SELECT coalesce((SELECT version FROM rowseal.kit), 0) AS version,
       (SELECT coalesce(encode(sha256(convert_to(string_agg(proname::text || provolatile::text || prosrc, '' ORDER BY proname COLLATE "C"), 'SQL_ASCII')), 'hex'), '')
          FROM pg_proc WHERE pronamespace = 'rowseal'::regnamespace) AS digest,
       coalesce((SELECT attach_new FROM rowseal.kit), '{}') AS "attachNew",
       ARRAY(SELECT evtname::text FROM pg_event_trigger WHERE evtname = ANY ($1) AND evtenabled = 'A' ORDER BY 1) AS "eventTriggers",
       EXISTS (SELECT FROM ${emit} AND grantee = 0) AS "publicMayEmit",
       ARRAY(SELECT DISTINCT rolname::text FROM ${emit.replace('WHERE', 'JOIN pg_roles AS g ON g.oid = a.grantee WHERE')}
              AND NOT g.rolsuper AND g.rolname <> 'rowseal_owner' ORDER BY 1) AS emitters`,
    [EVENT_TRIGGERS],
  );
}

async function readTables(client: Client, publication: string, version: number): Promise<TableFacts[]> {
  const hidden = version >= 150000 ? 'pr.prqual IS NOT NULL' : 'false';
  const listed = version >= 150000 ? 'pr.prattrs IS NOT NULL' : 'false';
  const columns = (which: string) => `ARRAY(SELECT attname::text FROM pg_attribute AS a
      WHERE a.attrelid = c.oid AND ${which} AND NOT a.attisdropped ORDER BY attnum)`;
  const { rows } = await client.query(
    `WITH listed AS (
       SELECT pr.prrelid, ${hidden} AS filtered, ${listed} AS partial
         FROM pg_publication_rel AS pr JOIN pg_publication AS p ON p.oid = pr.prpubid WHERE p.pubname = $1)
     SELECT n.nspname::text AS schema, c.relname::text AS table, c.relkind::text AS kind, c.relpersistence = 'u' AS unlogged,
       c.relreplident::text AS identity,
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND indisprimary AND indisvalid AND indimmediate) AS key,
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND indisreplident AND indisvalid) AS "identityIndex",
       ${columns("attgenerated = 's'")} AS stored, ${columns("attgenerated = 'v'")} AS virtual,
       ${columns('attnum > 0')} AS columns,
       ARRAY(SELECT an.nspname || '.' || ac.relname FROM pg_partition_ancestors(c.oid) WITH ORDINALITY AS a (relid, place)
               JOIN pg_class AS ac ON ac.oid = a.relid JOIN pg_namespace AS an ON an.oid = ac.relnamespace
              WHERE a.relid <> c.oid ORDER BY a.place) AS ancestors,
       (SELECT count(*) = 2 FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A'
           AND t.tgname IN ('rowseal_context_before', 'rowseal_context_after')) AS attached,
       (l.prrelid IS NOT NULL OR EXISTS (SELECT FROM listed AS o WHERE o.prrelid IN (SELECT relid FROM pg_partition_ancestors(c.oid)))) AS published,
       coalesce(l.filtered, false) AS "rowFilter", coalesce(l.partial, false) AS "columnList"
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN listed AS l ON l.prrelid = c.oid
     WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
       AND n.nspname NOT IN ('information_schema', 'rowseal')
     ORDER BY 1, 2`,
    [publication],
  );
  return rows as TableFacts[];
}
