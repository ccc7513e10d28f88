/**
 * Plays a trail's changes and the targets of its DDL, and compares what is left with the tables of the database: a row that
 * a TRUNCATE took must not rise again, and no table stand under a name that it lost.
 */
import type { ExactNumber, ExactObject } from './exact-json.ts';
import type { ReadRecord } from './trail-reader.ts';

/** Names of the database's tables, with how many rows each has. */
export type Counts = ReadonlyMap<string, number>;

/** `null`: it is gone. Tables that were there, empty, when the trail began need not be in it. */
type Replayed = Map<string, number | null>;

/** In words, what differs from the database; empty where nothing does. */
export function replayProblems(
  records: readonly Pick<ReadRecord, 'tree'>[],
  database: string,
  counts: Counts,
  ignored: readonly string[] = [],
): string[] {
  const problems: string[] = [];
  const replayed: Replayed = new Map();
  const placed = records.map(({ tree }) => tree).filter((tree) => tree['transaction'] !== undefined);
  placed.sort(
    (a, b) => placeOf(a, 'number') - placeOf(b, 'number') || placeOf(a, 'index') - placeOf(b, 'index'),
  );
  for (const tree of placed) {
    if (tree['kind'] === 'change') change(replayed, tree, database);
    if (tree['kind'] === 'ddl')
      for (const target of tree['targets'] as unknown as ExactObject[])
        problems.push(...apply(replayed, target, database).map((problem) => `${tree['tag']}: ${problem}`));
  }
  for (const [name, count] of counts) {
    const [was, skipped] = [replayed.get(name), ignored.includes(name)];
    if (skipped) continue;
    if (was === null) problems.push(`${name} is there, and its trail says that it is gone`);
    else if ((was ?? 0) !== count) problems.push(`${name} has ${count} rows, its trail ${was ?? 0}`);
  }
  for (const [name, count] of replayed)
    if (count !== null && !counts.has(name) && !ignored.includes(name))
      problems.push(`${name} is gone, and its trail says that it is there`);
  return problems;
}

function change(replayed: Replayed, tree: ExactObject, database: string): void {
  const { schema, table } = tree['target'] as ExactObject;
  if (schema !== database) return;
  const more = tree['action'] === 'insert' ? 1 : tree['action'] === 'delete' ? -1 : 0;
  replayed.set(String(table), (replayed.get(String(table)) ?? 0) + more);
}

function* apply(replayed: Replayed, target: ExactObject, database: string): Generator<string> {
  const { schema, table, becomes } = target;
  const effects = target['effects'] as string[];
  if (effects.includes('unknown')) yield `what it did to ${String(table ?? target['name'])} is not known`;
  if (schema !== database || table === undefined) return;
  const name = String(table);
  if (effects.includes('drops')) replayed.set(name, null);
  if (effects.includes('creates') || effects.includes('empties')) replayed.set(name, 0);
  if (becomes === undefined) return;
  replayed.set(String((becomes as ExactObject)['table']), replayed.get(name) ?? 0);
  replayed.set(name, null);
}

function placeOf(tree: ExactObject, member: 'number' | 'index'): number {
  return Number(((tree['transaction'] as ExactObject)[member] as ExactNumber).text);
}
