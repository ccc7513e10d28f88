/**
 * Facts about the SQL kit on a server: its tables, procedures, triggers, and who may use or forge them. Asks only; what
 * was not shown is null, never 'none'.
 */
import { errnoOf, isDenied } from '../wire/failure.ts';
import type { SideSession, TextRow } from '../wire/sessions.ts';
import { OWNER } from './wish.ts';

export interface KitFacts {
  /** COMMENT of its tables. */
  readonly comment: string;
  /** Engine of rowseal.context; null where there is none. */
  readonly engine: string | null;
  /** Null where they could not be seen. */
  readonly procedures: readonly ProcedureFacts[] | null;
  /** Grantees of EXECUTE on rowseal.set_context but its owner; null where we may not see them. */
  readonly callers: readonly string[] | null;
  /** Every EXECUTE on a routine of ours but its owner's: the server keeps them when the schema goes. Null as above. */
  readonly executors: readonly ExecutorFacts[] | null;
  /** Accounts that the kit made. Null where we may not see them. */
  readonly made: readonly string[] | null;
  /** Grantees that may write rowseal.context, or call rowseal.emit, by themselves; null where we may not see them. */
  readonly forgers: readonly string[] | null;
}

export interface ExecutorFacts {
  readonly grantee: string;
  /** PROCEDURE or FUNCTION. */
  readonly kind: string;
  readonly routine: string;
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

/** The same columns as rowseal.inventory() gives. */
const INVENTORY = `
  SELECT 'procedure' AS kind, ROUTINE_SCHEMA AS schema_name, NULL AS table_name, ROUTINE_NAME AS name, NULL AS event,
         SECURITY_TYPE AS security, DEFINER AS definer, SQL_MODE AS mode, ROUTINE_DEFINITION AS body
    FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'rowseal'
  UNION ALL
  SELECT 'trigger', EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION),
         NULL, DEFINER, NULL, ACTION_STATEMENT
    FROM information_schema.TRIGGERS WHERE DEFINER = '${OWNER}' OR TRIGGER_NAME LIKE 'rowseal\\_%'`;

export async function readKit(
  side: SideSession,
  sawAll: boolean,
): Promise<{ readonly kit: KitFacts | null; readonly triggers: readonly TriggerFacts[] | null }> {
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
  const executors = sawAll ? await readExecutors(side) : null;
  const kit: KitFacts = {
    comment: made?.['comment'] ?? context?.['comment'] ?? '',
    engine: context?.['engine'] ?? null,
    procedures: of('procedure')?.map(procedureOf) ?? null,
    callers:
      executors?.filter(({ routine }) => routine === 'set_context').map(({ grantee }) => grantee) ?? null,
    executors,
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

async function readExecutors(side: SideSession): Promise<ExecutorFacts[]> {
  const rows = await side.query(
    `SELECT CONCAT('''', User, '''@''', Host, '''') AS grantee, Routine_type AS kind, Routine_name AS routine FROM mysql.procs_priv
      WHERE Db = 'rowseal' AND Proc_priv LIKE '%Execute%' AND CONCAT(User, '@', Host) <> '${OWNER}' ORDER BY 3, 1`,
  );
  return rows.map(({ grantee, kind, routine }) => ({
    grantee: grantee ?? '',
    kind: kind ?? '',
    routine: routine ?? '',
  }));
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
