/** Facts about tables and foreign keys, of information_schema: names and rules, never a row. Asks only. */
import type { SideSession, TextRow } from '../wire/sessions.ts';

export interface TableFacts {
  readonly schema: string;
  readonly table: string;
  readonly engine: string;
  readonly primaryKey: boolean;
  readonly columns: readonly string[];
}

/** A foreign key whose parent's change also changes rows of the child. */
export interface CascadeFacts {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly parentSchema: string;
  readonly parentTable: string;
  readonly parentColumns: readonly string[];
  /** CASCADE, SET NULL, SET DEFAULT; null where the rule changes nothing. */
  readonly onUpdate: string | null;
  readonly onDelete: string | null;
}

/** A column of times with a fraction in the format of MariaDB before 10.1.2. */
export interface OldTimeFacts {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly type: string;
}

const SYSTEM = `('mysql', 'sys', 'performance_schema', 'information_schema', 'rowseal')`;

/** Names alone, in no order, of those that the asking account may know of: some privilege on each is needed. */
export async function readTableNames(side: SideSession): Promise<{ schema: string; table: string }[]> {
  const rows = await side.query(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name FROM information_schema.TABLES
      WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ${SYSTEM}`,
  );
  return rows.map((row) => ({ schema: row['schema_name'] ?? '', table: row['table_name'] ?? '' }));
}

/** Those that the asking account may know of. */
export async function readTables(side: SideSession): Promise<TableFacts[]> {
  const tables = await side.query(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, ENGINE AS engine FROM information_schema.TABLES
      WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ${SYSTEM}`,
  );
  const keys = await side.query(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name FROM information_schema.TABLE_CONSTRAINTS
      WHERE CONSTRAINT_TYPE = 'PRIMARY KEY' AND TABLE_SCHEMA NOT IN ${SYSTEM}`,
  );
  const columns = await side.query(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, COLUMN_NAME AS column_name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA NOT IN ${SYSTEM}`,
  );
  const columnsOf = Map.groupBy(columns, (row) => `${row['schema_name']}.${row['table_name']}`);
  const keyed = new Set(keys.map((row) => `${row['schema_name']}.${row['table_name']}`));
  return tables
    .map((row) => ({
      schema: row['schema_name'] ?? '',
      table: row['table_name'] ?? '',
      engine: row['engine'] ?? '',
      primaryKey: keyed.has(`${row['schema_name']}.${row['table_name']}`),
      columns: (columnsOf.get(`${row['schema_name']}.${row['table_name']}`) ?? []).map(
        (each) => each['column_name'] ?? '',
      ),
    }))
    .sort(byName);
}

/**
 * MariaDB marks columns of the former format in COLUMN_TYPE with a comment that no other column has (system variable
 * mysql56_temporal_format). Those without a fraction are read: their width is known.
 */
export async function readOldTimes(side: SideSession): Promise<OldTimeFacts[]> {
  const rows = await side.query(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, COLUMN_NAME AS column_name, COLUMN_TYPE AS column_type
       FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA NOT IN ${SYSTEM} AND DATA_TYPE IN ('time', 'datetime', 'timestamp')
        AND DATETIME_PRECISION > 0 AND COLUMN_TYPE LIKE '%mariadb-5.3%'`,
  );
  return rows
    .map((row) => ({
      schema: row['schema_name'] ?? '',
      table: row['table_name'] ?? '',
      column: row['column_name'] ?? '',
      type: (row['column_type'] ?? '').replace(/\s*\/\*.*$/, ''),
    }))
    .sort(byName);
}

const RULES = `('CASCADE', 'SET NULL', 'SET DEFAULT')`;

export async function readCascades(side: SideSession): Promise<CascadeFacts[]> {
  const constraints = await side.query(
    `SELECT CONSTRAINT_SCHEMA AS schema_name, TABLE_NAME AS table_name, CONSTRAINT_NAME AS name,
            UPDATE_RULE AS on_update, DELETE_RULE AS on_delete
       FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE CONSTRAINT_SCHEMA NOT IN ${SYSTEM} AND (UPDATE_RULE IN ${RULES} OR DELETE_RULE IN ${RULES})`,
  );
  if (constraints.length === 0) return [];
  const columns = await side.query(
    `SELECT CONSTRAINT_SCHEMA AS schema_name, TABLE_NAME AS table_name, CONSTRAINT_NAME AS name, COLUMN_NAME AS column_name,
            REFERENCED_TABLE_SCHEMA AS parent_schema, REFERENCED_TABLE_NAME AS parent_table, REFERENCED_COLUMN_NAME AS parent_column
       FROM information_schema.KEY_COLUMN_USAGE
      WHERE REFERENCED_TABLE_NAME IS NOT NULL AND CONSTRAINT_SCHEMA NOT IN ${SYSTEM}
      ORDER BY CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const changing = (rule: string | null | undefined) =>
    rule != null && RULES.includes(`'${rule}'`) ? rule : null;
  const nameOf = (row: TextRow) => JSON.stringify([row['schema_name'], row['table_name'], row['name']]);
  const columnsOf = Map.groupBy(columns, nameOf);
  return constraints
    .map((row) => {
      const mine = columnsOf.get(nameOf(row)) ?? [];
      return {
        schema: row['schema_name'] ?? '',
        table: row['table_name'] ?? '',
        name: row['name'] ?? '',
        columns: mine.map((each) => each['column_name'] ?? ''),
        parentSchema: mine[0]?.['parent_schema'] ?? row['schema_name'] ?? '',
        parentTable: mine[0]?.['parent_table'] ?? '',
        parentColumns: mine.map((each) => each['parent_column'] ?? ''),
        onUpdate: changing(row['on_update']),
        onDelete: changing(row['on_delete']),
      };
    })
    .sort(byName);
}

function byName(one: { schema: string; table: string }, other: { schema: string; table: string }): number {
  const [a, b] = [`${one.schema}.${one.table}`, `${other.schema}.${other.table}`];
  return a < b ? -1 : a > b ? 1 : 0;
}
