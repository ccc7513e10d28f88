/**
 * The state of the capture as the catalogs have it now, and what changed between two looks at it: publication,
 * membership, row filters, column lists, replica identities, our triggers, matching tables that are not published.
 * Pure but for the one question to the server; it must never miss a way to make rows vanish from the stream.
 */
import type { Observation } from '../../../change/change.ts';
import { CONTEXT_TRIGGERS } from '../catalog/catalog.ts';
import type { SideSession } from '../wire/sessions.ts';

export interface CapturedTable {
  readonly oid: number;
  readonly published: boolean;
  /** Partitioned tables are no source of rows themselves. */
  readonly partitioned: boolean;
  readonly unlogged: boolean;
  /** What an UPDATE or DELETE will send: nothing also where there is no key. */
  readonly identity: 'full' | 'index' | 'default' | 'nothing';
  readonly rowFilter: string | null;
  readonly columnList: string | null;
  readonly ancestors: readonly string[];
  /** Our triggers there are, and whether they fire always (A), only as origin (O), as replica (R), never (D). */
  readonly triggers: Readonly<Record<string, string>>;
}

export interface Capture {
  /** The publication's: another one when it was dropped and created again, which 18 passes over in silence. */
  readonly oid: string;
  /** What it publishes: insert, update, delete, truncate; via_partition_root; all_tables. */
  readonly publication: Readonly<Record<string, boolean>>;
  /** By `schema.table`. */
  readonly tables: ReadonlyMap<string, CapturedTable>;
}

/** Something that keeps rows out of the trail, or out of attribution, right now. */
export interface CaptureProblem {
  readonly what: string;
  /** `schema.table`, or the publication's or slot's name. */
  readonly object: string;
  readonly detail: string | null;
  /** For people. */
  readonly text: string;
}

export type Matches = (schema: string, table: string, ancestors: readonly string[]) => boolean;

const TABLES = (version: number) => `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind = 'p' as partitioned, c.relpersistence = 'u' as unlogged,
    p.tablename is not null or r.prrelid is not null as published,
    case c.relreplident when 'f' then 'full' when 'n' then 'nothing'
      when 'i' then case when exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident)
                         then 'index' else 'nothing' end
      else case when exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
                then 'default' else 'nothing' end end as identity,
    ${version >= 150_000 ? 'pg_get_expr(r.prqual, r.prrelid)' : 'null'} as row_filter,
    ${version >= 150_000 ? "(select string_agg(a.attname, ',' order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum = any (r.prattrs))" : 'null'} as column_list,
    case when c.relispartition then
      (select json_agg(an.nspname || '.' || ac.relname order by a.place)
         from pg_partition_ancestors(c.oid) with ordinality a(relid, place)
         join pg_class ac on ac.oid = a.relid join pg_namespace an on an.oid = ac.relnamespace
        where a.relid <> c.oid) end as ancestors,
    (select json_object_agg(t.tgname, t.tgenabled) from pg_trigger t
      where t.tgrelid = c.oid and t.tgname = any ($2::name[])) as triggers
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_publication_tables p on p.pubname = $1 and p.schemaname = n.nspname and p.tablename = c.relname
    left join pg_publication_rel r on r.prrelid = c.oid
      and r.prpubid = (select oid from pg_publication where pubname = $1)
  where c.relkind in ('r', 'p') and c.relpersistence <> 't'
    and n.nspname <> 'information_schema' and n.nspname <> 'rowseal' and n.nspname !~ '^pg_'`;

/** Null where there is no such publication. */
export async function readCapture(
  side: SideSession,
  publication: string,
  version: number,
): Promise<Capture | null> {
  const [row] = await side.query(
    `select pubinsert as insert, pubupdate as update, pubdelete as delete, pubtruncate as truncate,
            pubviaroot as via_partition_root, puballtables as all_tables, oid
       from pg_publication where pubname = $1`,
    [publication],
  );
  if (row === undefined) return null;
  const rows = await side.query(TABLES(version), [publication, `{${CONTEXT_TRIGGERS.join(',')}}`]);
  const { oid, ...flags } = row;
  const options = Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, value === 't']));
  const tables = new Map<string, CapturedTable>();
  for (const table of rows) {
    const ancestors = JSON.parse(table['ancestors'] ?? '[]') as string[];
    tables.set(`${table['schema']}.${table['name']}`, {
      oid: Number(table['oid']),
      published: table['published'] === 't',
      partitioned: table['partitioned'] === 't',
      unlogged: table['unlogged'] === 't',
      identity: table['identity'] as CapturedTable['identity'],
      rowFilter: table['row_filter'] ?? null,
      columnList: table['column_list'] ?? null,
      ancestors,
      triggers: JSON.parse(table['triggers'] ?? '{}') as Record<string, string>,
    });
  }
  return { oid: oid ?? '', publication: options, tables };
}

