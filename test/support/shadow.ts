/**
 * The shadow log: what really happened, written by row triggers inside the same database and the same transactions.
 * Each entry holds both rows as the exact text of each column (the types' output functions, through hstore), the
 * shape of the table at that moment, and the attribution that the session expects. It knows nothing of rowseal.
 */
import type pg from 'pg';

/** Fires before the triggers of foreign keys (RI_…), so that entries stand in the order of the rows in the WAL. */
const TRIGGER = 'A_shadow';

const INSTALL = `
  create schema shadow;
  create extension hstore schema shadow;
  create table shadow.log (serial bigint generated always as identity primary key, xid text not null,
    op text not null, shape json, old json, new json, login text, pid integer,
    application text, expect json, detail text);
  create function shadow.shape(relation oid) returns json language sql stable set search_path = '' as $f$
    select json_build_object('schema', n.nspname, 'table', c.relname, 'identity', c.relreplident,
      'published', exists (select from pg_publication_rel p where p.prrelid = c.oid),
      'attached', exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'rowseal_context_before'),
      'columns', (select json_agg(json_build_array(a.attname, a.atttypid::text, a.attgenerated, a.attnum) order by a.attnum)
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
      'primary', (select json_agg(a.attname order by k.place) from pg_index i,
           unnest(i.indkey::int2[]) with ordinality k(attnum, place), pg_attribute a
         where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum),
      'index', (select json_agg(a.attname) from pg_index i, unnest(i.indkey::int2[]) k(attnum), pg_attribute a
         where i.indrelid = c.oid and i.indisreplident and a.attrelid = c.oid and a.attnum = k.attnum))
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation
  $f$;
  create function shadow.note() returns trigger language plpgsql security definer set search_path = ''
    set timezone = 'UTC' set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 3
    set bytea_output = 'hex' as $f$
  begin
    insert into shadow.log (xid, op, shape, old, new, login, pid, application, expect)
    values (pg_current_xact_id()::text, lower(tg_op), shadow.shape(tg_relid),
      case when tg_op in ('UPDATE', 'DELETE') then shadow.hstore_to_json(shadow.hstore(old)) end,
      case when tg_op in ('UPDATE', 'INSERT') then shadow.hstore_to_json(shadow.hstore(new)) end,
      session_user, pg_backend_pid(), nullif(current_setting('application_name'), ''), nullif(current_setting('shadow.expect', true), '')::json);
    return null;
  end $f$;
  create function shadow.ddl(tag text, effects json) returns void language sql security definer set search_path = '' as $f$
    insert into shadow.log (xid, op, detail, expect) values (pg_current_xact_id()::text, 'ddl', tag, effects);
  $f$;
  create function shadow.watch(relation regclass) returns void language plpgsql set search_path = '' as $f$
  begin
    execute format('create trigger "${TRIGGER}" after insert or update or delete on %s for each row execute function shadow.note()', relation);
    execute format('create trigger "${TRIGGER}_truncate" after truncate on %s for each statement execute function shadow.note()', relation);
  end $f$;
  grant usage on schema shadow to public;`;

/** Installs the log and watches these tables (leaves, not partitioned ones). */
export async function installShadow(admin: pg.Client, tables: readonly string[]): Promise<void> {
  await admin.query(INSTALL);
  for (const table of tables) await admin.query('select shadow.watch($1::regclass)', [table]);
}

export interface Shape {
  readonly schema: string;
  readonly table: string;
  /** pg_class.relreplident. */
  readonly identity: 'd' | 'f' | 'i' | 'n';
  readonly published: boolean;
  readonly attached: boolean;
  /** `number`: where the database has one. */
  readonly columns: readonly (readonly [
    name: string,
    type: string,
    generated: '' | 's' | 'v',
    number?: number,
  ])[];
  readonly primary: readonly string[] | null;
  readonly index: readonly string[] | null;
}

export type TextRow = Readonly<Record<string, string | null>>;

