/**
 * Stands before the plans: whether a relation, as the stream has it now, still has what the rules redact. It looks once
 * at each relation and at each statement that renames, never at a row, and it throws `redaction_unmatched` before
 * anything of the relation is recorded: a trail that stops can go on, plain values under a lock can't be taken back.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Relation, TableMove } from '../change.ts';
import type { Policy, TablePolicy } from './policy.ts';
import { redactionOf } from './row-plan.ts';

export interface RedactionGuard {
  check(relation: Relation): void;
  /** All that one statement moved, in the order in which it took effect. */
  moved(moves: readonly TableMove[]): void;
}

/** Columns of a table that were redacted last, without former ones. */
interface Known {
  readonly names: readonly string[];
  /** They were in the stream; else they are what the rule of the table's earlier name asks. */
  readonly seen: boolean;
}

/** Who renames by statement has names of columns without case. */
const FOLDS = { foldsColumns: true } as const;

export function createRedactionGuard(policy: Pick<Policy, 'table'>): RedactionGuard {
  const known = new Map<string, Known>();

  /** What is known of the table; from now on nothing is, under this name. */
  const take = (schema: string, table: string, foldsNames: boolean) => {
    const rule = policy.table({ schema, table, ancestors: [], foldsNames });
    const key = keyOf(schema, table, foldsNames);
    const last = known.get(key) ?? { names: [...(rule?.columns.keys() ?? [])], seen: false };
    known.delete(key);
    return { rule, last };
  };

  const move = (schema: string, table: string, { to, columns, foldsNames }: TableMove) => {
    const { rule, last } = take(schema, table, foldsNames);
    if (to === null) return;
    const next = policy.table({ ...to, ancestors: [], foldsNames });
    const bare = columns.filter(({ from, to: name }) => {
      const was = includes(last.names, from) || (rule !== null && redactionOf(rule, FOLDS, from) !== null);
      return was && next !== null && redactionOf(next, FOLDS, name) === null;
    });
    if (bare.length > 0)
      throw unredacted(
        to,
        bare.map(({ from, to: name }) => `${from}, now ${name}`),
      );
    const renamed = (name: string) => columns.find(({ from }) => same(from, name))?.to ?? name;
    known.set(keyOf(to.schema, to.table, foldsNames), { ...last, names: last.names.map(renamed) });
  };

  /** Behind the whole statement, since one name may have served for another on the way. */
  const expectRedacted = ({ to, foldsNames }: TableMove) => {
    if (to === null) return;
    const last = known.get(keyOf(to.schema, to.table, foldsNames));
    const next = policy.table({ ...to, ancestors: [], foldsNames });
    if (last?.seen !== true || next === null) return;
    const bare = last.names.filter((name) => redactionOf(next, FOLDS, name) === null);
    if (bare.length > 0) throw unredacted(to, bare);
  };

  return {
    check(relation) {
      const table = policy.table(relation);
      if (table === null) return;
      const { oid, schema, table: name, foldsNames = false } = relation;
      const key = oid === undefined ? keyOf(schema, name, foldsNames) : String(oid);
      const names = expectColumns(relation, table, known.get(key) ?? { names: [], seen: false });
      // Where ancestors are lost, more is withheld than the rules ask: that need not stay so.
      if (relation.ancestry !== 'lost') known.set(key, { names, seen: true });
    },
    moved(moves) {
      for (const each of moves) {
        const { schema, table, foldsNames } = each;
        if (table !== null) move(schema, table, each);
        else
          for (const key of known.keys())
            if (key.startsWith(keyOf(schema, null, foldsNames))) known.delete(key);
      }
      for (const each of moves) expectRedacted(each);
    },
  };
}

/** Throws where something is missing or plain; else what of it is redacted and has to stay so. */
function expectColumns(relation: Relation, table: TablePolicy, last: Known): string[] {
  const { foldsColumns = false, redactedBefore = [], unsent = [] } = relation;
  const within = (names: readonly string[], name: string) => includes(names, name, foldsColumns);
  const there = relation.columns.map(({ name }) => name);
  const { former, earlier, required, oneTable } = table.rule;

  const before = [...last.names, ...redactedBefore];
  const bare = before.filter((name) => within(there, name) && redactionOf(table, relation, name) === null);
  if (bare.length > 0) throw unredacted(relation, [...new Set(bare)]);

  const lost = last.seen ? last.names.filter((name) => !within(there, name) && !within(former, name)) : [];
  if (lost.length > 0) throw gone(relation, lost, 'redacted until now, not there any more');

  // As it was before it was renamed, it has as many earlier names as it lacks required ones.
  const asked = new Set([
    ...(oneTable ? required : []),
    ...redactedBefore.filter((name) => !within(former, name)),
  ]);
  const lacking = [...asked].filter((name) => !within(there, name) && !within(unsent, name));
  const excused = earlier.filter((name) => within(there, name)).length;
  if (lacking.length > excused)
    throw gone(relation, lacking, 'redacted, but not there at this point of the log');

  return there.filter((name) => redactionOf(table, relation, name) !== null && !within(former, name));
}

interface Name {
  readonly schema: string;
  readonly table: string;
}

function unredacted({ schema, table }: Name, columns: readonly string[]): RowsealError {
  return new RowsealError(
    'redaction_unmatched',
    `${schema}.${table}: ${columns.join('; ')}: redacted until now, and no redaction names it`,
    { details: { table: { schema, table }, columns } },
  );
}

function gone({ schema, table }: Name, columns: readonly string[], what: string): RowsealError {
  return new RowsealError('redaction_unmatched', `${schema}.${table}: ${columns.join(', ')}: ${what}`, {
    details: { table: { schema, table }, columns },
  });
}

/** `table` null: what the keys of all tables of the schema begin with. */
function keyOf(schema: string, table: string | null, folds: boolean): string {
  const [first, second] = folds ? [schema.toLowerCase(), table?.toLowerCase()] : [schema, table];
  const prefix = `${JSON.stringify(first)}.`;
  return table === null ? prefix : `${prefix}${JSON.stringify(second)}`;
}

function includes(names: readonly string[], name: string, folds = true): boolean {
  return names.some((each) => each === name || (folds && same(each, name)));
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
