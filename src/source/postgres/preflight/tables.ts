/**
 * What each table needs before it can be captured without harm and without loss. Pure: facts and rules in, verdicts
 * out; doctor shows them, setup obeys them. A table whose UPDATE or DELETE would fail once published is `refused`.
 */
import { clean } from '../../../base/text.ts';
import { type Check, redactionChecks, type TableWish, wishFor } from '../../preflight.ts';
import { quoteIdentifier, quoteRegclass } from '../sql/quote.ts';
import type { PreflightFacts, PublicationFacts, TableFacts } from './facts.ts';

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

function hasIdentity({ identity, key, identityIndex }: TableFacts): boolean {
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

type TableSetting = Pick<PreflightFacts, 'tables' | 'publication' | 'kit'> & {
  readonly server: Pick<PreflightFacts['server'], 'version'>;
};
interface TableCaptureWish {
  readonly tables: readonly TableWish[];
  readonly publication: string;
}

/** The verdicts as checks; none whose SQL could not work yet, without kit or publication. One for each table with something to mend, and a sum of the rest. */
export function tableChecks(facts: TableSetting, wish: TableCaptureWish): Check[] {
  const { tables, publication, kit } = facts;
  const { version } = facts.server;
  const { tables: wishes, publication: publicationName } = wish;
  const verdicts = judgeTables(tables, wishes, publication, version);
  const rows = verdicts.filter(({ table }) => table.kind !== 'p');
  const checks: Check[] = [];
  const add = (verdict: TableVerdict, status: Check['status'], what: string, why: string, fix: string) =>
    checks.push({
      group: 'tables',
      id: `table.${verdict.name}.${what.split(' ')[0]}`,
      status,
      what: `${verdict.name}: ${what}`,
      why,
      fix,
    });
  for (const verdict of verdicts) {
    const { table, refused, uncapturable } = verdict;
    const name = qualified(table);
    if (uncapturable !== null) add(verdict, 'fail', 'uncapturable', uncapturable.why, uncapturable.fix);
    if (refused !== null)
      add(
        verdict,
        'fail',
        table.published ? 'breaks the application NOW' : 'refused',
        refused.why,
        refused.fix,
      );
    if (kit !== null && verdict.needsFull && refused === null)
      add(
        verdict,
        'fail',
        'identity is not FULL',
        'replica_identity: full asks for old values',
        `SELECT rowseal.full_identity(${quoteRegclass(table)});`,
      );
    if (publication !== null && verdict.needsPublishing && refused === null)
      add(
        verdict,
        'fail',
        'unpublished',
        'its changes are not delivered',
        `ALTER PUBLICATION ${quoteIdentifier(publicationName)} ADD TABLE ONLY ${name};`,
      );
    if (kit !== null && verdict.needsTrigger)
      add(
        verdict,
        'fail',
        'trigger missing or not ENABLE ALWAYS',
        'context_trigger: true asks for it',
        `SELECT rowseal.attach(${quoteRegclass(table)});`,
      );
    if (table.rowFilter)
      add(
        verdict,
        'fail',
        'filtered',
        'a row filter hides changes from the trail',
        `ALTER PUBLICATION ${quoteIdentifier(publicationName)} DROP TABLE ${name}; ALTER PUBLICATION ${quoteIdentifier(publicationName)} ADD TABLE ONLY ${name};`,
      );
    if (table.columnList)
      add(
        verdict,
        'fail',
        'columns',
        'a column list hides columns from the trail; redact in the configuration instead',
        `ALTER PUBLICATION ${quoteIdentifier(publicationName)} DROP TABLE ${name}; ALTER PUBLICATION ${quoteIdentifier(publicationName)} ADD TABLE ONLY ${name};`,
      );
    const lost = table.virtual.concat(
      version < 180000 || publication?.generated === false ? table.stored : [],
    );
    if (table.kind === 'r' && lost.length > 0)
      add(
        verdict,
        'warn',
        'generated columns',
        `${lost.join(', ')}: not in the stream, so not in the trail; they follow from the other columns`,
        '',
      );
  }
  for (const table of tables) {
    if (table.kind !== 'p' && table.published && wishFor(table, wishes) === null)
      checks.push({
        group: 'tables',
        id: `table.${table.schema}.${table.table}.unasked`,
        status: 'warn',
        what: `${table.schema}.${table.table}: published, but not asked for`,
        why: 'it is streamed and thrown away',
        fix: `ALTER PUBLICATION ${quoteIdentifier(publicationName)} DROP TABLE ${qualified(table)};`,
      });
  }
  const redactions = redactionChecks(
    tables.filter(({ kind }) => kind !== 'f'),
    wishes,
    { foldsColumns: false, hidesTables: false },
  );
  return [summary(rows), ...identitySummary(rows), ...checks, ...redactions];
}

function summary(rows: readonly TableVerdict[]): Check {
  const published = rows.filter(({ table }) => table.published).length;
  return {
    group: 'tables',
    id: 'tables.matched',
    status: rows.length === 0 ? 'fail' : 'ok',
    what: `${rows.length} ${rows.length === 1 ? 'table matches' : 'tables match'}, ${published} published`,
    why:
      rows.length === 0
        ? 'no table of this database matches: the trail would stay empty'
        : 'temporary tables are never in the WAL and count nowhere',
    fix: rows.length === 0 ? 'See tables[].match in the configuration: schema.table.' : '',
  };
}

function identitySummary(rows: readonly TableVerdict[]): Check[] {
  if (rows.length === 0) return [];
  const full = rows.filter(({ table }) => table.identity === 'f').length;
  const none = rows.filter(({ table }) => !hasIdentity(table)).length;
  return [
    {
      group: 'tables',
      id: 'tables.identity',
      status: 'ok',
      what: `replica identity: ${full} FULL, ${rows.length - full - none} by key${none === 0 ? '' : `, ${none} without key`}`,
      why: 'by key, an update records the new values only and a delete only the key; FULL records the whole old row, and writes it to the WAL each time',
      fix: '',
    },
  ];
}
