/**
 * TABLE_MAP's optional metadata (mysql-server: Table_map_event, "Optional metadata fields"; MariaDB writes the same).
 * Its lists are shorter than the table: signs are of numeric columns only, character sets of character columns only,
 * in the table's order. Fields that are not known are passed over: what matters is in those that are.
 */
import { broken } from '../bytes/broken.ts';
import { type Fields, readFields } from '../bytes/fields.ts';
import type { Flavor } from '../bytes/flavor.ts';
import { TYPE } from '../values/cells-types.ts';

const FIELD = {
  signedness: 1,
  defaultCharset: 2,
  columnCharset: 3,
  columnName: 4,
  setValues: 5,
  enumValues: 6,
  geometryType: 7,
  simplePrimaryKey: 8,
  primaryKeyWithPrefix: 9,
  enumAndSetDefaultCharset: 10,
  enumAndSetColumnCharset: 11,
  columnVisibility: 12,
  vectorDimensionality: 13,
} as const;

/** By column; null where it was not sent. */
export interface Metadata {
  readonly unsigned: boolean[];
  readonly collations: (number | null)[];
  readonly names: readonly string[] | null;
  readonly members: (readonly Buffer[] | null)[];
  readonly geometries: (number | null)[];
  readonly dimensions: (number | null)[];
  readonly visible: boolean[];
  /** Ordinals in key order. */
  readonly primaryKey: readonly number[] | null;
}

const SIGNED_TYPES: ReadonlySet<number> = new Set([
  TYPE.tiny,
  TYPE.short,
  TYPE.int24,
  TYPE.long,
  TYPE.longlong,
  TYPE.newdecimal,
  TYPE.float,
  TYPE.double,
  TYPE.year,
]);
const CHARACTER_TYPES: ReadonlySet<number> = new Set([
  TYPE.string,
  TYPE.varString,
  TYPE.varchar,
  TYPE.blob,
  TYPE.blobCompressed,
  TYPE.varcharCompressed,
  TYPE.vector,
]);

/** `types`: each column's type, unwrapped. Throws `stream_not_understood`. */
export function readMetadata(bytes: Buffer, types: readonly number[], flavor: Flavor): Metadata {
  const columns = ofKinds(types, flavor);
  const unsigned = types.map(() => false);
  const collations: (number | null)[] = types.map(() => null);
  const members: (readonly Buffer[] | null)[] = types.map(() => null);
  const geometries: (number | null)[] = types.map(() => null);
  const dimensions: (number | null)[] = types.map(() => null);
  const visible = types.map(() => true);
  let names: readonly string[] | null = null;
  let primaryKey: readonly number[] | null = null;

  const fields = readFields(bytes, 0, bytes.length, 'table metadata');
  while (fields.left() > 0) {
    const kind = fields.u8();
    const value = fields.take(fields.lengthEncoded());
    const field = readFields(value, 0, value.length, `table metadata ${kind}`);
    switch (kind) {
      case FIELD.signedness:
        spread(columns.numeric, bits(field, columns.numeric.length), unsigned);
        break;
      case FIELD.defaultCharset:
        spread(columns.character, withDefault(field, columns.character.length), collations);
        break;
      case FIELD.columnCharset:
        spread(columns.character, integers(field), collations);
        break;
      case FIELD.enumAndSetDefaultCharset:
        spread(columns.enumOrSet, withDefault(field, columns.enumOrSet.length), collations);
        break;
      case FIELD.enumAndSetColumnCharset:
        spread(columns.enumOrSet, integers(field), collations);
        break;
      case FIELD.columnName:
        names = strings(field).map(String);
        break;
      case FIELD.setValues:
        spread(columns.set, lists(field), members);
        break;
      case FIELD.enumValues:
        spread(columns.enum, lists(field), members);
        break;
      case FIELD.geometryType:
        spread(columns.geometry, integers(field), geometries);
        break;
      case FIELD.simplePrimaryKey:
        primaryKey = integers(field);
        break;
      case FIELD.primaryKeyWithPrefix:
        primaryKey = integers(field).filter((_, i) => i % 2 === 0);
        break;
      case FIELD.columnVisibility:
        spread(
          types.map((_, i) => i),
          bits(field, types.length),
          visible,
        );
        break;
      case FIELD.vectorDimensionality:
        spread(columns.vector, integers(field), dimensions);
        break;
    }
  }
  return { unsigned, collations, names, members, geometries, dimensions, visible, primaryKey };
}

/** Which ordinals each list is over. */
function ofKinds(types: readonly number[], flavor: Flavor) {
  const where = (matches: (type: number) => boolean): number[] =>
    types.flatMap((type, i) => (matches(type) ? [i] : []));
  const isMariadb = flavor === 'mariadb';
  return {
    numeric: where((type) => SIGNED_TYPES.has(type)),
    // MySQL doesn't count GEOMETRY.
    character: where((type) => CHARACTER_TYPES.has(type) || (isMariadb && type === TYPE.geometry)),
    enumOrSet: where((type) => type === TYPE.enum || type === TYPE.set),
    enum: where((type) => type === TYPE.enum),
    set: where((type) => type === TYPE.set),
    geometry: where((type) => type === TYPE.geometry),
    vector: where((type) => type === TYPE.vector),
  };
}

/** A list of another length would be over other columns than we think: nothing may be shifted. */
function spread<T>(ordinals: readonly number[], values: readonly T[], into: T[]): void {
  if (ordinals.length !== values.length) throw misfit();
  ordinals.forEach((ordinal, i) => {
    into[ordinal] = values[i] as T;
  });
}

function misfit(): Error {
  return broken("table metadata that does not fit the table's columns");
}

/** The first column is the highest bit. */
function bits(field: Fields, count: number): boolean[] {
  const bytes = field.take((count + 7) >> 3);
  if (field.left() > 0) throw misfit();
  return Array.from({ length: count }, (_, i) => (((bytes[i >> 3] as number) << (i & 7)) & 0x80) !== 0);
}

function integers(field: Fields): number[] {
  const found: number[] = [];
  while (field.left() > 0) found.push(field.lengthEncoded());
  return found;
}

/** One value for all, then pairs of position and value for those that differ. */
function withDefault(field: Fields, count: number): number[] {
  const found = new Array<number>(count).fill(field.lengthEncoded());
  while (field.left() > 0) {
    const position = field.lengthEncoded();
    const value = field.lengthEncoded();
    if (position >= count) throw misfit();
    found[position] = value;
  }
  return found;
}

function strings(field: Fields): Buffer[] {
  const found: Buffer[] = [];
  while (field.left() > 0) found.push(Buffer.from(field.take(field.lengthEncoded())));
  return found;
}

function lists(field: Fields): Buffer[][] {
  const found: Buffer[][] = [];
  while (field.left() > 0) {
    const count = field.lengthEncoded();
    const list: Buffer[] = [];
    for (let i = 0; i < count; i++) list.push(Buffer.from(field.take(field.lengthEncoded())));
    found.push(list);
  }
  return found;
}
