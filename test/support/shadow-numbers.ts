/**
 * The numbers that relation records give columns, held against the database's own (pg_attribute.attnum) where it has some;
 * else no two columns have the same, and none has that of another one before it, save by a rename.
 */
import type { ExactNumber, ExactObject } from './exact-json.ts';
import type { Shape } from './shadow.ts';
import type { ReadRecord } from './trail-reader.ts';

export interface Numbers {
  /** What is wrong with the relation that stands before this change, whose table has this shape. Each is told once. */
  problems(record: ReadRecord, shape: Shape): string[];
  /** Which column is which could not be told: each has the severest redaction of its table then. */
  areLost(record: ReadRecord): boolean;
}

export function createNumbers(records: readonly ReadRecord[], seen: (what: string) => void): Numbers {
  const before = new Map<ReadRecord, ExactObject>();
  const last = new Map<string, ExactObject>();
  for (const record of records) {
    const { tree } = record;
    if (tree['kind'] !== 'change' && tree['kind'] !== 'relation') continue;
    const { schema, table } = tree['target'] as ExactObject;
    const key = JSON.stringify([record.class, schema, table]);
    if (tree['kind'] === 'relation') last.set(key, tree);
    const relation = last.get(key);
    if (relation !== undefined) before.set(record, relation);
  }
  const told = new Map<ExactObject, string[]>();
  return {
    areLost: (record) => before.get(record)?.['numbers'] === 'lost',
    problems(record, shape) {
      const relation = before.get(record);
      if (relation === undefined) return ['no relation stands before it'];
      if (told.has(relation)) return [];
      const problems = problemsOf(relation, shape);
      told.set(relation, problems);
      seen(relation['numbers'] === 'lost' ? 'numbers lost' : 'numbers');
      return problems;
    },
  };
}

function problemsOf(relation: ExactObject, shape: Shape): string[] {
  const columns = relation['columns'] as unknown as readonly ExactObject[];
  const isLost = relation['numbers'] === 'lost';
  const numbers = columns.map(({ number }) => (number as ExactNumber | undefined)?.text);
  const own = new Map(shape.columns.map(([name, , , number]) => [name, number]));
  const known = [...own.values()].some((number) => number !== undefined);
  const problems = columns.flatMap(({ name }, i) => {
    const wanted = known ? own.get(name as string) : undefined;
    const is = numbers[i];
    if (known && (isLost ? is !== undefined : is !== String(wanted)))
      return [`column ${name} has number ${is}, the database says ${wanted}${isLost ? ' (lost)' : ''}`];
    return !known && is === undefined ? [`column ${name} has no number`] : [];
  });
  const twice = numbers.filter((number, i) => number !== undefined && numbers.indexOf(number) !== i);
  return [...problems, ...twice.map((number) => `two columns have number ${number}`)];
}
