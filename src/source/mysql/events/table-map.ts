/**
 * TABLE_MAP events (mysql-server: Table_map_event): what the rows that follow are rows of, without any look at the
 * live schema. As long as the bytes stay the same, so does the object, and with it the relation.
 */
import type { Relation } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { type Fields, readFields } from '../bytes/fields.ts';
import type { Flavor } from '../bytes/flavor.ts';
import { coderOf } from '../values/cells.ts';
import { TYPE } from '../values/cells-types.ts';
import type { ColumnMeta, ReadCell } from '../values/column.ts';
import { type Metadata, readMetadata } from './table-map-metadata.ts';

export interface TableMap {
  readonly schema: string;
  readonly table: string;
  readonly relation: Relation;
  readonly columns: readonly ColumnMeta[];
  /** A reader for each column. */
  readonly reads: readonly ReadCell[];
  /** False where binlog_row_metadata is not FULL: columns are called `@1`, `@2` …, signs and sets may be unknown. */
  readonly hasNames: boolean;
  /** By ordinal: 1 for the columns of type JSON; partial updates have a bit for each. */
  readonly isJson: Uint8Array;
  readonly jsonCount: number;
  /** Has columns of the old temporal types, whose fraction MariaDB does not send: its rows are checked more closely. */
  readonly oldTemporal: boolean;
}

/** Undefined where it is not known. */
export type ColumnsNow = (schema: string, table: string) => readonly string[] | undefined;

export interface TableMaps {
  /** `body`: the event without header and checksum. Throws `stream_not_understood`. */
  read(body: Buffer): TableMap;
  /** The newest table under this id. */
  find(tableId: number): TableMap | undefined;
  /** Ids are forgotten (a new server, a new file); tables that come again are the same objects. */
  forget(): void;
}

/** Of rows events that carry no row, only the end of a statement. */
export const DUMMY_TABLE_ID = 0xff_ffff;
const ID_BYTES = 6;
const FLAG_BYTES = 2;
/** Table maps kept: more than a server's open tables. */
const MAX_KEPT = 20_000;
/** And of these so many columns: a column costs 1.2 kB, with what the recorder compiles of it. */
const MAX_KEPT_COLUMNS = 150_000;
/** More tables than one statement has. */
const STATEMENT_TABLES = 256;
/** Columns that a table can have (manual: "Limits on Table Column Count"). */
const MAX_COLUMNS = 4096;
const TWO_META_BYTES: ReadonlySet<number> = new Set([
  TYPE.varchar,
  TYPE.bit,
  TYPE.newdecimal,
  TYPE.enum,
  TYPE.set,
  TYPE.varString,
  TYPE.string,
  TYPE.varcharCompressed,
]);
const ONE_META_BYTE: ReadonlySet<number> = new Set([
  TYPE.float,
  TYPE.double,
  TYPE.timestamp2,
  TYPE.datetime2,
  TYPE.time2,
  TYPE.blobCompressed,
  TYPE.vector,
  TYPE.json,
  TYPE.tinyBlob,
  TYPE.mediumBlob,
  TYPE.longBlob,
  TYPE.blob,
  TYPE.geometry,
]);

/**
 * `contextTrigger`: whether the table has our trigger, as of now. Asked for every TABLE_MAP, since a trigger that came or
 * went leaves no mark in it; the same columns are then another relation.
 */
export function createTableMaps(
  flavor: Flavor,
  contextTrigger: (schema: string, table: string) => boolean = () => false,
  foldsNames = false,
  columnsNow: ColumnsNow = () => undefined,
): TableMaps {
  // In two halves, so that what was read for the statement at hand is never among what is forgotten.
  let byId = new Map<number, Known>();
  let older = new Map<number, Known>();
  let idColumns = 0;
  const byBytes = new Map<string, TableMap>();
  let bytesColumns = 0;

  const keep = (id: number, known: Known): TableMap => {
    const isFull = idColumns >= MAX_KEPT_COLUMNS / 2 && byId.size >= STATEMENT_TABLES;
    if (isFull || byId.size >= MAX_KEPT / 2) {
      older = byId;
      byId = new Map();
      idColumns = 0;
    }
    byId.set(id, known);
    idColumns += known.table.columns.length;
    return known.table;
  };
  const isAsOfNow = ({ schema, table, relation }: TableMap) =>
    relation.contextTrigger === contextTrigger(schema, table);

  return {
    read: (body) => {
      const id = tableIdOf(body);
      const known = byId.get(id);
      // The flags say how a statement is to be applied; they don't describe the table.
      if (known?.bytes.compare(body, ID_BYTES + FLAG_BYTES) === 0 && isAsOfNow(known.table))
        return known.table;
      const bytes = Buffer.from(body.subarray(ID_BYTES + FLAG_BYTES));
      const key = bytes.toString('latin1');
      let table = byBytes.get(key);
      if (table === undefined || !isAsOfNow(table)) {
        table = readTableMap(body, flavor, contextTrigger, foldsNames, columnsNow);
        if (byBytes.size >= MAX_KEPT || bytesColumns >= MAX_KEPT_COLUMNS) {
          byBytes.clear();
          bytesColumns = 0;
        }
        byBytes.set(key, table);
        bytesColumns += table.columns.length;
      }
      return keep(id, { bytes, table });
    },
    find: (tableId) => (byId.get(tableId) ?? older.get(tableId))?.table,
    forget: () => {
      byId.clear();
      older.clear();
      idColumns = 0;
    },
  };
}

interface Known {
  readonly bytes: Buffer;
  readonly table: TableMap;
}

