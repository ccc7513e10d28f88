/**
 * The shadow log on MySQL and MariaDB: what really happened, written by AFTER row triggers inside the same database and
 * the same transactions. Each entry holds both rows, each column as the server's own exact text in hex, and the
 * attribution that the session expects. It knows nothing of rowseal. A session must name its transaction in @shadow_tx
 * (mysql-binlog-order.ts finds the name in the log) before it writes.
 */
import type { Connection } from 'mysql2/promise';
import { type LoggedGroup, orderOf } from './mysql-binlog-order.ts';
import type { MysqlExpectation } from './mysql-workload-session.ts';
import type { ShadowChange, ShadowTransaction, Shape, TextRow } from './shadow.ts';

const INSTALL = `
  CREATE DATABASE shadow CHARACTER SET utf8mb4;
  CREATE TABLE shadow.shapes (id INT PRIMARY KEY, shape LONGTEXT NOT NULL) ENGINE=InnoDB;
  CREATE TABLE shadow.log (serial BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, tx VARCHAR(60) NOT NULL,
    op VARCHAR(8) NOT NULL, shape INT NOT NULL, old LONGTEXT CHARACTER SET ascii, new LONGTEXT CHARACTER SET ascii,
    conn BIGINT UNSIGNED NOT NULL, login VARCHAR(300) NOT NULL, expect TEXT) ENGINE=InnoDB`;

/** The workload's column that the server itself sets when a row changes. */
export const ON_UPDATE = 'seen';

const OPS = { i: 'insert', u: 'update', d: 'delete' } as const;

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly dataType: string;
  readonly charset: string | null;
}

export interface Shadow {
  /** Makes the triggers of a table anew for its columns as they are now; returns the columns' names. */
  watch(admin: Connection, schema: string, table: string, attached: boolean): Promise<readonly string[]>;
  /** Before the columns change. */
  unwatch(admin: Connection, schema: string, table: string): Promise<void>;
}

export async function installShadow(admin: Connection): Promise<Shadow> {
  for (const statement of INSTALL.split(';')) await admin.query(statement);
  let shapes = 0;
  const unwatch = async (admin: Connection, schema: string, table: string) => {
    const [rows] = await admin.query(
      `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS
        WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND TRIGGER_NAME LIKE 'shadow%'`,
      [schema, table],
    );
    for (const { name } of rows as { name: string }[])
      await admin.query(`DROP TRIGGER ${identifier(schema)}.${name}`);
  };
  return {
    unwatch,
    watch: async (admin, schema, table, attached) => {
      await unwatch(admin, schema, table);
      const { columns, shape } = await readShape(admin, schema, table, attached);
      if (columns.length === 0) return [];
      const id = ++shapes;
      await admin.query('REPLACE INTO shadow.shapes VALUES (?, ?)', [id, JSON.stringify(shape)]);
      for (const [event, op] of Object.entries(OPS)) {
        const old = event === 'i' ? 'NULL' : rowExpression('OLD', columns);
        const now = event === 'd' ? 'NULL' : rowExpression('NEW', columns);
        await admin.query(
          `CREATE TRIGGER ${identifier(schema)}.shadow_${event}_${id} AFTER ${op.toUpperCase()} ON ${identifier(schema)}.${identifier(table)}
             FOR EACH ROW INSERT INTO shadow.log (tx, op, shape, old, new, conn, login, expect)
             VALUES (@shadow_tx, '${op}', ${id}, ${old}, ${now}, CONNECTION_ID(), USER(), @shadow_expect)`,
        );
      }
      return columns.map(({ name }) => name);
    },
  };
}

