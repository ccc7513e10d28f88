/**
 * The verdicts on tables as doctor shows them: one check for each thing to mend, and a sum of the rest. Pure. It must
 * never tell SQL that could not work yet, for want of kit or publication.
 */
import { type Check, redactionChecks, type TableWish, wishFor } from '../../preflight.ts';
import { quoteIdentifier, quoteRegclass } from '../sql/quote.ts';
import type { PreflightFacts, TableFacts } from './facts.ts';
import { hasIdentity, judgeTables, qualified, type TableVerdict } from './tables.ts';

type TableSetting = Pick<PreflightFacts, 'tables' | 'publication' | 'kit'> & {
  readonly server: Pick<PreflightFacts['server'], 'version'>;
};
interface TableCaptureWish {
  readonly tables: readonly TableWish[];
  readonly publication: string;
}

/** The sums first. */
export function tableChecks(facts: TableSetting, wish: TableCaptureWish): Check[] {
  const { tables, publication, server } = facts;
  const verdicts = judgeTables(tables, wish.tables, publication, server.version);
  const rows = verdicts.filter(({ table }) => table.kind !== 'p');
  const redactions = redactionChecks(
    tables.filter(({ kind }) => kind !== 'f'),
    wish.tables,
    { foldsColumns: false, hidesTables: false },
  );
  return [
    summary(rows),
    ...identitySummary(rows),
    ...verdicts.flatMap((verdict) => [
      ...harmChecks(verdict),
      ...setupChecks(verdict, facts, wish),
      ...hiddenChecks(verdict, facts, wish),
    ]),
    ...unaskedChecks(tables, wish),
    ...redactions,
  ];
}

/** `what` begins with a word that no other check of the table begins with: its id ends in it. */
function checkOf(
  { name }: TableVerdict,
  status: Check['status'],
  what: string,
  why: string,
  fix: string,
): Check {
  const id = `table.${name}.${what.split(' ')[0]}`;
  return { group: 'tables', id, status, what: `${name}: ${what}`, why, fix };
}

/** What can't be captured, or not without harm to the application. */
function harmChecks(verdict: TableVerdict): Check[] {
  const { table, refused, uncapturable } = verdict;
  const checks: Check[] = [];
  if (uncapturable !== null)
    checks.push(checkOf(verdict, 'fail', 'uncapturable', uncapturable.why, uncapturable.fix));
  if (refused !== null) {
    const what = table.published ? 'breaks the application NOW' : 'refused';
    checks.push(checkOf(verdict, 'fail', what, refused.why, refused.fix));
  }
  return checks;
}

/** What setup would do for it. */
function setupChecks(
  verdict: TableVerdict,
  { kit, publication }: TableSetting,
  wish: TableCaptureWish,
): Check[] {
  const { table, refused, needsFull, needsPublishing, needsTrigger } = verdict;
  const checks: Check[] = [];
  if (kit !== null && needsFull && refused === null)
    checks.push(
      checkOf(
        verdict,
        'fail',
        'identity is not FULL',
        'replica_identity: full asks for old values',
        `SELECT rowseal.full_identity(${quoteRegclass(table)});`,
      ),
    );
  if (publication !== null && needsPublishing && refused === null)
    checks.push(
      checkOf(
        verdict,
        'fail',
        'unpublished',
        'its changes are not delivered',
        alter(wish, 'ADD TABLE ONLY', table),
      ),
    );
  if (kit !== null && needsTrigger)
    checks.push(
      checkOf(
        verdict,
        'fail',
        'trigger missing or not ENABLE ALWAYS',
        'context_trigger: true asks for it',
        `SELECT rowseal.attach(${quoteRegclass(table)});`,
      ),
    );
  return checks;
}

/** Rows and columns that the stream leaves out of it. */
function hiddenChecks(
  verdict: TableVerdict,
  { publication, server }: TableSetting,
  wish: TableCaptureWish,
): Check[] {
  const { table } = verdict;
  const checks: Check[] = [];
  const anew = `${alter(wish, 'DROP TABLE', table)} ${alter(wish, 'ADD TABLE ONLY', table)}`;
  if (table.rowFilter)
    checks.push(checkOf(verdict, 'fail', 'filtered', 'a row filter hides changes from the trail', anew));
  if (table.columnList) {
    const why = 'a column list hides columns from the trail; redact in the configuration instead';
    checks.push(checkOf(verdict, 'fail', 'columns', why, anew));
  }
  const storedHidden = server.version < 180000 || publication?.generated === false;
  const lost = table.virtual.concat(storedHidden ? table.stored : []);
  if (table.kind === 'r' && lost.length > 0) {
    const why = `${lost.join(', ')}: not in the stream, so not in the trail; they follow from the other columns`;
    checks.push(checkOf(verdict, 'warn', 'generated columns', why, ''));
  }
  return checks;
}

function unaskedChecks(tables: readonly TableFacts[], wish: TableCaptureWish): Check[] {
  return tables
    .filter((table) => table.kind !== 'p' && table.published && wishFor(table, wish.tables) === null)
    .map((table) => ({
      group: 'tables',
      id: `table.${table.schema}.${table.table}.unasked`,
      status: 'warn',
      what: `${table.schema}.${table.table}: published, but not asked for`,
      why: 'it is streamed and thrown away',
      fix: alter(wish, 'DROP TABLE', table),
    }));
}

function alter({ publication }: TableCaptureWish, how: string, table: TableFacts): string {
  return `ALTER PUBLICATION ${quoteIdentifier(publication)} ${how} ${qualified(table)};`;
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
