/**
 * What the stream doesn't say of a relation, asked from the catalogs: primary key, ancestors, our triggers, the
 * names and kinds of types. The catalogs tell of now and the stream of then, so whatever isn't there any more, or
 * doesn't fit, degrades to what the stream says; nothing is guessed. What they can't prove of then (ancestry.ts) the
 * relation says so itself, until a transaction comes that committed after we looked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Column, Position, Relation } from '../../../change/change.ts';
import type { RelationMessage } from '../events/decode.ts';
import { builtInName, encodingOf, type TypeDescription, type TypeLookup } from '../values/values.ts';
import { parseLsn } from '../wire/lsn.ts';
import type { SideSession, TextRow } from '../wire/sessions.ts';
import { END_OF_LOG, isProven, type Lineages, lineageOf, slotNamed } from './ancestry.ts';
import { attributesOf, numbersNow, numbersThen, withNumbers } from './column-numbers.ts';
import { columnsNow, namesBesides } from './columns-now.ts';
import { isFinished } from './snapshot.ts';

/** Names of the statement triggers that the SQL kit installs. */
export const CONTEXT_TRIGGERS = ['rowseal_context_before', 'rowseal_context_after'] as const;

export interface Catalog {
  /** Throws `source_unreachable` and the like; never because something is gone. */
  resolve(message: RelationMessage): Promise<Relation>;
  /** What a Type message said: the name of a type that isn't built in, of its base type where it is a domain. */
  heardType(oid: number, schema: string, name: string): void;
  /** A transaction begins whose commit is at this position. */
  begin(position: Position): void;
  /** The relation as it holds for the transaction that began last. */
  now(relation: Relation): Relation;
}

/** How long to wait for a commit to show; only a synchronous standby holds it back for longer than a moment. */
const VISIBLE_PATIENCE_MS = 5000;

const PRIMARY_KEY = (oid: string) => `
    (select json_agg(a.attname order by k.place)
       from pg_index i, unnest(i.indkey::int2[]) with ordinality k(attnum, place), pg_attribute a
      where i.indrelid = ${oid} and i.indisprimary and k.place <= i.indnkeyatts
        and a.attrelid = i.indrelid and a.attnum = k.attnum) as primary_key`;

/** Whether our kit is there: without it no table had our trigger. */
const KIT = `exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                      where n.nspname = 'rowseal' and p.proname = 'emit_session') as kit`;

const LINEAGE = `lineage.ancestors, lineage.written, lineage.relids, lineage.unmoved, lineage.unnamed, lineage.own_schema,
    lineage.context_trigger`;

const RELATION = (version: number) => `
  with ${slotNamed('$5')}
  select pg_current_snapshot()::text as snapshot, ${END_OF_LOG} as seen_at, ${KIT}, ${LINEAGE},
    exists (select from pg_class where oid = $1::oid) as there, ${PRIMARY_KEY('$1::oid')}, ${columnsNow('$1::oid', '$6', version)},
    ${attributesOf('$1::oid')},
    (select json_agg(format_type(t.oid, nullif(m.modifier, -1)) order by m.place)
       from unnest($3::oid[], $4::int4[]) with ordinality m(oid, modifier, place)
       left join pg_type t on t.oid = m.oid) as type_names
    from ${lineageOf('$1::oid', '$2')}`;

/** The same of every published table at once, so that a thousand tables don't cost a thousand questions. */
const PUBLISHED = (version: number) => `
  with ${slotNamed('$3')}
  select c.oid, pg_current_snapshot()::text as snapshot, ${END_OF_LOG} as seen_at, ${KIT}, ${LINEAGE},
    true as there, ${PRIMARY_KEY('c.oid')}, ${columnsNow('c.oid', '$1', version)}, ${attributesOf('c.oid')},
    (select json_object_agg(a.atttypid || ':' || a.atttypmod, format_type(a.atttypid, nullif(a.atttypmod, -1)))
       from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as types
  from pg_publication_tables p join pg_namespace n on n.nspname = p.schemaname
    join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
    cross join ${lineageOf('c.oid', '$2')}
  where p.pubname = $1 limit 20000`;

const TYPES = `
  with recursive needed(oid) as (
    select unnest($1::oid[])
    union
    select case when t.typtype = 'd' then t.typbasetype else t.typelem end
      from needed join pg_type t using (oid) where t.typtype = 'd' or t.typelem <> 0
  )
  select t.oid, t.typtype as kind, t.typbasetype as base, t.typdelim as delimiter,
         case when t.typlen = -1 and t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc
              then t.typelem else 0 end as element
    from needed join pg_type t using (oid)`;

interface CatalogParts {
  readonly side: SideSession;
  readonly publication: string;
  readonly slot: string;
  /** server_version_num. */
  readonly version: number;
  /** Columns of a table that were redacted when the catalogs were last looked at. */
  readonly redacted: (oid: number) => readonly string[];
  /** What was seen of the tables before; what is seen here is added. */
  readonly lineages: Lineages;
}

