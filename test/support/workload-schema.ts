/**
 * The tables that the workloads of the truth and crash tests write to: every kind of type, every replica identity,
 * partitions, foreign keys, odd names, redacted and unmatched ones; the logins; and how a table becomes captured.
 */
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { ValueKind } from './workload-values.ts';

export interface WorkloadTable {
  /** As SQL writes it. */
  readonly name: string;
  /** Columns that random values are made for: name as SQL writes it, and kind of value. */
  readonly columns: readonly (readonly [name: string, kind: ValueKind])[];
  /** Updates and deletes need an identity. */
  readonly insertOnly?: boolean;
  /** Columns of the key that key changes may touch. */
  readonly key?: string;
  /** Value of the key column for a new row; absent where a sequence gives it. */
  readonly newKey?: (serial: number) => string;
  /** Has our context triggers; for tables made later. */
  readonly attached?: boolean;
  /** Weight among the tables. */
  readonly weight: number;
}

export const LOGINS = ['app_a', 'app_b', 'cron_job'] as const;
export const PASSWORD = 'workload';

const TYPES = `
  create type public.mood as enum ('sad', 'ok', 'very "happy"');
  create domain public.positive as integer check (value > 0);
  create domain public.words as text[];
  create type public.address as (street text, zip integer, extra text);`;

const ALL_KINDS: readonly ValueKind[] = [
  'boolean', 'smallint', 'integer', 'bigint', 'oid', 'real', 'double', 'numeric', 'amount', 'money', 'text',
  'varchar', 'char', 'byte', 'name', 'bytea', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval',
  'uuid', 'json', 'jsonb', 'bit', 'varbit', 'inet', 'cidr', 'macaddr', 'macaddr8', 'point', 'box', 'circle',
  'polygon', 'tsvector', 'tsquery', 'int4range', 'numrange', 'tstzrange', 'multirange', 'jsonpath', 'lsn', 'xid8',
  'mood', 'positive', 'words', 'address', 'intArray', 'bigintArray', 'textArray', 'floatArray', 'boolArray',
  'jsonbArray', 'jsonArray', 'byteaArray', 'moodArray', 'positiveArray', 'boxArray', 'addressArray', 'momentArray',
  'int2vector', 'oidvector', 'regclass',
]; // biome-ignore format: a list

const TYPE_NAMES: Partial<Record<ValueKind, string>> = {
  double: 'double precision', amount: 'numeric(12,3)', varchar: 'varchar(200)', char: 'char(12)', byte: '"char"',
  bit: 'bit(9)', multirange: 'int4multirange', lsn: 'pg_lsn', mood: 'public.mood', positive: 'public.positive',
  words: 'public.words', address: 'public.address', intArray: 'integer[]', bigintArray: 'bigint[]',
  textArray: 'text[]', floatArray: 'double precision[]', boolArray: 'boolean[]', jsonbArray: 'jsonb[]',
  jsonArray: 'json[]', byteaArray: 'bytea[]', moodArray: 'public.mood[]', positiveArray: 'public.positive[]',
  boxArray: 'box[]', addressArray: 'public.address[]', momentArray: 'timestamptz[]', big: 'text', huge: 'text',
}; // biome-ignore format: a list

/** Column definition of a kind. */
export function typeNameOf(kind: ValueKind): string {
  return TYPE_NAMES[kind] ?? kind;
}

const everything = ALL_KINDS.map((kind) => [`c_${kind.toLowerCase()}`, kind] as const);
const everythingSql = everything.map(([name, kind]) => `${name} ${typeNameOf(kind)}`).join(', ');

export const TABLES: readonly WorkloadTable[] = [
  { name: 'public.everything', columns: [...everything, ['big', 'huge']], key: 'id', weight: 4 },
  {
    name: 'public.stock',
    columns: [
      ['n', 'integer'],
      ['price', 'numeric'],
      ['doc', 'jsonb'],
      ['big', 'big'],
      ['at', 'timestamptz'],
      ['tags', 'textArray'],
    ],
    key: 'id',
    newKey: (serial) => `${serial}, 'part ''${serial % 3}'`,
    weight: 5,
  },
  {
    name: 'public.coded',
    columns: [
      ['n', 'integer'],
      ['note', 'text'],
      ['raw', 'json'],
      ['big', 'big'],
    ],
    key: 'code',
    newKey: (serial) => `'code-${serial}'`,
    weight: 4,
  },
  {
    name: 'public.part',
    columns: [
      ['n', 'integer'],
      ['doc', 'jsonb'],
      ['body', 'big'],
    ],
    key: 'region',
    newKey: (serial) => String(serial % 30),
    weight: 4,
  },
  { name: 'public.journal', columns: [['line', 'text'], ['at', 'timestamp'], ['f', 'double']], insertOnly: true, weight: 2 },
  {
    name: 'public."Odd ~/ ""näme"""',
    columns: [
      ['"a/b"', 'text'],
      ['"c~d"', 'jsonb'],
      ['"é \\ü"', 'integer'],
      ['"quo""te"', 'text'],
      ['" "', 'text'],
    ],
    weight: 2,
  },
  {
    name: 'public.secret',
    columns: [
      ['card', 'text'],
      ['email', 'text'],
      ['score', 'integer'],
      ['notes', 'text'],
      ['open', 'text'],
      ['doc', 'jsonb'],
    ],
    key: 'id',
    weight: 3,
  },
  { name: 'other.unmatched', columns: [['n', 'integer'], ['t', 'text']], weight: 1 },
  { name: 'public.unpublished', columns: [['n', 'integer'], ['t', 'text']], weight: 1 },
  { name: 'public.child', columns: [['n', 'integer'], ['t', 'text']], newKey: () => '(select min(id) from public.parent)', weight: 2 },
  { name: 'public.parent', columns: [['t', 'text']], key: 'id', weight: 2 },
];