async function readShape(admin: Connection, schema: string, table: string, attached: boolean) {
  const [rows] = await admin.query(
    `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, DATA_TYPE AS dataType, CHARACTER_SET_NAME AS charset
       FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [schema, table],
  );
  const columns = rows as ColumnRow[];
  const [keys] = await admin.query(
    `SELECT COLUMN_NAME AS name FROM information_schema.KEY_COLUMN_USAGE
      WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION`,
    [schema, table],
  );
  const primary = (keys as { name: string }[]).map(({ name }) => name);
  const shape: Shape = {
    schema,
    table,
    identity: 'f',
    published: true,
    attached,
    columns: columns.map(({ name, type }) => [name, type, ''] as const),
    primary: primary.length === 0 ? null : primary,
    index: null,
  };
  return { columns, shape };
}

/** A row as one text: each column in hex, `-` for NULL, a comma between. */
function rowExpression(row: 'OLD' | 'NEW', columns: readonly ColumnRow[]): string {
  const tokens = columns.map(
    (column) => `IFNULL(${exactText(`${row}.${identifier(column.name)}`, column)}, '-')`,
  );
  return `CONCAT_WS(',', ${tokens.join(', ')})`;
}

/** The server's own exact text of a column, in hex. */
function exactText(value: string, { dataType, charset, type }: ColumnRow): string {
  switch (dataType) {
    case 'float':
      // As text a FLOAT has six digits; widened to a DOUBLE it has all (and both servers print a DOUBLE so that it
      // reads back to the same bits: tried with thousands of random bits).
      return `HEX(CAST(CAST(${value} AS DOUBLE) AS CHAR))`;
    case 'bit':
      return `HEX(LPAD(BIN(${value} + 0), ${/\d+/.exec(type)?.[0] ?? '1'}, '0'))`;
    case 'timestamp':
      // What is stored, whatever the session's time zone: seconds since 1970.
      return `HEX(CAST(IF(${value} = 0, 0, UNIX_TIMESTAMP(${value})) AS CHAR))`;
    case 'json':
      return `HEX(CONVERT(CAST(${value} AS CHAR) USING utf8mb4))`;
    case 'inet4':
      return `HEX(CAST(${value} AS BINARY(4)))`;
    case 'uuid':
    case 'inet6':
      return `HEX(CAST(${value} AS BINARY(16)))`;
    default:
  }
  if (charset !== null) return `HEX(CONVERT(${value} USING utf8mb4))`;
  // Bytes as they are; of numbers and times, the text.
  return /blob|binary|geom|point|vector/.test(dataType) ? `HEX(${value})` : `HEX(CAST(${value} AS CHAR))`;
}

export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

interface LogRow {
  readonly serial: string;
  readonly tx: string;
  readonly op: 'insert' | 'update' | 'delete';
  readonly shape: string;
  readonly old: string | null;
  readonly new: string | null;
  readonly conn: string;
  readonly login: string;
  readonly expect: string | null;
}

/** Committed transactions that changed a watched table or ran DDL, in the order in which they stand in the binary log. */
export async function readShadow(
  admin: Connection,
  binlogs: readonly string[],
): Promise<ShadowTransaction[]> {
  const [shapeRows] = await admin.query('SELECT id, shape FROM shadow.shapes');
  const shapes = new Map(
    (shapeRows as { id: string; shape: string }[]).map((row) => [row.id, JSON.parse(row.shape) as Shape]),
  );
  const [rows] = await admin.query('SELECT * FROM shadow.log ORDER BY serial');
  const byName = new Map<string, ToldChange[]>();
  for (const row of rows as LogRow[]) {
    const changes = byName.get(row.tx) ?? [];
    byName.set(row.tx, changes);
    const change = changeOf(row, shapes.get(row.shape) as Shape);
    const before = changes.at(-1);
    changes.push(before?.told === row.expect ? { ...change, expect: before.expect } : change);
  }
  const ordered = (await orderOf(binlogs)).flatMap((group) => transactionOf(group, byName));
  if (byName.size > 0)
    throw new Error(
      `the shadow log has transactions that are not in the binary log: ${[...byName.keys()].join(' ')}`,
    );
  return ordered;
}

function transactionOf(group: LoggedGroup, byName: Map<string, ToldChange[]>): ShadowTransaction[] {
  const changes = group.name === null ? [] : (byName.get(group.name) ?? []);
  if (group.name !== null) byName.delete(group.name);
  if (changes.length === 0 && group.ddl.length === 0) return [];
  return [{ xid: group.gtid, position: group.gtid, time: group.time, changes, ddl: group.ddl }];
}

/** With the text of its expectation: one for each statement, as good as. */
type ToldChange = ShadowChange & { readonly told: string | null };

function changeOf(row: LogRow, shape: Shape): ToldChange {
  const old = rowOf(row.old, shape);
  const now = rowOf(row.new, shape);
  // MariaDB's triggers see an ON UPDATE CURRENT_TIMESTAMP also where nothing else changes, and it is not set then.
  const differs = shape.columns.some(([name]) => name !== ON_UPDATE && old?.[name] !== now?.[name]);
  const unchanged = row.op === 'update' && !differs;
  return {
    serial: row.serial,
    xid: row.tx,
    op: row.op,
    shape,
    old,
    new: now,
    login: row.login,
    pid: row.conn,
    application: null,
    told: row.expect,
    expect: expectationOf(row.expect, unchanged),
    ...(unchanged ? { unchanged } : {}),
  };
}

/**
 * Of the first row of a statement, and so of all of them. Where that was left as it was, the first that the server logs is
 * what the shadow's trigger wrote, and then MySQL logs the trigger's text instead of the statement's.
 */
function expectationOf(text: string | null, unchanged: boolean): ShadowChange['expect'] {
  if (text === null) return null;
  const { attached, plain, wordless } = JSON.parse(text) as MysqlExpectation;
  if (!unchanged) return { attached, plain };
  return { attached: [attached, wordless.attached].flat(), plain: [plain, wordless.plain].flat() };
}

function rowOf(text: string | null, { columns }: Shape): TextRow | null {
  if (text === null) return null;
  const tokens = text.split(',');
  if (tokens.length !== columns.length)
    throw new Error(`${columns.length} columns, but ${tokens.length} in ${text.slice(0, 200)}`);
  return Object.fromEntries(
    columns.map(([name, type], i) => [name, tokens[i] === '-' ? null : textOf(type, tokens[i] as string)]),
  );
}

/** Binary values stay in hex; everything else is text in UTF-8. */
function textOf(type: string, hex: string): string {
  if (/blob|binary|geom|point|vector|uuid|inet/.test(type.replace(/\(.*$/s, '')))
    return `\\x${hex.toLowerCase()}`;
  return Buffer.from(hex, 'hex').toString('utf8');
}
