/**
 * Every table that was recorded so far, and the numbers of its columns, across relations, statements and restarts. It
 * reads what the trail knew, and hands out what a later daemon has to know. It must never take one column for another.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Column, Relation, TableMove } from '../change.ts';
import type { Policy, TablePolicy } from '../policy/policy.ts';
import { redactionOf } from '../policy/row-plan.ts';
import { numbersOf } from './column-numbers.ts';
import { type CapturedTable, fitting, keyOf, keyOfRelation, nameKey } from './table.ts';

export interface Captured {
  /** The relation with its columns' numbers, remembered as such; as it is where the policy leaves it out. */
  meet(relation: Relation): Relation;
  /** All that one statement moved, in order. True: a table that is known was among them. */
  moved(moves: readonly TableMove[]): boolean;
  /** A statement may have changed which column is which, where the source tells numbers: names carry nothing from here. */
  blur(): void;
  /**
   * Of `statements`, which may have been in what is missing, or of `oids`, which are another server's: what they say of
   * columns carries nothing from here, and no number is given again.
   */
  forget(missed: 'statements' | 'oids'): void;
  /** Something is other than when this was last asked for. */
  readonly changed: boolean;
  /** For the trail: every table, oldest first. */
  tables(): readonly CapturedTable[];
}

export function createCaptured(policy: Pick<Policy, 'table'>, known: readonly CapturedTable[]): Captured {
  const tables = new Map(known.map((each) => [keyOf(each), each]));
  let changed = false;

  const put = (key: string, table: CapturedTable) => {
    const before = tables.get(key);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(table)) return;
    tables.set(key, table);
    changed = true;
  };
  const take = (key: string): CapturedTable | null => {
    const found = tables.get(key) ?? null;
    if (tables.delete(key)) changed = true;
    return found;
  };
  const move = (each: TableMove): boolean => {
    const { schema, table, to, foldsNames: folds } = each;
    const prefix = nameKey(schema, table, folds);
    if (table === null) {
      const keys = [...tables.keys()].filter((key) => key.startsWith(prefix));
      return keys.map(take).length > 0;
    }
    const found = take(prefix);
    // What stood under the new name is another table, and gone.
    const over = to === null ? null : take(nameKey(to.schema, to.table, folds));
    if (found !== null && to !== null) put(nameKey(to.schema, to.table, folds), movedTable(found, each));
    return found !== null || over !== null;
  };

  return {
    meet(relation) {
      if (policy.table(relation) === null) return relation;
      const key = keyOfRelation(relation);
      const before = tables.get(key) ?? null;
      const { numbers, lost, next } = numbersOf(relation, before);
      const numbered = withNumbers(relation, numbers, lost);
      const table = policy.table(numbered) as TablePolicy;
      expectSameRedactions(numbered, table, before);
      // Where the source can't tell them now, what was known before is all that may be carried on.
      const isKept = lost && relation.oid !== undefined && before !== null;
      if (!isKept) put(key, tableOf(numbered, table, { lost, next }));
      return numbered;
    },
    moved: (moves) => moves.map(move).includes(true),
    blur() {
      for (const [key, table] of tables)
        if (table.oid !== undefined && table.numbers === undefined) put(key, { ...table, numbers: 'lost' });
    },
    forget(missed) {
      for (const [key, table] of tables) {
        if (table.oid !== undefined && missed === 'oids') take(key);
        else if (table.oid !== undefined) put(key, { ...table, numbers: 'lost' });
        else if (missed === 'statements') put(key, { ...table, columns: [] });
      }
    },
    get changed() {
      return changed;
    },
    tables() {
      changed = false;
      return fitting([...tables.values()]);
    },
  };
}

function withNumbers(relation: Relation, numbers: readonly (number | null)[], lost: boolean): Relation {
  const { numbers: _, ...rest } = relation;
  const columns = relation.columns.map(({ number: __, ...column }, i): Column => {
    const number = numbers[i] ?? null;
    return number === null ? column : { ...column, number };
  });
  return { ...rest, columns, ...(lost ? { numbers: 'lost' } : {}) };
}

function tableOf(
  relation: Relation,
  policy: TablePolicy,
  { lost, next }: { readonly lost: boolean; readonly next: number | undefined },
): CapturedTable {
  return {
    schema: relation.schema,
    table: relation.table,
    ...(relation.oid === undefined ? {} : { oid: relation.oid }),
    ...(relation.foldsNames ? { folds: true } : {}),
    rule: policy.rule.match,
    class: policy.class,
    columns: relation.columns.map(({ name, number }) => {
      const redaction = redactionOf(policy, relation, name);
      return {
        name,
        ...(number === undefined ? {} : { number }),
        ...(redaction === null ? {} : { redaction }),
      };
    }),
    ...(next === undefined ? {} : { next }),
    ...(lost ? { numbers: 'lost' } : {}),
  };
}

function movedTable(table: CapturedTable, { to, columns, gone = [] }: TableMove): CapturedTable {
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  return {
    ...table,
    ...to,
    columns: table.columns
      .filter(({ name }) => !gone.some((each) => same(each, name)))
      .map((column) => ({
        ...column,
        name: columns.find(({ from }) => same(from, column.name))?.to ?? column.name,
      })),
  };
}

/** A column that was redacted under another name, which the rules still redact, must not be plain under this one. */
function expectSameRedactions(relation: Relation, policy: TablePolicy, before: CapturedTable | null): void {
  const plain = relation.columns.flatMap(({ name, number }) => {
    const was = number === undefined ? undefined : before?.columns.find((each) => each.number === number);
    if (was === undefined || was.name === name || was.redaction === undefined) return [];
    const isAsked = redactionOf(policy, relation, was.name) !== null;
    return isAsked && redactionOf(policy, relation, name) === null ? [`${was.name}, now ${name}`] : [];
  });
  if (plain.length === 0) return;
  const { schema, table } = relation;
  throw new RowsealError(
    'redaction_unmatched',
    `${schema}.${table}: ${plain.join('; ')}: redacted until now, and no redaction names it`,
    { details: { table: { schema, table }, columns: plain } },
  );
}
