/**
 * A table as the trail knows it: by which rule and into which class it is recorded, and which column bears which number.
 * `captured` in lifecycle records is a list of these, which a later daemon reads back (FORMAT.md section 11). Pure.
 */
import type { Relation } from '../change.ts';
import type { KnownRecord } from '../known.ts';
import type { Redaction } from '../policy/policy.ts';

export interface CapturedColumn {
  readonly name: string;
  readonly number?: number;
  readonly redaction?: Redaction;
}

export interface CapturedTable {
  readonly schema: string;
  readonly table: string;
  readonly oid?: number;
  /** Names of schemas and tables are the same whatever their case. */
  readonly folds?: true;
  /** The rule's `match`. */
  readonly rule: string;
  readonly class: string;
  readonly columns: readonly CapturedColumn[];
  /** The number that the next new column gets, where the numbers are ours to give. */
  readonly next?: number;
  /** Which column is which can't be told by names any more: nothing may be carried from here. */
  readonly numbers?: 'lost';
}

/** What a table is known by: its oid, else its name. */
export function keyOf({
  oid,
  schema,
  table,
  folds,
}: Pick<CapturedTable, 'oid' | 'schema' | 'table' | 'folds'>) {
  return oid === undefined ? nameKey(schema, table, folds === true) : String(oid);
}

export function keyOfRelation({ oid, schema, table, foldsNames }: Relation): string {
  return oid === undefined ? nameKey(schema, table, foldsNames === true) : String(oid);
}

/** `table` null: what the keys of all tables of the schema begin with. */
export function nameKey(schema: string, table: string | null, folds: boolean): string {
  const fold = (name: string) => JSON.stringify(folds ? name.toLowerCase() : name);
  return table === null ? `${fold(schema)}.` : `${fold(schema)}.${fold(table)}`;
}

/**
 * The tables that a record knew; what is none is left out. Names that had come to say nothing are the operator's word
 * again where his configuration is another one.
 */
export function tablesOf(known: KnownRecord | null, configuration: unknown): CapturedTable[] {
  const { captured, configuration: before } = known?.details ?? {};
  const tables = Array.isArray(captured) ? captured.filter(isTable) : [];
  if (JSON.stringify(before) === JSON.stringify(configuration)) return tables;
  return tables.map(({ numbers, ...table }) =>
    numbers === undefined || table.oid === undefined ? table : { ...table, numbers },
  );
}

/** Far below what a record holds, and all that a daemon rewrites where tables are without number. */
const MOST_BYTES = 8 * 1024 * 1024;

/** As many as a record holds whole; of the older ones only that they were there: their columns are told anew. */
export function fitting(tables: readonly CapturedTable[], mostBytes = MOST_BYTES): readonly CapturedTable[] {
  const sizes = tables.map((table) => Buffer.byteLength(JSON.stringify(table)));
  let over = sizes.reduce((sum, size) => sum + size, 0) - mostBytes;
  if (over <= 0) return tables;
  return tables.map((table, i) => {
    if (over <= 0) return table;
    const bare: CapturedTable = { ...table, columns: [], numbers: 'lost' };
    over -= (sizes[i] as number) - Buffer.byteLength(JSON.stringify(bare));
    return bare;
  });
}

function isTable(value: unknown): value is CapturedTable {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, table, oid, rule, class: className, columns, next } = value as Record<string, unknown>;
  const texts = [schema, table, rule, className];
  if (!texts.every((text) => typeof text === 'string')) return false;
  return isOptional(oid) && isOptional(next) && Array.isArray(columns) && columns.every(isColumn);
}

function isColumn(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, number } = value as Record<string, unknown>;
  return typeof name === 'string' && isOptional(number);
}

function isOptional(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
}
