/**
 * Which tables the configuration reaches on this server, and whether those that shall have a context trigger have it. By
 * names alone, since a server may have a hundred thousand tables; what is told of them is bounded. Pure.
 */
import type { Kit } from './kit.ts';
import type { CaptureProblem } from './settings.ts';

/** Whether the configuration says so of a table; `foldsNames`: of a server that compares their names without case. */
export type OfTable = (schema: string, table: string, foldsNames: boolean) => boolean;

export interface Coverage {
  /** How many tables match; null where the account sees no table at all, which may be for want of a privilege. */
  readonly matched: number | null;
  /** `schema.table` of those that shall have a context trigger and lack one. */
  readonly lacking: readonly string[];
  /** Those whose triggers do something else than ours. */
  readonly altered: readonly string[];
  /** There is no kit that we may see. */
  readonly noKit: boolean;
}

export function coverageOf(
  tables: readonly { readonly schema: string; readonly table: string }[],
  kit: Kit | null,
  foldsNames: boolean,
  { covers, wantsTrigger }: { readonly covers: OfTable; readonly wantsTrigger: OfTable },
): Coverage {
  const folded = (name: string) => (foldsNames ? name.toLowerCase() : name);
  const having = new Set([...(kit?.tables ?? [])].map(folded));
  const whole = new Set([...(kit?.whole ?? [])].map(folded));
  const lacking: string[] = [];
  const altered: string[] = [];
  let matched = 0;
  for (const { schema, table } of tables) {
    if (!covers(schema, table, foldsNames)) continue;
    matched++;
    const name = `${schema}.${table}`;
    if (whole.has(folded(name)) || !wantsTrigger(schema, table, foldsNames)) continue;
    (having.has(folded(name)) ? altered : lacking).push(name);
  }
  const seen = tables.length === 0 ? null : matched;
  return { matched: seen, lacking: lacking.sort(), altered: altered.sort(), noKit: kit === null };
}

/** Tables that are named, of each kind; more are only counted. */
const MAX_NAMED = 20;

export function coverageProblems({ lacking, altered, noKit }: Coverage): CaptureProblem[] {
  if (noKit && lacking.length > 0) {
    const tables = lacking.length === 1 ? lacking[0]! : `${lacking.length} tables`;
    const text = `${tables} ${lacking.length === 1 ? 'has' : 'have'} no context trigger: there is no kit that the account may see`;
    return [{ what: 'no_context_trigger', object: tables, detail: 'no kit', text }];
  }
  return [
    ...named('no_context_trigger', lacking, 'has no context trigger', 'have no context trigger'),
    ...named('context_trigger_altered', altered, 'has an altered context trigger', 'have altered ones'),
  ];
}

function named(what: string, tables: readonly string[], one: string, many: string): CaptureProblem[] {
  const found = tables
    .slice(0, MAX_NAMED)
    .map((table): CaptureProblem => ({ what, object: table, detail: null, text: `${table} ${one}` }));
  const more = tables.length - found.length;
  if (more === 0) return found;
  const object = `${more} more ${more === 1 ? 'table' : 'tables'}`;
  return [...found, { what, object, detail: null, text: `${object} ${more === 1 ? one : many}` }];
}
