/** Whether the `targets` of ddl records say what the catalogs say, transaction by transaction. */
import type { ExactObject } from './exact-json.ts';
import { type Target, toldChanges } from './postgres-targets.ts';
import type { ShadowTransaction } from './shadow.ts';
import type { ReadTrail } from './trail-reader.ts';

/** A table of which a record says `unknown` is passed over: its command had to wait for another session. */
export function* targetProblems(trail: ReadTrail, shadow: readonly ShadowTransaction[]): Generator<string> {
  const told = new Map<unknown, { readonly targets: readonly Target[] }[]>();
  for (const { tree, line } of trail.records) {
    if (tree['kind'] !== 'ddl') continue;
    const xid = (tree['transaction'] as ExactObject)['id'];
    const record = JSON.parse(line) as { readonly targets: readonly Target[] };
    told.set(xid, [...(told.get(xid) ?? []), record]);
  }
  for (const { xid, effects } of shadow) {
    if (effects === undefined) continue;
    const lines = toldChanges(told.get(xid) ?? []);
    const unknown = lines.flatMap((line) => (isUnknown(line) ? [line.split(' ')[0] as string] : []));
    const known = (all: readonly string[]) =>
      all.filter((line) => !unknown.includes(line.split(' ')[0] as string));
    const [expected, actual] = [known(effects).join('; '), known(lines).join('; ')];
    if (expected !== actual)
      yield `the targets of transaction ${xid} say ${actual || 'nothing'}, the catalogs ${expected || 'nothing'}`;
  }
}

/** Beside what other commands of the transaction did to the table: `public.part_low columns,unknown [14]`. */
function isUnknown(line: string): boolean {
  return line.split(' ')[1]?.split(',').includes('unknown') === true;
}
