/**
 * Columns that the configuration redacts, as the catalogs have them, by table and number: so a column is known whatever
 * it is called, and its table too. What was seen survives reconnects. Asks for names of columns, never for a row.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { Policy } from '../../../change/policy/policy.ts';
import { redactionOf } from '../../../change/policy/row-plan.ts';
import { unmatchedError, unmatchedRedactions } from '../../../change/policy/unmatched.ts';
import type { SideSession } from '../wire/sessions.ts';
import { type Capture, split } from './capture.ts';

export interface RedactedColumns {
  /** Compares with the look before. */
  look(side: SideSession, capture: Capture): Promise<void>;
  /** Redacted columns of a table, by their names at the last look. */
  of(oid: number): readonly string[];
  /** What the last look found: redactions without a column, redacted columns that a rename left plain. */
  unmatched(): RowsealError | null;
}

/** A column by its number; `name` as of the look when it was redacted last. */
interface Seen {
  readonly oid: number;
  readonly number: number;
  readonly name: string;
}

/** Names as text: longer than a name can be, a rule's matches nothing. */
const COLUMNS = `
  select a.attrelid as oid, a.attnum as number, a.attname as name
    from pg_attribute a join pg_class c on c.oid = a.attrelid
   where c.relkind in ('r', 'p') and c.relpersistence <> 't' and a.attnum > 0 and not a.attisdropped
     and (a.attname::text in (select json_array_elements_text($1::json))
          or (a.attrelid, a.attnum) in (select * from unnest($2::oid[], $3::int2[])))`;

export function createRedactedColumns(policy: Policy | null): RedactedColumns {
  const names = [...new Set(policy?.rules.flatMap(({ required, former }) => [...required, ...former]))];
  let seen: readonly Seen[] = [];
  let byTable = new Map<number, string[]>();
  let unmatched: RowsealError | null = null;

  return {
    look: async (side, capture) => {
      if (policy === null || names.length === 0) return;
      const known = [seen.map(({ oid }) => oid), seen.map(({ number }) => number)];
      const rows = await side.query(COLUMNS, [JSON.stringify(names), ...known.map((each) => `{${each}}`)]);
      const columns = rows.map((row): Seen => {
        return { oid: Number(row['oid']), number: Number(row['number']), name: row['name'] ?? '' };
      });
      const judged = judge(policy, capture, seen, columns);
      ({ seen, unmatched } = judged);
      byTable = new Map();
      for (const { oid, name } of seen) byTable.set(oid, [...(byTable.get(oid) ?? []), name]);
    },
    of: (oid) => byTable.get(oid) ?? [],
    unmatched: () => unmatched,
  };
}

/** Pure. `seen`: what is redacted now; a column that a rename left plain stays in it, as it was. */
export function judge(
  policy: Policy,
  capture: Capture,
  before: readonly Seen[],
  now: readonly Seen[],
): { readonly seen: readonly Seen[]; readonly unmatched: RowsealError | null } {
  const columnsOf = Map.groupBy(now, ({ oid }) => oid);
  const tables = [...capture.tables].map(([name, { oid, ancestors }]) => {
    const [schema, table] = split(name);
    return { oid, schema, table, ancestors, columns: (columnsOf.get(oid) ?? []).map((each) => each.name) };
  });
  const found = unmatchedRedactions(policy, tables, { foldsColumns: false, hidesTables: false });
  const was = new Map(before.map((each) => [`${each.oid}.${each.number}`, each]));
  const seen: Seen[] = [];
  const plain: string[] = [];
  for (const { oid, schema, table, ancestors } of tables) {
    const rule = policy.table({ schema, table, ancestors });
    for (const column of columnsOf.get(oid) ?? []) {
      const earlier = was.get(`${oid}.${column.number}`);
      const isPlain = rule !== null && redactionOf(rule, {}, column.name) === null;
      if (rule !== null && !isPlain) seen.push(column);
      else if (earlier !== undefined) seen.push(earlier);
      if (isPlain && earlier !== undefined)
        plain.push(`${schema}.${table}: ${shown(earlier.name, column.name)}`);
    }
  }
  return {
    seen,
    unmatched: plain.length > 0 ? unredacted(plain) : found.length > 0 ? unmatchedError(found) : null,
  };
}

function shown(was: string, is: string): string {
  return was === is ? is : `${was}, now ${is}`;
}

function unredacted(columns: readonly string[]): RowsealError {
  const text = `${columns.slice(0, 20).join('; ')}: redacted until now, and no redaction names it`;
  return new RowsealError('redaction_unmatched', text, { details: { columns } });
}
