/**
 * Columns that the configuration redacts, as the server has them now. information_schema shows what our account has some
 * privilege on, so where nothing of a rule's schema is shown, nothing is said of it. Names of tables and columns alone.
 */
import type { RowsealError } from '../../../base/errors.ts';
import type { Policy } from '../../../change/policy/policy.ts';
import { unmatchedError, unmatchedRedactions } from '../../../change/policy/unmatched.ts';
import type { ColumnsNow } from '../events/table-map.ts';
import { quoteLiteral } from '../sql/quote.ts';
import type { SideSession } from '../wire/sessions.ts';

export interface RedactedColumns {
  /** Null where every redaction has its column. */
  readonly unmatched: RowsealError | null;
  /** Of tables that a rule of their own names: all of their columns. */
  readonly columnsOf: ColumnsNow;
}

/** Null where nothing has to be there: then the server is not asked. */
export async function readRedacted(
  side: SideSession,
  policy: Policy,
  tables: readonly { readonly schema: string; readonly table: string }[],
  foldsNames: boolean,
): Promise<RedactedColumns | null> {
  const rules = policy.rules.filter(({ required }) => required.length > 0);
  if (rules.length === 0) return null;
  const fold = (name: string) => (foldsNames ? name.toLowerCase() : name);
  const own = new Set(rules.filter(({ oneTable }) => oneTable).map(({ match }) => fold(match)));
  const named = tables.filter(({ schema, table }) => own.has(fold(`${schema}.${table}`)));
  const names = [...new Set(rules.flatMap(({ required }) => required))];
  const rows = await side.query(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, COLUMN_NAME AS column_name
       FROM information_schema.COLUMNS
      WHERE COLUMN_NAME IN (${names.map(quoteLiteral).join(',')})${named.map(orOf).join('')}
      ORDER BY ORDINAL_POSITION`,
  );
  const nameOf = (schema: string, table: string) => JSON.stringify([fold(schema), fold(table)]);
  const columns = Map.groupBy(rows, (row) => nameOf(row['schema_name'] ?? '', row['table_name'] ?? ''));
  const columnsOf = (schema: string, table: string) =>
    (columns.get(nameOf(schema, table)) ?? []).map((row) => row['column_name'] ?? '');
  const known = tables.map(({ schema, table }) => ({
    schema,
    table,
    ancestors: [],
    foldsNames,
    columns: columnsOf(schema, table),
  }));
  const found = unmatchedRedactions(policy, known, { foldsColumns: true, hidesTables: true });
  const whole = new Set(named.map(({ schema, table }) => nameOf(schema, table)));
  return {
    unmatched: found.length === 0 ? null : unmatchedError(found),
    columnsOf: (schema, table) => (whole.has(nameOf(schema, table)) ? columnsOf(schema, table) : undefined),
  };
}

function orOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return ` OR (TABLE_SCHEMA = ${quoteLiteral(schema)} AND TABLE_NAME = ${quoteLiteral(table)})`;
}