export interface ExpectedActor {
  readonly tier: string;
  readonly via?: string;
  readonly actor: Readonly<Record<string, string>>;
  readonly session?: string;
  readonly request?: string;
}

export interface ShadowChange {
  readonly serial: string;
  readonly xid: string;
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  readonly shape: Shape;
  readonly old: TextRow | null;
  readonly new: TextRow | null;
  readonly login: string;
  readonly pid: string;
  readonly application: string | null;
  /** `attached`: on tables with our context triggers; `plain`: on others. Null: the session expects nothing. */
  readonly expect: { readonly attached: Expected; readonly plain: Expected } | null;
  /** An update that left every column as it was: triggers see it, the server's log need not (MySQL). */
  readonly unchanged?: boolean;
}

/** Several: any of these is right, since the server is asked who a session is, and it may be gone. */
export type Expected = ExpectedActor | readonly ExpectedActor[];

export interface ShadowTransaction {
  readonly xid: string;
  /** LSN of its commit record, and the commit's time as the server keeps it (track_commit_timestamp). */
  readonly position: string;
  readonly time: string | null;
  readonly changes: readonly ShadowChange[];
  /** Command tags. */
  readonly ddl: readonly string[];
  /** What the catalogs say that its DDL did to tables (`catalogChanges`); absent where nobody asked them. */
  readonly effects?: readonly string[];
}

/** A second slot, in test_decoding, gives the order of commits. Make it before the first change. */
export async function createTruthSlot(admin: pg.Client): Promise<void> {
  await admin.query("select pg_create_logical_replication_slot('truth', 'test_decoding')");
}

/** Committed transactions that changed a watched table or ran DDL, in the order of their commits. */
export async function readShadow(admin: pg.Client): Promise<ShadowTransaction[]> {
  await admin.query("set search_path = ''; set timezone = 'UTC'; set datestyle = 'ISO, YMD'");
  const commits = await admin.query<{ xid: string; lsn: string; time: string | null }>(
    `select xid::text, lsn::text, to_char(pg_xact_commit_timestamp(xid), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time
       from pg_logical_slot_peek_changes('truth', null, null, 'include-xids', '0', 'skip-empty-xacts', '0')
      where data like 'COMMIT%'`,
  );
  const entries = await admin.query<{ entry: string }>(
    'select to_json(l)::text as entry from shadow.log l order by serial',
  );
  const byXid = new Map<string, { changes: ShadowChange[]; ddl: string[]; effects?: readonly string[] }>();
  for (const { entry } of entries.rows) {
    const change = JSON.parse(entry) as ShadowChange & { detail: string | null };
    const found = byXid.get(change.xid) ?? { changes: [], ddl: [] };
    byXid.set(change.xid, found);
    if (change.detail !== null) {
      found.ddl.push(change.detail);
      found.effects = change.expect as unknown as readonly string[];
    } else found.changes.push(change);
  }
  const ordered = commits.rows.flatMap(({ xid, lsn, time }) => {
    const found = byXid.get(xid);
    byXid.delete(xid);
    return found === undefined ? [] : [{ xid, position: lsn, time, ...found }];
  });
  if (byXid.size > 0)
    throw new Error(`the shadow log has transactions that did not commit: ${[...byXid.keys()].join(' ')}`);
  return ordered;
}

/** What the oracle needs of pg_type. */
export interface TypeRow {
  readonly oid: string;
  readonly name: string;
  /** pg_type.typtype. */
  readonly kind: string;
  readonly base: string;
  readonly element: string;
  readonly category: string;
  readonly delimiter: string;
}

export async function readTypes(admin: pg.Client): Promise<Map<string, TypeRow>> {
  const { rows } = await admin.query<TypeRow>(
    `select oid::text, typname as name, typtype as kind, typbasetype::text as base, typelem::text as element,
            typcategory as category, typdelim as delimiter from pg_catalog.pg_type`,
  );
  return new Map(rows.map((row) => [row.oid, row]));
}