/** The table id that a TABLE_MAP or a rows event begins with. */
export function tableIdOf(body: Buffer): number {
  if (body.length < ID_BYTES + FLAG_BYTES) throw broken('an event of a table that is shorter than its id');
  return body.readUIntLE(0, ID_BYTES);
}

export function readTableMap(
  body: Buffer,
  flavor: Flavor,
  contextTrigger: (schema: string, table: string) => boolean = () => false,
  foldsNames = false,
  columnsNow: ColumnsNow = () => undefined,
): TableMap {
  const fields = readFields(body, ID_BYTES + FLAG_BYTES, body.length, 'a table map');
  const schema = name(fields);
  const table = name(fields);
  const count = fields.lengthEncoded();
  if (count > MAX_COLUMNS) throw broken(`a table of ${count} columns`);
  const sent = [...fields.take(count)];
  const metaBytes = fields.take(fields.lengthEncoded());
  const meta = readFields(metaBytes, 0, metaBytes.length, "a table map's metadata");
  const unwrapped = sent.map((type) => unwrap(type, metaOf(type, meta)));
  if (meta.left() > 0) throw broken('a table map with metadata of no column');
  const nullable = fields.take((count + 7) >> 3);
  const metadata = readMetadata(
    fields.rest(),
    unwrapped.map(({ type }) => type),
    flavor,
  );
  const names = metadata.names?.length === count ? metadata.names : null;
  const columns = unwrapped.map(({ type, meta: ofType }, i) =>
    columnOf(i, type, ofType, names, metadata, nullable),
  );
  const unsent = addedLater(names, columnsNow(schema, table));
  const ofServer = {
    contextTrigger: contextTrigger(schema, table),
    foldsNames,
    ...(unsent.length === 0 ? {} : { unsent }),
  };
  return tableOf(schema, table, columns, names, metadata.primaryKey, ofServer);
}

function tableOf(
  schema: string,
  table: string,
  columns: readonly ColumnMeta[],
  names: readonly string[] | null,
  key: readonly number[] | null,
  ofServer: Pick<Relation, 'contextTrigger' | 'foldsNames' | 'unsent'>,
): TableMap {
  const coders = columns.map((column) => coderOf(column));
  const nameOf = (ordinal: number) => names?.[ordinal] ?? `@${ordinal + 1}`;
  const primaryKey = names === null ? null : (key?.filter((i) => i < columns.length).map(nameOf) ?? null);
  return {
    schema,
    table,
    columns,
    reads: coders.map(({ read }) => read),
    hasNames: names !== null,
    isJson: Uint8Array.from(columns, ({ type }) => (type === TYPE.json ? 1 : 0)),
    jsonCount: columns.filter(({ type }) => type === TYPE.json).length,
    oldTemporal: columns.some(
      ({ type }) => type === TYPE.time || type === TYPE.datetime || type === TYPE.timestamp,
    ),
    relation: {
      id: `${schema}.${table}`,
      schema,
      table,
      columns: coders.map(({ type, encoding }, i) => ({
        name: nameOf(i),
        type,
        encoding,
        identity: columns[i]?.primaryKey ?? false,
      })),
      replicaIdentity: 'full',
      primaryKey,
      ancestors: [],
      ...ofServer,
      foldsColumns: true,
      contextAhead: true, // row-events.ts
    },
  };
}

/** Where a column was renamed since, or dropped, nobody can tell which of now it is. */
function addedLater(names: readonly string[] | null, now: readonly string[] | undefined): readonly string[] {
  if (names === null || now === undefined) return [];
  const folded = new Set(now.map((name) => name.toLowerCase()));
  const then = new Set(names.map((name) => name.toLowerCase()));
  if (!folded.isSupersetOf(then)) return [];
  return now.filter((name) => !then.has(name.toLowerCase()));
}

function columnOf(
  ordinal: number,
  type: number,
  meta: number,
  names: readonly string[] | null,
  metadata: Metadata,
  nullable: Buffer,
): ColumnMeta {
  return {
    name: names?.[ordinal] ?? null,
    type,
    meta,
    unsigned: metadata.unsigned[ordinal] ?? false,
    collation: metadata.collations[ordinal] ?? null,
    nullable: (((nullable[ordinal >> 3] as number) >> (ordinal & 7)) & 1) === 1,
    members: metadata.members[ordinal] ?? null,
    geometry: metadata.geometries[ordinal] ?? null,
    dimension: metadata.dimensions[ordinal] ?? null,
    visible: metadata.visible[ordinal] ?? true,
    primaryKey: metadata.primaryKey?.includes(ordinal) ?? false,
  };
}

/** A length, the name, and a zero. */
function name(fields: Fields): string {
  const found = fields.take(fields.u8()).toString();
  if (fields.u8() !== 0) throw broken('a table map with a name without end');
  return found;
}

function metaOf(type: number, meta: Fields): number {
  if (type === TYPE.typedArray) throw broken('a typed array in a table map');
  if (TWO_META_BYTES.has(type)) return meta.u16();
  return ONE_META_BYTE.has(type) ? meta.u8() : 0;
}

/** STRING stands for CHAR, BINARY, ENUM and SET: the metadata's first byte says which, with two bits of the length. */
function unwrap(type: number, meta: number): { type: number; meta: number } {
  if (type !== TYPE.string && type !== TYPE.enum && type !== TYPE.set) return { type, meta };
  const first = meta & 0xff;
  const length = meta >> 8;
  if ((first & 0x30) !== 0x30) return { type: first | 0x30, meta: length | (((first & 0x30) ^ 0x30) << 4) };
  return { type: first, meta: length };
}
