/**
 * What a statement did to one object, in the words of a ddl record's `targets` (FORMAT.md section 11), with what else the
 * names of tables and columns need of it (table-moves.ts). It must never say less than may have happened. Pure.
 */

export type Effect =
  | 'creates'
  | 'drops'
  | 'empties'
  | 'replaces'
  | 'renames'
  | 'columns'
  | 'rights'
  | 'unknown';

export interface Name {
  /** Null where the object stands in none, or the statement does not say in which. */
  readonly schema: string | null;
  readonly name: string;
}

export interface Deed extends Name {
  /** `table`, `view`, `schema`: in lower case. */
  readonly kind: string;
  /** Empty: nothing that these words would tell. Beside `unknown` the others are what it may have been. */
  readonly effects: readonly Effect[];
  /** Its name behind the statement; there where it is another. */
  readonly becomes?: Name;
  /**
   * IF NOT EXISTS: it may have been there, and then nothing was done. `told`: MySQL's log has a number for the statement
   * where something was; `untold`: a number does not say it (of engines without transactions, of accounts in a list).
   */
  readonly unlessThere?: 'told' | 'untold';
  /** Columns that have another name. */
  readonly columns?: readonly { readonly from: string; readonly to: string }[];
  /** Columns that are no more, by their names before it. */
  readonly gone?: readonly string[];
}

export interface Reading {
  /** In the order in which they took effect. */
  readonly deeds: readonly Deed[];
  /** Nothing of the statement was passed over that may have touched another object. */
  readonly whole: boolean;
}

export const NOTHING_READ: Reading = { deeds: [], whole: false };

export function deedOn(kind: string, { schema, name }: Name, ...effects: Effect[]): Deed {
  return { kind, schema, name, effects };
}

/** Where names end and something else is about to be read: all words were names that the reader knew what to do with. */
export function whole(...deeds: readonly Deed[]): Reading {
  return { deeds, whole: deeds.length > 0 };
}

/** Of two readings of one statement, of which one is right: what they do not say alike is not known. */
export function agreed(one: Reading, other: Reading): Reading {
  if (JSON.stringify(one) === JSON.stringify(other)) return one;
  const named = (deed: Deed) => JSON.stringify([deed.kind, deed.schema, deed.name]);
  const ofOne = new Set(one.deeds.map(named));
  const all = [...one.deeds, ...other.deeds.filter((deed) => !ofOne.has(named(deed)))];
  const deeds = all.map((deed) => ({ ...deed, effects: [...deed.effects, 'unknown'] as const }));
  return { deeds, whole: one.whole && other.whole };
}
