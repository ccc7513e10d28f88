/**
 * A relation and the policy compiled once, so that writing a row is copying pieces in an order fixed here:
 * member names, patch paths, record heads. It must never hold anything of a particular row.
 */
import type { Relation } from '../change.ts';
import { compileValue, JSON_TEXT, JSON_TRUSTED, type ValuePlan } from '../values/plan.ts';
import { type Policy, type Redaction, severestOf, type TablePolicy } from './policy.ts';

export interface ColumnPlan {
  /** Index of the cell in a RowImage. */
  readonly ordinal: number;
  readonly value: ValuePlan;
  readonly redaction: Exclude<Redaction, 'drop'> | null;
  /** Part of the replica identity. */
  readonly identity: boolean;
  /** A json column that patches may go down into. */
  readonly nested: boolean;
  /** `/name`, escaped by RFC 6901 section 3, not yet as JSON. */
  readonly pointer: string;
  /** `,"name":` */
  readonly member: Buffer;
  /** `,{"op":"test","path":"/name","value":` and so on. */
  readonly test: Buffer;
  readonly replace: Buffer;
}

export interface RowPlan {
  readonly relation: Relation;
  readonly class: string;
  /** Columns that are recorded, in the relation's order; dropped ones are missing. */
  readonly columns: readonly ColumnPlan[];
  /**
   * What `target.key` may be, the best first: the primary key's columns, the identity's where they are others. Never
   * empty ones; null where there is none, so that nothing but the whole row says which one it is.
   */
  readonly key: readonly (readonly ColumnPlan[])[] | null;
  /** `,"action":"insert","target":{"schema":…,"table":…,"key":` */
  readonly heads: { readonly [action in 'insert' | 'update' | 'delete' | 'truncate']: Buffer };
  /** Members of this relation's record behind its time. */
  readonly relationRecord: string;
}

/** Null where the policy doesn't record this relation. */
export function compileRow(relation: Relation, policy: Policy): RowPlan | null {
  const table = policy.table(relation);
  if (table === null) return null;
  const columns = relation.columns.flatMap((column, ordinal) => {
    const redaction = redactionOf(table, relation, column.name);
    return redaction === 'drop' ? [] : [compileColumn(relation, ordinal, redaction)];
  });
  return {
    relation,
    class: table.class,
    columns,
    key: compileKey(relation, columns),
    heads: {
      insert: head(relation, 'insert'),
      update: head(relation, 'update'),
      delete: head(relation, 'delete'),
      truncate: head(relation, 'truncate'),
    },
    relationRecord: relationRecord(relation, table),
  };
}

function compileKey(relation: Relation, columns: readonly ColumnPlan[]): RowPlan['key'] {
  const recorded = (names: readonly string[]) =>
    names.flatMap((name) => columns.find((each) => nameOf(relation, each) === name) ?? []);
  const primary = recorded(relation.primaryKey ?? []);
  const identity = recorded(identityNames(relation));
  const same = primary.length === identity.length && identity.every((each) => primary.includes(each));
  const keys = [primary, ...(same ? [] : [identity])].filter(({ length }) => length > 0);
  return keys.length === 0 ? null : keys;
}

/** FULL flags every column, which is no key. */
function identityNames({ replicaIdentity, columns }: Relation): readonly string[] {
  return replicaIdentity === 'full' ? [] : columns.filter(({ identity }) => identity).map(({ name }) => name);
}

/** What the relation's record calls its key: the primary key where it is known, else the identity index. */
function keyNames(relation: Relation): readonly string[] | null {
  if (relation.primaryKey !== null) return relation.primaryKey;
  const names = identityNames(relation);
  return names.length === 0 ? null : names;
}

function compileColumn(relation: Relation, ordinal: number, redaction: ColumnPlan['redaction']): ColumnPlan {
  const { name, encoding, identity } = relation.columns[ordinal]!;
  const value = compileValue(encoding);
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const path = JSON.stringify(pointer);
  return {
    ordinal,
    value,
    redaction,
    identity,
    nested: redaction === null && (value.code === JSON_TEXT || value.code === JSON_TRUSTED),
    pointer,
    member: Buffer.from(`,${JSON.stringify(name)}:`),
    test: Buffer.from(`,{"op":"test","path":${path},"value":`),
    replace: Buffer.from(`,{"op":"replace","path":${path},"value":`),
  };
}

function nameOf(relation: Relation, column: ColumnPlan): string {
  return relation.columns[column.ordinal]!.name;
}

function head(relation: Relation, action: string): Buffer {
  const schema = JSON.stringify(relation.schema);
  const table = JSON.stringify(relation.table);
  return Buffer.from(`,"action":"${action}","target":{"schema":${schema},"table":${table},"key":`);
}

/** Null where the column is recorded as it is. */
export function redactionOf(
  table: TablePolicy,
  relation: Pick<Relation, 'foldsColumns'>,
  column: string,
): Redaction | null {
  const exact = table.columns.get(column);
  if (exact !== undefined || !relation.foldsColumns) return exact ?? table.others ?? null;
  const folded = column.toLowerCase();
  const found = [...table.columns].filter(([name]) => name.toLowerCase() === folded);
  return severestOf(found.map(([, redaction]) => redaction)) ?? table.others ?? null;
}

function relationRecord(relation: Relation, table: TablePolicy): string {
  const columns = relation.columns.map((column) => {
    const redaction = redactionOf(table, relation, column.name);
    return {
      name: column.name,
      type: column.type,
      encoding: encodingName(column.encoding),
      identity: column.identity,
      ...(redaction === null ? {} : { redaction }),
      ...(column.number === undefined ? {} : { number: column.number }),
    };
  });
  const { schema, table: name, oid } = relation;
  const ancestry = relation.ancestry === undefined ? '' : `,"ancestry":"${relation.ancestry}"`;
  const numbers = relation.numbers === undefined ? '' : `,"numbers":"${relation.numbers}"`;
  const target = { schema, table: name, ...(oid === undefined ? {} : { oid }) };
  return `,"target":${JSON.stringify(target)},"class":"${table.class}","columns":${JSON.stringify(columns)},"key":${JSON.stringify(keyNames(relation))},"replica_identity":"${relation.replicaIdentity}","partition_of":${JSON.stringify(relation.ancestors)},"context_trigger":${relation.contextTrigger}${ancestry}${numbers}}`;
}

/** `string`, `number`, …; an array's is its element's with `[]` behind. */
function encodingName(encoding: Relation['columns'][number]['encoding']): string {
  return encoding.as === 'array' ? `${encodingName(encoding.element)}[]` : encoding.as;
}
