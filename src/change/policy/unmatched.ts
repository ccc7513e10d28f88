/**
 * Redactions that have no column, found in a list of a server's tables: pure, and the same for the start of a daemon, its
 * looks at the server, and doctor. Somebody renamed a table or a column, or misspelt one: what was meant to be redacted
 * would be recorded as it is, for good.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Policy, RedactionRule } from './policy.ts';

/** A table as the catalogs have it now. `columns`: at least those that any rule names. */
export interface KnownTable {
  readonly schema: string;
  readonly table: string;
  readonly ancestors: readonly string[];
  readonly foldsNames?: boolean;
  readonly columns: readonly string[];
}

export interface Unmatched {
  /** The rule's `match`. */
  readonly rule: string;
  readonly columns: readonly string[];
  /** For people: what is missing. */
  readonly why: string;
}

export interface Server {
  /** Names of columns are the same whatever their case. */
  readonly foldsColumns: boolean;
  /** Tables may be there that were not shown to us: of a schema, or a pattern, of which none is shown, nothing is said. */
  readonly hidesTables: boolean;
}

/**
 * Each column that a rule requires has to be in one of the tables that it holds for: of a rule for one table, that one and
 * its partitions. One finding a rule, in the rules' order.
 */
export function unmatchedRedactions(
  policy: Pick<Policy, 'table' | 'rules'>,
  tables: readonly KnownTable[],
  server: Server,
): Unmatched[] {
  if (policy.rules.every(({ required }) => required.length === 0)) return [];
  const byRule = Map.groupBy(tables, (table) => policy.table(table)?.rule ?? null);
  return policy.rules.flatMap((rule): Unmatched[] => {
    if (rule.required.length === 0) return [];
    const own = byRule.get(rule) ?? [];
    const columns = lackingIn(rule, own, server.foldsColumns);
    if (columns.length === 0 || (server.hidesTables && !isShown(rule, own, tables))) return [];
    const shadowed = own.length === 0 && tables.some((table) => isNamed(table, rule));
    return [{ rule: rule.match, columns, why: reason(rule, own.length, shadowed) }];
  });
}

/** Throws `redaction_unmatched` for what was found. */
export function unmatchedError(found: readonly Unmatched[]): RowsealError {
  const text = found.map(({ rule, columns, why }) => `${rule}: ${columns.join(', ')}: ${why}`).join('; ');
  return new RowsealError('redaction_unmatched', text, { details: { unmatched: found } });
}

function lackingIn(rule: RedactionRule, tables: readonly KnownTable[], folds: boolean): string[] {
  const fold = (name: string) => (folds ? name.toLowerCase() : name);
  const there = new Set(tables.flatMap(({ columns }) => columns.map(fold)));
  return rule.required.filter((name) => !there.has(fold(name)));
}

function isNamed({ schema, table, foldsNames = false }: KnownTable, { match }: RedactionRule): boolean {
  const name = `${schema}.${table}`;
  return foldsNames ? name.toLowerCase() === match.toLowerCase() : name === match;
}

function isShown(rule: RedactionRule, own: readonly KnownTable[], all: readonly KnownTable[]): boolean {
  if (own.length > 0 || !rule.oneTable) return own.length > 0;
  return all.some(({ schema, foldsNames }) =>
    foldsNames
      ? rule.match.toLowerCase().startsWith(`${schema.toLowerCase()}.`)
      : rule.match.startsWith(`${schema}.`),
  );
}

function reason({ oneTable }: RedactionRule, tables: number, shadowed: boolean): string {
  if (shadowed) return 'a later entry holds for this table, as a whole';
  if (oneTable) return tables === 0 ? 'there is no such table' : 'the table has no such column';
  return tables === 0 ? 'the entry holds for no table' : 'no table of it has such a column';
}
