/** Why `rowseal show` had nothing to show: a name that the trail does not know is a mistake, and not the same as no changes. */
import { RowsealError } from '../../base/errors.ts';
import { clean, join, type Printable, text } from '../../base/text.ts';
import type { TrailReader } from '../../store/store.ts';
import type { VerifierKey } from '../../trail/note.ts';
import type { Seal } from '../../trail/seal.ts';
import { readRecords, type StoredRecord } from '../../verify/read-records.ts';
import { type Filters, needleOf } from './filter.ts';
import { entriesOf, membersOf, textOf } from './record-members.ts';

/** A table or a column that the trail has never seen is a mistake, and not the same as no changes. */
export async function refuseUnknown(
  reader: TrailReader,
  vkey: VerifierKey | null,
  filters: Filters,
): Promise<void> {
  const matches = (value: StoredRecord['value']) => value['kind'] === 'relation';
  const mayMatch = needleOf({ action: 'relation' });
  const tables = new Map<string, Set<string>>();
  for await (const { value } of readRecords(reader, { key: vkey, mayMatch, matches, onProblem: () => {} })) {
    const { name, columns } = relationOf(value);
    tables.set(name, (tables.get(name) ?? new Set()).union(new Set(columns)));
  }
  const { table = '', key = '' } = filters;
  const found = [...tables].filter(([name]) => name === table || name.slice(name.indexOf('.') + 1) === table);
  const quoted = (texts: Iterable<string>) =>
    [...texts]
      .slice(0, 20)
      .map((text) => JSON.stringify(text))
      .join(', ') || 'none';
  if (tables.size === 0) return; // no relation record tells
  if (found.length === 0 && !filters.ddl && filters.action !== 'ddl')
    throw unknown(
      `The trail has no changes of a table ${JSON.stringify(table)}; it has ${quoted(tables.keys())}.`,
    );
  const column = key.includes('=') ? key.slice(0, key.indexOf('=')) : null;
  const known = new Set(found.flatMap(([, columns]) => [...columns]));
  if (found.length > 0 && column !== null && !known.has(column))
    throw unknown(`${table} has no column ${JSON.stringify(column)}; it has ${quoted(known)}.`);
}

function relationOf({ target, columns }: StoredRecord['value']): { name: string; columns: string[] } {
  const { schema, table } = membersOf(target);
  return {
    name: `${textOf(schema)}.${textOf(table)}`,
    columns: entriesOf(columns).map(({ name }) => textOf(name)),
  };
}

/** Why nothing was shown, as far as that can be told: how far the trail reaches, and tables that have no key. */
export function nothing(newest: Seal | null, { key }: Filters, keyless: ReadonlySet<string>): Printable {
  const reach =
    newest === null
      ? text``
      : text` The trail reaches to ${clean(newest.sealed_at)} (seal ${newest.number}).`;
  const hints = [...keyless].map(
    (table) =>
      text`${clean(table)} has no key: filter the --json output instead of --key ${clean(key ?? '')}.\n`,
  );
  return text`No record matches.${reach}\n${join(hints, text``)}`;
}

function unknown(message: string): RowsealError {
  return new RowsealError('usage', message, { hint: 'See rowseal show --help.' });
}
