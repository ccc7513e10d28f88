/**
 * What each table needs before it can be captured without harm and without loss. Pure: facts and rules in, verdicts
 * out; doctor shows them (table-checks.ts), setup obeys them. A table whose UPDATE or DELETE would fail once published is `refused`.
 */
import { clean } from '../../../base/text.ts';
import { type TableWish, wishFor } from '../../preflight.ts';
import { quoteIdentifier } from '../sql/quote.ts';
import type { PublicationFacts, TableFacts } from './facts.ts';

export interface TableVerdict {
  readonly table: TableFacts;
  readonly name: string;
  /** `SELECT rowseal.full_identity(…)` has to run before it is published. */
  readonly needsFull: boolean;
  readonly needsTrigger: boolean;
  readonly needsPublishing: boolean;
  /** Publishing it would break the application, or could not be done; why, and what mends it. */
  readonly refused: { readonly why: string; readonly fix: string } | null;
  /** Publishing it is impossible and harmless to leave: no change of it reaches the WAL. */
  readonly uncapturable: { readonly why: string; readonly fix: string } | null;
}

/** The verdict on every table that the configuration asks for; partitioned roots only where they need triggers. */
export function judgeTables(
  tables: readonly TableFacts[],
  wishes: readonly TableWish[],
  publication: PublicationFacts | null,
  version: number,
): TableVerdict[] {
  // From 18 on a publication of ours publishes stored generated columns; one that is there may not.
  const storedHidden = version >= 180000 && publication?.generated === false;
  const triggered = triggeredTables(tables, wishes);
  return tables.flatMap((table): TableVerdict[] => {
    const name = `${table.schema}.${table.table}`;
    const wish = wishFor(table, wishes) ?? (triggered.has(name) ? TRIGGER_ONLY : null);
    if (wish === null || (wish === TRIGGER_ONLY && table.kind !== 'p')) return [];
    const isRoot = table.kind === 'p';
    const needsFull = !isRoot && wish.replica_identity === 'full' && table.identity !== 'f';
    const uncapturable = whyUncapturable(table);
    const capturable = !isRoot && uncapturable === null;
    return [
      {
        table,
        name,
        needsFull: capturable && needsFull,
        needsTrigger: uncapturable === null && triggered.has(name) && !table.attached,
        needsPublishing: capturable && !table.published,
        refused: capturable ? whyRefused(table, wish, needsFull, storedHidden) : null,
        uncapturable,
      },
    ];
  });
}

const TRIGGER_ONLY: TableWish = {
  match: '',
  exclude: false,
  context_trigger: true,
  replica_identity: 'keep',
};

/** Tables that need our triggers: those that ask, and their ancestors, since a statement fires the triggers of the table it names. */
function triggeredTables(tables: readonly TableFacts[], wishes: readonly TableWish[]): Set<string> {
  const asking = tables.filter((table) => wishFor(table, wishes)?.context_trigger === true);
  return new Set(asking.flatMap((table) => [`${table.schema}.${table.table}`, ...table.ancestors]));
}

function whyUncapturable({ schema, table, kind, unlogged }: TableFacts): TableVerdict['uncapturable'] {
  const name = qualified({ schema, table });
  const exclude = `exclude it: { match: ${clean(`${schema}.${table}`)}, exclude: true }`;
  if (kind === 'f')
    return { why: 'a foreign table: its rows change on another server, not in this WAL', fix: exclude };
  if (unlogged && kind === 'r')
    return {
      why: 'UNLOGGED: its rows are never in the WAL',
      fix: `ALTER TABLE ${name} SET LOGGED; -- rewrites it; or ${exclude}`,
    };
  return null;
}

function whyRefused(
  table: TableFacts,
  wish: TableWish,
  needsFull: boolean,
  storedHidden: boolean,
): TableVerdict['refused'] {
  const name = qualified(table);
  const full = needsFull || table.identity === 'f';
  if (full && table.virtual.length > 0)
    return {
      why: `a virtual generated column (${table.virtual.join(', ')}) under REPLICA IDENTITY FULL: every UPDATE and DELETE would fail`,
      fix: `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT; -- with a primary key, and replica_identity: keep`,
    };
  if (full && storedHidden && table.stored.length > 0)
    return {
      why: `a stored generated column (${table.stored.join(', ')}) that the publication leaves out, under REPLICA IDENTITY FULL: every UPDATE and DELETE would fail`,
      fix: 'ALTER PUBLICATION … SET (publish_generated_columns = stored);',
    };
  if (full || hasIdentity(table)) return null;
  return {
    why: `no key that serves as replica identity${table.identity === 'n' ? ' (REPLICA IDENTITY NOTHING)' : ''}: once published, every UPDATE and DELETE would fail`,
    // An entry replaces the one before it: what that asked for is to be asked again.
    fix: `ALTER TABLE ${name} REPLICA IDENTITY FULL; -- or an entry of its own: { match: ${clean(`${table.schema}.${table.table}`)}, replica_identity: full${wish.context_trigger ? ', context_trigger: true' : ''} } (the last match wins as a whole: repeat class and columns too), a primary key, or exclude: true`,
  };
}

/** Whether an UPDATE or DELETE of it can be published. */
export function hasIdentity({ identity, key, identityIndex }: TableFacts): boolean {
  switch (identity) {
    case 'd':
      return key;
    case 'i':
      return identityIndex;
    case 'f':
      return true;
    case 'n':
      return false;
    default:
      return identity satisfies never;
  }
}

export const qualified = ({ schema, table }: { schema: string; table: string }) =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
