/**
 * The number (attnum) of each column that a Relation message names. The message has names in the order of their numbers,
 * the catalogs have the numbers of now. A number is said only where it can be no other:
 * - A row of pg_attribute that was the same at the change proves name and number of its column (ancestry.ts: the proofs).
 * - The columns between two that are proven are among those of now, dropped ones too, whose rows prove nothing and whose
 *   numbers lie between. Where they are as many, each is known, whatever its name is by now: rows are never removed, and
 *   a number is never given again.
 */
import type { Relation } from '../../../change/change.ts';
import type { RelationMessage } from '../events/decode.ts';
import type { TextRow } from '../wire/sessions.ts';
import { holds, proofOf } from './ancestry.ts';

/** As a column of a query: of each attribute its number, name, whether it is dropped, the proof, and which row it is. */
export const attributesOf = (oid: string) => `
    (select json_agg(json_build_array(a.attnum, a.attname, a.attisdropped, ${proofOf('a')}, a.xmin::text) order by a.attnum)
       from pg_attribute s join pg_attribute a using (attrelid)
      where attrelid = ${oid} and s.attnum = -6 and a.attnum > 0) as attributes`;

type Attribute = readonly [number: number, name: string, dropped: boolean, proof: string | null, row: string];
type Message = Pick<RelationMessage, 'xid' | 'columns'>;

/** Whether a column's row was seen before the change as it is now. */
export type SeenBefore = (number: number, row: string) => boolean;

/** As of now, by name. Null where one of them is not there. */
export function numbersNow({ columns }: Message, facts: TextRow): number[] | null {
  const live = new Map(
    attributes(facts).flatMap(([number, name, dropped]) => (dropped ? [] : [[name, number]])),
  );
  const numbers = columns.map(({ name }) => live.get(name));
  return numbers.every((number) => number !== undefined) ? numbers : null;
}

/** As of the message's transaction. Null where they can't be proven. */
export function numbersThen(
  { xid, columns }: Message,
  facts: TextRow,
  seenBefore: SeenBefore,
): number[] | null {
  const all = attributes(facts);
  const proven = new Map<string, number>();
  const open: number[] = [];
  for (const [number, name, dropped, proof, row] of all) {
    // Asked of each: what is seen now is remembered.
    const wasSeen = seenBefore(number, `${row} ${dropped} ${name}`);
    if (!wasSeen && !holds(proof, xid)) open.push(number);
    else if (!dropped) proven.set(name, number);
  }
  const numbers = columns.map(({ name }) => proven.get(name) ?? null);
  for (let start = 0; start <= numbers.length; start++) {
    let end = start;
    while (end < numbers.length && numbers[end] === null) end++;
    const low = numbers[start - 1] ?? 0;
    const high = numbers[end] ?? Number.POSITIVE_INFINITY;
    const between = open.filter((number) => number > low && number < high);
    if (low >= high || (end > start && between.length !== end - start)) return null;
    numbers.splice(start, end - start, ...between.slice(0, end - start));
    start = end;
  }
  return numbers as number[];
}

/** The relation with these numbers; lost without any. */
export function withNumbers(relation: Relation, numbers: readonly number[] | null): Relation {
  if (numbers === null) return { ...relation, numbers: 'lost' };
  const columns = relation.columns.map((column, i) => ({ ...column, number: numbers[i] as number }));
  return { ...relation, columns };
}

function attributes(facts: TextRow): readonly Attribute[] {
  return JSON.parse(facts['attributes'] ?? '[]') as Attribute[];
}
