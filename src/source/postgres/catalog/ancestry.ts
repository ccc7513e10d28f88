/**
 * What a table was a partition of when it was changed, though the catalogs tell of now. They prove it where every row
 * that attaching, detaching or renaming would have written anew is older than the change; else there is what was
 * seen of the table before, in this run. Nothing may be taken as proven that a lock or a row's age does not prove.
 *
 * The proofs, by table of the lineage:
 * - ATTACH and DETACH write every column's row in pg_attribute; the rows of system columns are never written again. A
 *   column whose row is from the same command as theirs has seen neither since the table was created.
 * - A rename writes the row of the table's type.
 * - What was the same, row for row, at a look before the change's commit and is now, was so in between.
 * - What our slot's catalog_xmin is past was finished before the slot's position, so before all that is still to come.
 */

/** Text of a query's common part: the slot that the proofs need. `$` is the parameter with its name. */
export const slotNamed = (parameter: string) =>
  `slot as materialized (select catalog_xmin from pg_replication_slots where slot_name = ${parameter})`;

const isOld = (xmin: string) => `coalesce(age(${xmin}) > age((select catalog_xmin from slot)), false)`;

/** 'always', the transaction that created the table (proves nothing of itself), or null. */
const witness = (row: string, order: string) =>
  `case when bool_or(${isOld(`${row}.xmin`)} or ${row}.xmin = s.xmin and ${row}.cmin = s.cmin) then 'always'
        when bool_or(${row}.xmin = s.xmin) then min(s.xmin::text) end as proof,
   string_agg(${row}.xmin::text, ' ' order by ${row}.${order}) as written`;

/** The same of one row of a table's pg_attribute, beside the row `s` of a system column. */
export const proofOf = (row: string) =>
  `case when ${isOld(`${row}.xmin`)} or ${row}.xmin = s.xmin and ${row}.cmin = s.cmin then 'always'
        when ${row}.xmin = s.xmin then s.xmin::text end`;

/**
 * A lateral query: what the table `oid` is a partition of, nearest first, with pending detachments; the proofs; and
 * what is known of our triggers on any of them (`$` is the parameter with their names).
 */
export const lineageOf = (oid: string, triggers: string) => `
  lateral (
    with recursive line (relid, place, pending) as (
      select ${oid}, 0, false
      union all
      select i.inhparent, l.place + 1, i.inhdetachpending
        from line l join pg_class c on c.oid = l.relid and c.relispartition join pg_inherits i on i.inhrelid = l.relid
    )
    select json_agg(n.nspname || '.' || c.relname order by l.place) filter (where l.place > 0) as ancestors,
      json_agg(concat_ws('/', l.relid, l.pending, n.xmin, columns.written, named.written) order by l.place) as written,
      json_agg(l.relid::text) as relids,
      json_agg(case when not l.pending and (n.oid = own.relnamespace or ${isOld('n.xmin')}) then columns.proof end) as unmoved,
      json_agg(named.proof) filter (where l.place > 0) as unnamed,
      max(case when l.place = 0 then n.nspname end) as own_schema,
      case when bool_or(fires.now) then 'now' when bool_or(fires.lately) then 'lately'
           when bool_or(c.relhastriggers) then 'perhaps' end as context_trigger
      from line l join pg_class c on c.oid = l.relid join pg_namespace n on n.oid = c.relnamespace
        join pg_class own on own.oid = ${oid}
        cross join lateral (
          select ${witness('a', 'attnum')} from pg_attribute s join pg_attribute a using (attrelid)
           where attrelid = l.relid and s.attnum = -6 and a.attnum > 0 and not a.attisdropped) as columns
        cross join lateral (
          select ${witness('t', 'oid')} from pg_attribute s, pg_type t
           where s.attrelid = l.relid and s.attnum = -6 and t.oid = c.reltype) as named
        cross join lateral (
          select bool_or(t.tgenabled = 'A') as now, bool_or(not ${isOld('t.xmin')}) as lately
            from pg_trigger t where t.tgrelid = l.relid and t.tgname = any (${triggers}::name[])) as fires
  ) as lineage`;

/** Where the server's log ends, as a column; whatever commits later finds what this query sees, or says so itself. */
export const END_OF_LOG =
  'case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end';

interface Proofs {
  /** Of the table and each ancestor: neither attached nor detached since. */
  readonly unmoved: readonly (string | null)[];
  /** Of each ancestor: not renamed since. */
  readonly unnamed: readonly (string | null)[];
  /** The table's own schema is still called as the stream says. */
  readonly sameSchema: boolean;
}

/** Whether the lineage of now is also that of a change in this transaction. */
export function isProven(xid: number, { unmoved, unnamed, sameSchema }: Proofs): boolean {
  if (unmoved.length === 0) return false; // the table is gone
  const all = [...unmoved, ...unnamed].every((proof) => holds(proof, xid));
  return all && (unnamed.length === 0 || sameSchema);
}

/** Whether a proof holds for this transaction. */
export function holds(proof: string | null, xid: number): boolean {
  // The table can't be seen before its creator has committed, unless that is this very transaction (or part of it).
  return proof === 'always' || (proof !== null && ((Number(proof) - xid) | 0) < 0); // 32-bit ids go round
}

interface Seen {
  /** Seen first where the log ended here. */
  readonly since: bigint;
  /** Everything that it was ever seen to be a partition of, nearest first as seen. */
  readonly ancestors: readonly string[];
  /** Ever seen with our trigger, on itself or an ancestor. */
  readonly contextTrigger: boolean;
}

/** What was seen of each table, by OID, for as long as the daemon runs. */
export interface Lineages {
  saw(oid: number, at: bigint, ancestors: readonly string[], contextTrigger: boolean): void;
  /** Undefined where it was not seen yet. */
  of(oid: number): Seen | undefined;
  /** Where the log ended when the table's lineage was first seen to be as `rows` have it, and no other since. */
  unaltered(oid: number, rows: string, at: bigint): bigint;
  /** The same of the row of one of its columns. */
  unalteredColumn(oid: number, number: number, row: string, at: bigint): bigint;
}

export function createLineages(): Lineages {
  const seen = new Map<number, Seen>();
  const written = new Map<number, Written>();
  const columns = new Map<number, Map<number, Written>>();
  return {
    unaltered: (oid, rows, at) => sinceWhen(written, oid, rows, at),
    unalteredColumn: (oid, number, row, at) => {
      const ofTable = columns.get(oid) ?? new Map<number, Written>();
      columns.set(oid, ofTable);
      return sinceWhen(ofTable, number, row, at);
    },
    saw: (oid, at, ancestors, contextTrigger) => {
      const before = seen.get(oid) ?? { since: at, ancestors: [], contextTrigger: false };
      const news = ancestors.filter((name) => !before.ancestors.includes(name));
      seen.set(oid, {
        since: before.since,
        ancestors: news.length === 0 ? before.ancestors : [...before.ancestors, ...news],
        contextTrigger: contextTrigger || before.contextTrigger,
      });
    },
    of: (oid) => seen.get(oid),
  };
}

interface Written {
  readonly rows: string;
  readonly since: bigint;
}

function sinceWhen(written: Map<number, Written>, of: number, rows: string, at: bigint): bigint {
  const before = written.get(of);
  if (before?.rows === rows) return before.since;
  written.set(of, { rows, since: at });
  return at;
}
