/**
 * Which number each column of a relation bears (FORMAT.md section 11, relation). A source that knows them gives them;
 * else they are given here, and carried by name from what was known. A number is never given twice: what can't be told
 * is new, and says that numbers were lost. Pure.
 */
import type { Relation } from '../change.ts';
import type { CapturedTable } from './table.ts';

export interface Numbered {
  /** By ordinal; null: the column has none. */
  readonly numbers: readonly (number | null)[];
  readonly lost: boolean;
  /** The next new column's, where they are given here. */
  readonly next?: number;
}

export function numbersOf(relation: Relation, known: CapturedTable | null): Numbered {
  return relation.oid === undefined ? given(relation, known) : told(relation, known);
}

/** Of a source that tells them, or says that it can't. */
function told({ columns, numbers }: Relation, known: CapturedTable | null): Numbered {
  if (numbers !== 'lost') return { numbers: columns.map(({ number }) => number ?? null), lost: false };
  const carried = columns.map(({ name }) => known?.columns.find((each) => each.name === name)?.number);
  const isKnown = known !== null && known.numbers !== 'lost' && known.columns.length === columns.length;
  if (isKnown && carried.every((number) => number !== undefined)) return { numbers: carried, lost: false };
  return { numbers: columns.map(() => null), lost: true };
}

/** By name, since nothing else is in the log. `known` has been through every rename that a statement told. */
function given(relation: Relation, known: CapturedTable | null): Numbered {
  const fold = (name: string) => (relation.foldsColumns ? name.toLowerCase() : name);
  const before = new Map(known?.columns.map(({ name, number }) => [fold(name), number]));
  const names = relation.columns.map(({ name }) => fold(name));
  const came = names.filter((name) => !before.has(name)).length;
  const went = before.size + came > names.length;
  // In two ways at once: any of those that came may be any of those that went.
  const isLost = came > 0 && went;
  let next = known?.next ?? 1;
  const numbers = names.map((name) => (isLost ? undefined : before.get(name)) ?? next++);
  return { numbers, lost: isLost || known?.numbers === 'lost', next };
}