const CREATE = (major: number) => `
  create schema other;
  create table public.everything (id bigint generated by default as identity primary key, ${everythingSql}, big text,
    doubled integer generated always as (c_integer / 2) stored, gone integer);
  alter table public.everything drop column gone;
  alter table public.everything replica identity full;
  create table public.stock (id bigint, part text, n integer, price numeric, doc jsonb, big text, at timestamptz,
    tags text[], primary key (part, id));
  create table public.coded (id bigint generated by default as identity primary key, code text not null,
    n integer, note text, raw json, big text);
  create unique index coded_code on public.coded (code);
  alter table public.coded replica identity using index coded_code;
  create table public.part (region integer not null, id bigint generated by default as identity, n integer,
    doc jsonb, body text, primary key (region, id)) partition by range (region);
  create table public.part_low partition of public.part for values from (0) to (10);
  create table public.part_mid partition of public.part for values from (10) to (20) partition by list (region);
  create table public.part_mid_even partition of public.part_mid for values in (10, 12, 14, 16, 18);
  create table public.part_mid_odd partition of public.part_mid default;
  create table public.part_high partition of public.part default;
  alter table public.part_low replica identity full;
  create table public.journal (line text, at timestamp, f double precision);
  create table public."Odd ~/ ""näme""" ("a/b" text, "c~d" jsonb, "é \\ü" integer, "quo""te" text, " " text);
  alter table public."Odd ~/ ""näme""" replica identity full;
  create table public.secret (id bigint generated by default as identity primary key, card text, email text,
    score integer, notes text, open text, doc jsonb);
  alter table public.secret replica identity full;
  create table other.unmatched (id bigint generated by default as identity primary key, n integer, t text);
  create table public.unpublished (id bigint generated by default as identity primary key, n integer, t text);
  create table public.parent (id bigint generated by default as identity primary key, t text);
  create table public.child (parent bigint references public.parent on delete cascade on update cascade,
    id bigint generated by default as identity primary key, n integer, t text);
  create index on public.child (parent);
  alter table public.child replica identity full;
  create publication rowseal${major >= 18 ? ' with (publish_generated_columns = stored)' : ''};`;

/** Leaves that are published. */
export const PUBLISHED = [
  'public.everything', 'public.stock', 'public.coded', 'public.part_low', 'public.part_mid_even', 'public.part_mid_odd',
  'public.part_high', 'public.journal', 'public."Odd ~/ ""näme"""', 'public.secret', 'other.unmatched',
  'public.parent', 'public.child',
]; // biome-ignore format: a list

/** Tables with our context triggers. */
const ATTACHED = ['public.everything', 'public.coded', 'public.part', 'public.secret', 'public.parent'];

/** Everything on an empty database: the SQL kit, logins, types, tables, publication, triggers. */
export async function installSchema(admin: pg.Client, major: number): Promise<void> {
  await admin.query(await readFile(new URL('../../sql/postgres/01-kit.sql', import.meta.url), 'utf8'));
  await admin.query("set search_path = ''");
  for (const login of LOGINS) await admin.query(`create role ${login} login password '${PASSWORD}'`);
  await admin.query(`create role rowseal login replication password '${PASSWORD}'`);
  await admin.query('grant execute on function rowseal.heartbeat() to rowseal');
  await admin.query(TYPES);
  await admin.query(CREATE(major));
  for (const table of PUBLISHED) await admin.query(`alter publication rowseal add table only ${table}`);
  for (const table of ATTACHED) await admin.query('select rowseal.attach($1::regclass)', [table]);
  await admin.query(`grant usage on schema public, other to public`);
  await admin.query(`grant all on all tables in schema public, other to public;
    grant all on all sequences in schema public, other to public`);
}

/** What the configuration of a workload's trail says of tables and actors. */
export const TABLE_RULES = [
  { match: 'public.*' },
  { match: 'public.part_low', class: 'regional' },
  { match: 'public.secret', class: 'financial', columns: { card: 'mask', email: 'hmac', score: 'hmac', notes: 'drop', doc: 'mask' } },
  { match: 'public.stock' },
] as const;

export const ACTOR_RULES = [{ login: 'cron_*', actor: { type: 'system', id: 'cron' } }] as const;

/** A value longer than this is recorded as its digest. */
export const MAX_VALUE_BYTES = 12_288;
