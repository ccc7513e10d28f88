/**
 * What DDL messages of the kit say, in one line each, and what the catalogs say themselves: tables as they stand, and
 * which effects lie between two such readings. It knows nothing of how the kit finds out.
 */
import type pg from 'pg';

export interface Target {
  readonly schema?: string | null;
  readonly table?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly oid?: number;
  readonly effects: readonly string[];
  readonly becomes?: { readonly schema: string | null; readonly table?: string; readonly name?: string };
  readonly columns?: readonly number[];
}

/** `table public.t renames,columns -> public.u [4]`; what is no table in brackets: `index public.[i] creates`. */
export function outlineOf(targets: readonly Target[] | null): string {
  if (targets === null) return 'unknown';
  const place = (of: { schema?: string | null; table?: string; name?: string }) =>
    `${of.schema ?? ''}.${of.table ?? `[${of.name}]`}`;
  return targets
    .map((target) => {
      const becomes = target.becomes === undefined ? '' : ` -> ${place(target.becomes)}`;
      const columns = target.columns === undefined ? '' : ` ${JSON.stringify(target.columns)}`;
      return `${target.kind} ${place(target)} ${target.effects.join(',')}${becomes}${columns}`;
    })
    .join('; ');
}

interface CatalogTable {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly rights: unknown;
  readonly columns: Readonly<Record<string, readonly string[]>>;
}

export type CatalogTables = ReadonlyMap<string, CatalogTable>;

export async function catalogTables(client: pg.Client): Promise<CatalogTables> {
  const { rows } = await client.query(`
    select c.oid::text, n.nspname::text as schema, c.relname::text as name,
      json_build_array(c.relowner, c.relacl::text, c.relrowsecurity, c.relforcerowsecurity,
        (select json_agg(json_build_array(p.polname, p.polqual::text) order by p.oid) from pg_policy p where p.polrelid = c.oid),
        (select json_agg(a.attacl::text order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attacl is not null))::text as rights,
      (select json_object_agg(a.attnum, json_build_array(a.attname, a.atttypid::int8::text, a.atttypmod, a.attgenerated))
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)::text as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't' and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'rowseal')`);
  return new Map(
    rows.map((row) => [row.oid, { ...row, columns: JSON.parse(row.columns ?? '{}') } as CatalogTable]),
  );
}

/** One line a table that changed, sorted: `public.t columns,renames -> public.u [4]`. */
export function catalogChanges(before: CatalogTables, after: CatalogTables): string[] {
  const lines: string[] = [];
  for (const oid of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(oid);
    const is = after.get(oid);
    if (was === undefined) lines.push(`${is?.schema}.${is?.name} creates`);
    else if (is === undefined) lines.push(`${was.schema}.${was.name} drops`);
    else lines.push(...changeOf(was, is));
  }
  return lines.sort();
}

function changeOf(was: CatalogTable, is: CatalogTable): string[] {
  const numbers = new Set([...Object.keys(was.columns), ...Object.keys(is.columns)]);
  const columns = [...numbers].filter(
    (number) => JSON.stringify(was.columns[number]) !== JSON.stringify(is.columns[number]),
  );
  const moved = was.schema !== is.schema || was.name !== is.name;
  const effects = [
    ...(columns.length > 0 ? ['columns'] : []),
    ...(moved ? ['renames'] : []),
    ...(was.rights === is.rights ? [] : ['rights']),
  ];
  if (effects.length === 0) return [];
  return [
    `${was.schema}.${was.name} ${effects.join(',')}${moved ? ` -> ${is.schema}.${is.name}` : ''}${
      columns.length > 0 ? ` ${JSON.stringify(columns.map(Number).sort((a, b) => a - b))}` : ''
    }`,
  ];
}

/** The same of what messages told of one statement, all of it together: what the catalogs don't show is left out. */
export function toldChanges(messages: readonly { readonly targets: readonly Target[] | null }[]): string[] {
  const told = new Map<
    number,
    { target: Target; effects: Set<string>; columns: Set<number>; becomes: string }
  >();
  for (const target of messages.flatMap(({ targets }) => targets ?? [])) {
    if (target.table === undefined || target.oid === undefined) continue;
    const known = told.get(target.oid) ?? { target, effects: new Set(), columns: new Set(), becomes: '' };
    told.set(target.oid, known);
    for (const effect of target.effects)
      if (effect !== 'none' && effect !== 'replaces') known.effects.add(effect);
    if (target.effects.includes('columns'))
      for (const number of target.columns ?? []) known.columns.add(number);
    if (target.becomes !== undefined) known.becomes = ` -> ${target.becomes.schema}.${target.becomes.table}`;
  }
  return [...told.values()]
    .filter(({ effects }) => effects.size > 0)
    .map(({ target, effects, columns, becomes }) => {
      const place = `${target.schema}.${target.table}`;
      for (const whole of ['creates', 'drops']) if (effects.has(whole)) return `${place} ${whole}`;
      const numbers = [...columns].sort((a, b) => a - b);
      return `${place} ${[...effects].sort().join(',')}${becomes}${numbers.length > 0 ? ` ${JSON.stringify(numbers)}` : ''}`;
    })
    .sort();
}
