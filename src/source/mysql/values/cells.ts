/**
 * What turns a column's cells into text, chosen once for each TABLE_MAP. A type that is not known here stops the
 * source: its cells could not even be skipped.
 */
import type { ValueEncoding } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { charsetOf, putUnknown } from '../text/charsets.ts';
import { type PutText, putUtf8 } from '../text/charsets-unicode.ts';
import { bitReader, bytesReader, putBinary, putCompressed, putPadded } from './cells-bytes.ts';
import { readDouble, readFloat } from './cells-float.ts';
import { integerReader, readYear } from './cells-integer.ts';
import { enumReader, setReader } from './cells-members.ts';
import { isBinary, TYPE, typeName } from './cells-types.ts';
import type { ColumnCoder, ColumnMeta, ReadCell } from './column.ts';
import { decimalReader } from './decimal.ts';
import { jsonReader } from './json.ts';
import {
  datetime2Reader,
  readDate,
  readOldDatetime,
  readOldTime,
  readOldTimestamp,
  time2Reader,
  timestamp2Reader,
} from './temporal.ts';

const NUMBER: ValueEncoding = { as: 'number' };
const FLOAT: ValueEncoding = { as: 'float' };
const PLAIN: ValueEncoding = { as: 'string', plain: true };
const STRING: ValueEncoding = { as: 'string' };
const BINARY: ValueEncoding = { as: 'binary' };
const JSON_TEXT: ValueEncoding = { as: 'json', trusted: true };

type Coding = readonly [ValueEncoding, ReadCell];

/** Throws `stream_not_understood` for a type, or a length, that can't be read. */
export function coderOf(column: ColumnMeta): ColumnCoder {
  const [encoding, read] = numeric(column) ?? temporal(column) ?? bytes(column) ?? other(column);
  return { type: typeName(column), encoding, read };
}

function numeric(column: ColumnMeta): Coding | null {
  const { meta, unsigned } = column;
  switch (column.type) {
    case TYPE.tiny:
      return [NUMBER, integerReader(1, unsigned)];
    case TYPE.short:
      return [NUMBER, integerReader(2, unsigned)];
    case TYPE.int24:
      return [NUMBER, integerReader(3, unsigned)];
    case TYPE.long:
      return [NUMBER, integerReader(4, unsigned)];
    case TYPE.longlong:
      return [PLAIN, integerReader(8, unsigned)];
    case TYPE.newdecimal:
      return [PLAIN, decimalReader(meta & 0xff, meta >> 8)];
    case TYPE.float:
      return [FLOAT, readFloat];
    case TYPE.double:
      return [FLOAT, readDouble];
    case TYPE.bit:
      return [PLAIN, bitReader((meta >> 8) * 8 + (meta & 0xff))];
    case TYPE.year:
      return [NUMBER, readYear];
    default:
      return null;
  }
}

function temporal(column: ColumnMeta): Coding | null {
  switch (column.type) {
    case TYPE.date:
    case TYPE.newdate:
      return [PLAIN, readDate];
    case TYPE.time2:
      return [PLAIN, time2Reader(column.meta)];
    case TYPE.datetime2:
      return [PLAIN, datetime2Reader(column.meta)];
    case TYPE.timestamp2:
      return [PLAIN, timestamp2Reader(column.meta)];
    case TYPE.time:
      return [PLAIN, readOldTime];
    case TYPE.datetime:
      return [PLAIN, readOldDatetime];
    case TYPE.timestamp:
      return [PLAIN, readOldTimestamp];
    default:
      return null;
  }
}

function bytes(column: ColumnMeta): Coding | null {
  const { meta } = column;
  const encoding = isBinary(column) ? BINARY : STRING;
  const lengthBytes = meta > 255 ? 2 : 1;
  switch (column.type) {
    case TYPE.varchar:
    case TYPE.varString:
      return [encoding, bytesReader(lengthBytes, putterOf(column))];
    case TYPE.varcharCompressed:
      return [encoding, bytesReader(lengthBytes, putCompressed(putterOf(column)))];
    case TYPE.string:
      return [encoding, bytesReader(lengthBytes, isBinary(column) ? putPadded(meta) : putterOf(column))];
    case TYPE.tinyBlob:
    case TYPE.mediumBlob:
    case TYPE.longBlob:
    case TYPE.blob:
      return [encoding, bytesReader(meta, putterOf(column))];
    case TYPE.blobCompressed:
      return [encoding, bytesReader(meta, putCompressed(putterOf(column)))];
    case TYPE.geometry:
    case TYPE.vector:
      return [BINARY, bytesReader(meta, putBinary)];
    default:
      return null;
  }
}

function other(column: ColumnMeta): Coding {
  switch (column.type) {
    case TYPE.enum:
      return [STRING, enumReader(column.meta, column.members, putterOf(column))];
    case TYPE.set:
      return [STRING, setReader(column.meta, column.members, putterOf(column))];
    case TYPE.json:
      return [JSON_TEXT, jsonReader(column.meta)];
    case TYPE.null:
      throw broken('a column of type NULL');
    default:
      throw broken(`a column of type ${column.type}`);
  }
}

/** Where no collation was sent (binlog_row_metadata of MariaDB is not FULL), what is UTF-8 is taken for it. */
function putterOf(column: ColumnMeta): PutText {
  if (column.collation === null) return putUtf8;
  if (isBinary(column)) return column.type === TYPE.enum || column.type === TYPE.set ? putUtf8 : putBinary;
  return charsetOf(column.collation)?.put ?? putUnknown;
}
