/** What pgoutput delivers from a slot, decoded by hand for the tests of the SQL kit: kinds in order, messages parsed. */
import { readFileSync } from 'node:fs';
import type pg from 'pg';

export interface Delivered {
  /** begin, commit, relation, insert, update, delete, truncate, message … */
  readonly kind: string;
  readonly prefix?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as JSON
  readonly content?: any;
  readonly bytes?: Buffer;
}

const KINDS: Readonly<Record<string, string>> = {
  B: 'begin',
  C: 'commit',
  R: 'relation',
  Y: 'type',
  I: 'insert',
  U: 'update',
  D: 'delete',
  T: 'truncate',
  M: 'message',
};

/** Reads and consumes everything; relation and type messages are left out. */
export async function delivered(client: pg.Client, slot = 'kit'): Promise<Delivered[]> {
  const { rows } = await client.query(
    `select data::text from pg_logical_slot_get_binary_changes($1, null, null,
       'proto_version', '1', 'publication_names', 'rowseal', 'messages', 'true')`,
    [slot],
  );
  return rows.flatMap(({ data }) => {
    const bytes = Buffer.from((data as string).slice(2), 'hex');
    const kind = KINDS[String.fromCharCode(bytes[0]!)] ?? '?';
    if (kind === 'relation' || kind === 'type') return [];
    if (kind !== 'message') return [{ kind }];
    const end = bytes.indexOf(0, 10);
    const prefix = bytes.toString('utf8', 10, end);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(end + 5));
    return [{ kind, prefix, content: text === '' ? '' : JSON.parse(text), bytes: bytes.subarray(end + 5) }];
  });
}

/** A transaction as one line: `insert`, `[session]`, `update` … without begin and commit. */
export function outline(events: readonly Delivered[]): string {
  return events
    .filter(({ kind }) => kind !== 'begin' && kind !== 'commit')
    .map(({ kind, prefix }) => (kind === 'message' ? `[${prefix?.replace('rowseal.', '')}]` : kind))
    .join(' ');
}

export function messages(events: readonly Delivered[], prefix: string) {
  return events.filter((event) => event.prefix === prefix).map((event) => event.content);
}

/** A file of the kit with its psql variables filled in. */
export function kitFile(name: string): string {
  const path = new URL(`../../sql/postgres/${name}`, import.meta.url);
  const values: Record<string, string> = {
    capture_role: 'rowseal',
    publication: 'rowseal',
    slot: 'rowseal',
  };
  return readFileSync(path, 'utf8').replace(/:'([a-z_]+)'/g, (_, key: string) => `'${values[key]}'`);
}

/** Everything in a cluster and a database that the kit could leave behind; privileges as they are in effect. */
export async function catalogSnapshot(client: pg.Client): Promise<string> {
  const queries = [
    `select nspname, nspowner::regrole, nspacl::text from pg_namespace where nspname !~ '^pg_(toast_)?temp' order by 1`,
    `select oid::regprocedure, (select array_agg(a::text order by a::text) from aclexplode(coalesce(proacl, acldefault('f', proowner))) as a)
       from pg_proc where proname = 'pg_logical_emit_message' or pronamespace <> 'pg_catalog'::regnamespace order by oid::regprocedure::text`,
    `select oid::regclass::text, relkind, relreplident, relacl::text, relhastriggers from pg_class where oid >= 16384 order by 1`,
    `select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2`,
    `select evtname, evtenabled from pg_event_trigger order by 1`,
    `select pubname from pg_publication order by 1`,
    `select prrelid::regclass::text from pg_publication_rel order by 1`,
    `select slot_name from pg_replication_slots order by 1`,
    `select rolname, rolsuper, rolreplication, rolconfig::text from pg_roles order by 1`,
    `select datname, (select array_agg(a::text order by a::text) from aclexplode(coalesce(datacl, acldefault('d', datdba))) as a) from pg_database order by 1`,
    `select count(*) from pg_shdescription`,
    `select count(*) from pg_description where objoid >= 16384`,
    `select count(*) from pg_default_acl`,
  ];
  const found: unknown[] = [];
  for (const sql of queries) found.push((await client.query(sql)).rows);
  // A table that once had a trigger keeps relhastriggers until VACUUM; that is no trace that matters.
  return JSON.stringify(found, (key, value) => (key === 'relhastriggers' ? undefined : value), 1);
}