export function problemsOf(capture: Capture, publication: string, matches: Matches): CaptureProblem[] {
  const problems: CaptureProblem[] = [];
  const add = (what: string, object: string, detail: string | null = null) =>
    problems.push(captureProblem(what, object, detail));
  for (const action of ['insert', 'update', 'delete', 'truncate']) {
    if (!capture.publication[action]) add('publication_without_action', publication, action);
  }
  // A leaf's TRUNCATE is not sent then, and policies for leaves do not apply.
  if (capture.publication['via_partition_root']) add('publication_via_partition_root', publication);
  for (const [name, table] of capture.tables) {
    const [schema, own] = split(name);
    if (!table.partitioned && matches(schema, own, table.ancestors) && !isCovered(capture, table)) {
      add(table.unlogged ? 'table_unlogged' : 'table_not_published', name);
    }
    if (!table.published) continue;
    if (table.rowFilter !== null) add('row_filter', name, table.rowFilter);
    if (table.columnList !== null) add('column_list', name, table.columnList);
    for (const [trigger, enabled] of Object.entries(table.triggers)) {
      if (enabled !== 'A') add('context_trigger_disabled', name, trigger);
    }
  }
  return problems;
}

export function captureProblem(what: string, object: string, detail: string | null): CaptureProblem {
  const missing = what === 'table_not_published' || what === 'table_unlogged';
  const why = `${what.replaceAll('_', ' ')}${detail === null ? '' : ` (${detail})`}`;
  const text = missing ? `${object} is not captured (${why})` : `${object}: ${why}`;
  return { what, object, detail, text };
}

/** The command that mends a problem, or that names its SQL; null where neither can. Not sealed: it is advice. */
export function remedyOf({ what }: CaptureProblem, file: string): string | null {
  if (SETUP_MENDS.has(what)) return `rowseal setup -c ${file}`;
  return DOCTOR_EXPLAINS.has(what) ? `rowseal doctor -c ${file}` : null;
}

const SETUP_MENDS = new Set([
  'table_not_published',
  'context_trigger_disabled',
  'publication_without_action',
  'publication_via_partition_root',
]);
const DOCTOR_EXPLAINS = new Set(['table_unlogged', 'row_filter', 'column_list', 'slot_at_risk']);

/** What the trail has to say of the way from one state to the other. Empty where nothing changed. */
export function compareCapture(
  before: Capture,
  after: Capture,
  publication: string,
  matches: Matches,
): Observation[] {
  const told: Observation[] = [];
  const tamper = (what: string, details: Record<string, unknown>) =>
    told.push({ kind: 'tamper', what, details });
  const lifecycle = (event: string, details: Record<string, unknown>) =>
    told.push({ kind: 'lifecycle', event, details });

  if (before.oid !== after.oid) tamper('publication_recreated', { publication });
  for (const option of new Set([...Object.keys(before.publication), ...Object.keys(after.publication)])) {
    const [was, is] = [before.publication[option] ?? false, after.publication[option] ?? false];
    if (was !== is) tamper('publication_altered', { publication, option, before: was, after: is });
  }
  const gone: CapturedTable = { ...NOWHERE };
  for (const table of new Set([...before.tables.keys(), ...after.tables.keys()])) {
    const was = before.tables.get(table) ?? gone;
    const is = after.tables.get(table) ?? gone;
    const dropped = !after.tables.has(table);
    if (was.published && !is.published) {
      if (dropped) lifecycle('table_dropped', { table });
      else tamper('table_unpublished', { publication, table });
      continue;
    }
    if (!was.published && is.published)
      lifecycle('table_published', { publication, table, identity: is.identity });
    if (!is.published) {
      const [schema, own] = split(table);
      const wanted = !dropped && !is.partitioned && matches(schema, own, is.ancestors);
      const news = !before.tables.has(table) || was.unlogged !== is.unlogged;
      if (wanted && news && !isCovered(after, is))
        lifecycle('table_not_published', { table, unlogged: is.unlogged });
      continue;
    }
    if (is.rowFilter !== was.rowFilter) {
      tamper('row_filter_altered', { publication, table, before: was.rowFilter, after: is.rowFilter });
    }
    if (is.columnList !== was.columnList) {
      tamper('column_list_altered', { publication, table, before: was.columnList, after: is.columnList });
    }
    if (was.published && is.identity !== was.identity) {
      const details = { table, before: was.identity, after: is.identity };
      if (RANK[is.identity] < RANK[was.identity]) tamper('replica_identity_lowered', details);
      else lifecycle('replica_identity_changed', details);
    }
    for (const trigger of CONTEXT_TRIGGERS) {
      const [had, has] = [was.triggers[trigger], is.triggers[trigger]];
      if (had === has) continue;
      if (had === 'A')
        tamper(has === undefined ? 'context_trigger_dropped' : 'context_trigger_disabled', {
          table,
          trigger,
        });
      else if (has === 'A') lifecycle('context_trigger_enabled', { table, trigger });
    }
  }
  return told;
}

const RANK = { nothing: 0, index: 1, default: 1, full: 2 } as const;

const NOWHERE: CapturedTable = {
  oid: 0,
  published: false,
  partitioned: false,
  unlogged: false,
  identity: 'nothing',
  rowFilter: null,
  columnList: null,
  ancestors: [],
  triggers: {},
};

/** With publish_via_partition_root a leaf's rows come under its root. */
function isCovered(capture: Capture, table: CapturedTable): boolean {
  if (table.published && !table.unlogged) return true;
  if (!capture.publication['via_partition_root']) return false;
  return table.ancestors.some((name) => capture.tables.get(name)?.published);
}

/** `schema.table` of `tables`. */
export function split(name: string): [schema: string, table: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}