export function createCatalog(parts: CatalogParts): Catalog {
  const { side, lineages } = parts;
  const heard = new Map<number, { schema: string; name: string }>();
  const resolved = new Map<number, { fingerprint: string; relation: Relation }>();
  /** Relations that say less than the catalogs do, which hold for what commits from `seenAt` on. */
  const doubtful = new Map<number, { past: Relation; present: Relation; seenAt: bigint }>();
  const replaced = new Map<Relation, Relation>();
  let generation = 0;
  let ahead: Promise<ReadAhead> | null = null;

  /** The same object as last time where nothing changed. */
  const numbered = (message: RelationMessage, relation: Relation): Relation => {
    const fingerprint = JSON.stringify(relation);
    const last = resolved.get(message.oid);
    if (last?.fingerprint === fingerprint) return last.relation;
    const fresh = { ...relation, id: `${message.oid}.${++generation}` };
    resolved.set(message.oid, { fingerprint, relation: fresh });
    return fresh;
  };

  return {
    heardType: (oid, schema, name) => void heard.set(oid, { schema, name }),
    resolve: async (message) => {
      const oids = message.columns.map((column) => column.typeOid);
      ahead ??= readAhead(parts);
      const known = factsAhead(await ahead, message);
      const facts = known ?? (await readFacts(parts, message, oids));
      const types = known === null ? await readTypes(side, oids) : (await ahead).types;
      const described = {
        ...describeRelation(message, facts, (oid) => types.get(oid), heard),
        ...namesBesides(message, facts, parts.redacted(message.oid)),
      };
      const { past, present, seenAt } = timed(message, facts, described, lineages);
      if (present !== null)
        lineages.saw(message.oid, seenAt, present.ancestors, facts['context_trigger'] === 'now');
      const last = doubtful.get(message.oid);
      if (last !== undefined) replaced.delete(last.past);
      doubtful.delete(message.oid);
      const relation = numbered(message, past);
      if (present !== null && present !== past) {
        const id = `${message.oid}.${++generation}`;
        doubtful.set(message.oid, { past: relation, present: { ...present, id }, seenAt });
      }
      return relation;
    },
    begin: (position) => {
      if (doubtful.size === 0) return;
      const at = parseLsn(position);
      for (const { past, present, seenAt } of doubtful.values())
        if (at >= seenAt) replaced.set(past, present);
    },
    now: (relation) => (replaced.size === 0 ? relation : (replaced.get(relation) ?? relation)),
  };
}

/**
 * The relation as of the message's transaction, and as of now (null: it is gone). What commits after we looked finds
 * the lineage that we saw: whatever alters that needs a lock that the writer holds until it commits, and makes the
 * server send another Relation message.
 */
function timed(message: RelationMessage, facts: TextRow, described: Relation, lineages: Lineages) {
  const seenAt = parseLsn(facts['seen_at'] ?? 'FFFFFFFF/FFFFFFFF');
  const there = facts['there'] === 't';
  const position = parseLsn(message.position);
  const since = lineages.unaltered(message.oid, facts['written'] ?? '', seenAt);
  const proofs = {
    unmoved: list(facts['unmoved']),
    unnamed: list(facts['unnamed']),
    sameSchema: facts['own_schema'] === message.schema,
  };
  const proven = there && (position >= since || isProven(message.xid, proofs));
  const now = numbersNow(message, facts);
  const then = numbersThen(message, facts, (number, row) => {
    return position >= lineages.unalteredColumn(message.oid, number, row, seenAt);
  });
  const trigger = facts['context_trigger'] ?? null;
  const seen = lineages.of(message.oid);
  const before = seen !== undefined && seen.since <= position ? seen : null;
  const present = there ? withNumbers(described, now) : null;
  const had = trigger === 'now' || trigger === 'lately' || seen?.contextTrigger === true;
  const mayHave = !had && before === null && facts['kit'] === 't' && (!there || trigger === 'perhaps');
  const more = proven ? [] : (seen?.ancestors ?? []).filter((name) => !described.ancestors.includes(name));
  const past: Relation = {
    ...withNumbers(described, then),
    ancestors: [...described.ancestors, ...more],
    contextTrigger: had,
    ...(mayHave ? { contextTriggerLost: list(facts['relids']) as string[] } : {}),
    ...(proven ? {} : { ancestry: before === null ? 'lost' : 'remembered' }),
  };
  const sameNumbers = then !== null && then.join() === now?.join();
  const same = proven && sameNumbers && past.contextTrigger === described.contextTrigger && !mayHave;
  return { past: same && present !== null ? present : past, present, seenAt };
}

