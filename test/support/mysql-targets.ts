/**
 * What `targets` say of a DDL statement, compared with the tables of a database before and after it: never less than
 * happened, and what they say for certain must have happened.
 */
import { identifier } from './mysql-shadow.ts';

export interface Target {
  readonly schema?: string | null;
  readonly table?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly effects: readonly string[];
  readonly becomes?: { readonly schema: string | null; readonly table?: string; readonly name?: string };
}

export interface TableState {
  /** Columns as the catalog has them. */
  readonly shape: string;
  /** All rows; null where they can't be read. */
  readonly rows: readonly string[] | null;
}

export type Tables = ReadonlyMap<string, TableState>;

interface Server {
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>;
}

/** The base tables of a database. */
export async function readTables(server: Server, database: string): Promise<Tables> {
  const tables = new Map<string, TableState>();
  const names = await server.sql(
    `select table_name as name from information_schema.tables
      where table_schema = ? and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') order by table_name`,
    [database],
  );
  for (const { name } of names) {
    const columns = await server.sql(
      `select column_name, column_type, column_default, is_nullable, extra, generation_expression, character_set_name
         from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`,
      [database, name],
    );
    const of = `${identifier(database)}.${identifier(name!)}`;
    const rows = await server.sql(`select * from ${of}`).catch(() => null);
    const texts = rows?.map((row) => JSON.stringify(row)).sort() ?? null;
    tables.set(name!, { shape: JSON.stringify(columns), rows: texts });
  }
  return tables;
}

/** What targets leave out, or say wrongly; empty where they are right. */
export function problemsOfTargets(
  database: string,
  before: Tables,
  after: Tables,
  targets: readonly Target[],
): string[] {
  const problems: string[] = [];
  const ours = targets.filter(({ schema, table }) => schema === database && table !== undefined);
  const all = targets.some(({ table, name }) => table === undefined && name === undefined);
  /** What each table is called now, as the targets tell it. */
  const now = new Map([...before.keys()].map((name) => [name, name]));
  const said = new Map<string, Set<string>>();
  for (const { table = '', effects, becomes } of ours) {
    const words = said.get(table) ?? new Set();
    said.set(table, words);
    for (const effect of effects) words.add(effect);
    if (becomes?.table === undefined) continue;
    const origin = [...now].find(([, name]) => name === table)?.[0] ?? table;
    now.set(origin, becomes.table);
    said.set(becomes.table, new Set([...(said.get(becomes.table) ?? []), ...words]));
  }
  const renamedTo = new Set([...now].flatMap(([from, to]) => (from === to ? [] : [to])));
  for (const [name, was] of before) {
    const words = said.get(name) ?? new Set();
    if (all || words.has('unknown')) continue;
    const is = after.get(now.get(name) ?? name);
    const anew = words.has('creates');
    if (is === undefined) {
      if (!words.has('drops')) problems.push(`${name} is gone`);
      continue;
    }
    if (words.has('drops') && !anew) problems.push(`${name} is still there`);
    if (anew && !words.has('drops')) problems.push(`${name} was there before`);
    if (anew) continue;
    const isOther = is.shape !== was.shape;
    if (isOther && !words.has('columns')) problems.push(`${name} has other columns`);
    if (is.rows === null) continue;
    const differs = JSON.stringify(is.rows) !== JSON.stringify(was.rows);
    const mayDiffer = ['empties', 'replaces', 'columns'].some((effect) => words.has(effect));
    if (differs && !mayDiffer) problems.push(`${name} has other rows`);
    if (words.has('empties') && is.rows.length > 0) problems.push(`${name} has rows`);
  }
  for (const name of after.keys()) {
    if (before.has(name) || renamedTo.has(name) || all) continue;
    const words = said.get(name) ?? new Set();
    if (!words.has('creates') && !words.has('unknown')) problems.push(`${name} is there`);
  }
  for (const [name, words] of said) {
    if (words.has('creates') && !after.has(now.get(name) ?? name)) problems.push(`${name} was not made`);
    if (words.has('none') && words.size > 1) problems.push(`${name}: ${[...words].join(' ')}`);
  }
  return problems;
}
