/**
 * The numbers of column types in the binlog (MySQL: enum_field_types; MariaDB adds 140 and 141), and their names as
 * information_schema.COLUMNS.COLUMN_TYPE says them, as far as the binlog tells.
 */

import { CellText } from '../text/cell-text.ts';
import { BINARY_COLLATION, charsetOf } from '../text/charsets.ts';
import type { ColumnMeta } from './column.ts';

export const TYPE = {
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  newdate: 14,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  datetime2: 18,
  time2: 19,
  typedArray: 20,
  blobCompressed: 140,
  varcharCompressed: 141,
  vector: 242,
  json: 245,
  newdecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

const PLAIN: Readonly<Record<number, string>> = {
  [TYPE.tiny]: 'tinyint',
  [TYPE.short]: 'smallint',
  [TYPE.int24]: 'mediumint',
  [TYPE.long]: 'int',
  [TYPE.longlong]: 'bigint',
  [TYPE.float]: 'float',
  [TYPE.double]: 'double',
  [TYPE.null]: 'null',
  [TYPE.date]: 'date',
  [TYPE.newdate]: 'date',
  [TYPE.time]: 'time',
  [TYPE.datetime]: 'datetime',
  [TYPE.timestamp]: 'timestamp',
  [TYPE.time2]: 'time',
  [TYPE.datetime2]: 'datetime',
  [TYPE.timestamp2]: 'timestamp',
  [TYPE.year]: 'year',
  [TYPE.json]: 'json',
};

const GEOMETRIES = [
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geomcollection',
];
const BLOBS = ['', 'tiny', '', 'medium', 'long'];

export function typeName(column: ColumnMeta): string {
  const { type, meta } = column;
  const plain = PLAIN[type];
  switch (type) {
    case TYPE.time2:
    case TYPE.datetime2:
    case TYPE.timestamp2:
      return meta === 0 ? `${plain}` : `${plain}(${meta})`;
    case TYPE.newdecimal:
      return `decimal(${meta & 0xff},${meta >> 8})${column.unsigned ? ' unsigned' : ''}`;
    case TYPE.bit:
      return `bit(${(meta >> 8) * 8 + (meta & 0xff)})`;
    case TYPE.enum:
    case TYPE.set:
      return `${type === TYPE.enum ? 'enum' : 'set'}(${membersOf(column).join(',')})`;
    case TYPE.geometry:
      return GEOMETRIES[column.geometry ?? 0] ?? 'geometry';
    case TYPE.vector:
      return column.dimension === null ? 'vector' : `vector(${column.dimension})`;
    case TYPE.blob:
    case TYPE.blobCompressed:
      return `${BLOBS[meta] ?? ''}${isBinary(column) ? 'blob' : 'text'}${compressed(type)}`;
    case TYPE.varchar:
    case TYPE.varString:
    case TYPE.varcharCompressed:
      return `var${characters(column)}${compressed(type)}`;
    case TYPE.string:
      return characters(column);
    default:
      return `${plain ?? `type ${type}`}${column.unsigned && type !== TYPE.year ? ' unsigned' : ''}`;
  }
}

export function isBinary(column: ColumnMeta): boolean {
  return column.collation === BINARY_COLLATION;
}

function characters(column: ColumnMeta): string {
  const width = column.collation === null ? 1 : (charsetOf(column.collation)?.width ?? 1);
  // A compressed one may be longer by its byte of flags.
  const bytes = column.meta - (column.type === TYPE.varcharCompressed ? 1 : 0);
  return `${isBinary(column) ? 'binary' : 'char'}(${Math.floor(bytes / width)})`;
}

function compressed(type: number): string {
  return type === TYPE.blobCompressed || type === TYPE.varcharCompressed ? ' compressed' : '';
}

function membersOf(column: ColumnMeta): string[] {
  const charset = column.collation === null ? null : charsetOf(column.collation);
  return (column.members ?? []).map((bytes) => {
    const out = new CellText(bytes.length * 4);
    charset?.put(bytes, 0, bytes.length, out);
    return `'${out.bytes.toString('utf8', 0, out.length).replaceAll("'", "''")}'`;
  });
}