interface ReadAhead {
  readonly tables: ReadonlyMap<number, TextRow>;
  readonly types: ReadonlyMap<number, TypeDescription>;
}

async function readAhead({ side, publication, slot, version }: CatalogParts): Promise<ReadAhead> {
  const rows = await side.query(PUBLISHED(version), [publication, `{${CONTEXT_TRIGGERS.join(',')}}`, slot]);
  const oids = new Set<number>();
  for (const row of rows) {
    for (const key of Object.keys(typeMap(row))) oids.add(Number(key.split(':')[0]));
  }
  const types = await readTypes(side, [...oids]);
  return { tables: new Map(rows.map((row) => [Number(row['oid']), row])), types };
}

/**
 * What was read ahead, where it holds: in a snapshot that has this transaction. Whatever alters the table later
 * makes the server send another Relation message, in a transaction that this snapshot doesn't have.
 */
function factsAhead({ tables }: ReadAhead, message: RelationMessage): TextRow | null {
  const row = tables.get(message.oid);
  if (row === undefined || !isFinished(message.xid, row['snapshot'] ?? '')) return null;
  const names = typeMap(row);
  const typeNames = message.columns.map(({ typeOid, typeModifier }) => names[`${typeOid}:${typeModifier}`]);
  return typeNames.includes(undefined) ? null : { ...row, type_names: JSON.stringify(typeNames) };
}

function typeMap(row: TextRow): Record<string, string> {
  return JSON.parse(row['types'] ?? '{}') as Record<string, string>;
}

async function readTypes(side: SideSession, oids: readonly number[]): Promise<Map<number, TypeDescription>> {
  const asked = oids.filter((oid) => builtInName(oid) === undefined);
  const rows = asked.length === 0 ? [] : await side.query(TYPES, [`{${asked.join(',')}}`], 'types');
  return new Map(rows.map((row) => [Number(row['oid']), describe(row)]));
}

/**
 * The walsender may send a transaction before its commit shows to others: the WAL has it a moment before the snapshots
 * do. What it created or altered would be missing from the catalogs, so we look again until it shows.
 */
async function readFacts(
  { side, slot, publication, version }: CatalogParts,
  message: RelationMessage,
  oids: readonly number[],
): Promise<TextRow> {
  const values = [
    String(message.oid),
    `{${CONTEXT_TRIGGERS.join(',')}}`,
    `{${oids.join(',')}}`,
    `{${message.columns.map((column) => column.typeModifier).join(',')}}`,
    slot,
    publication,
  ];
  const deadline = Date.now() + VISIBLE_PATIENCE_MS;
  for (;;) {
    const [facts = {}] = await side.query(RELATION(version), values, 'relation');
    if (isFinished(message.xid, facts['snapshot'] ?? '') || Date.now() > deadline) return facts;
    await sleep(5);
  }
}

function describe(row: TextRow): TypeDescription {
  return {
    kind: row['kind'] ?? 'b',
    base: Number(row['base']),
    element: Number(row['element']),
    delimiter: row['delimiter'] ?? ',',
  };
}

const IDENTITIES = { d: 'default', f: 'full', i: 'index', n: 'nothing' } as const;

function describeRelation(
  message: RelationMessage,
  facts: TextRow,
  lookup: TypeLookup,
  heard: ReadonlyMap<number, { schema: string; name: string }>,
): Relation {
  const typeNames = list(facts['type_names']);
  const columns = message.columns.map(({ name, typeOid, identity }, index): Column => {
    const said = heard.get(typeOid);
    const fallback = builtInName(typeOid) ?? (said ? `${said.schema}.${said.name}` : `type ${typeOid}`);
    return { name, type: typeNames[index] ?? fallback, encoding: encodingOf(typeOid, lookup), identity };
  });
  const names = new Set(columns.map((column) => column.name));
  const primaryKey = list(facts['primary_key']) as string[];
  // REPLICA IDENTITY DEFAULT flags the primary key of then (none where that is deferrable); the catalogs tell of now.
  const flagged = message.identity === 'd' ? columns.filter(({ identity }) => identity) : [];
  const isOfThen =
    flagged.length === 0 ||
    (flagged.length === primaryKey.length && flagged.every(({ name }) => primaryKey.includes(name)));
  const fits = primaryKey.length > 0 && primaryKey.every((name) => names.has(name)) && isOfThen;
  return {
    id: '',
    schema: message.schema,
    table: message.table,
    columns,
    replicaIdentity: IDENTITIES[message.identity as keyof typeof IDENTITIES],
    primaryKey: fits ? primaryKey : null,
    ancestors: list(facts['ancestors']) as string[],
    contextTrigger: facts['context_trigger'] === 'now',
    ...(facts['there'] === 't' ? {} : { gone: true }),
  };
}

function list(json: string | null | undefined): (string | null)[] {
  return json ? (JSON.parse(json) as (string | null)[]) : [];
}
