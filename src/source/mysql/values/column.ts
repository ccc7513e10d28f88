/**
 * What a TABLE_MAP says of one column, and what turns its cells into text. The contract between the table map,
 * the rows and the cells; it must never hold anything of a particular row.
 */
import type { ValueEncoding } from '../../../change/change.ts';
import type { CellText } from '../text/cell-text.ts';

export interface ColumnMeta {
  /** Null where binlog_row_metadata is not FULL. */
  readonly name: string | null;
  /** enum_field_types, after the real type was unwrapped from MYSQL_TYPE_STRING's metadata. */
  readonly type: number;
  /** The type's own metadata: a length, precision and scale, fractional digits. */
  readonly meta: number;
  readonly unsigned: boolean;
  /** Collation id, of character types (and ENUM, SET); null where it was not sent. */
  readonly collation: number | null;
  readonly nullable: boolean;
  /** Of ENUM and SET: the members' bytes in the column's character set; null where they were not sent. */
  readonly members: readonly Buffer[] | null;
  readonly geometry: number | null;
  /** Of VECTOR. */
  readonly dimension: number | null;
  readonly visible: boolean;
  readonly primaryKey: boolean;
}

/**
 * Reads the cell at `at`, appends its text to `out` and returns where the cell ended. `out.kind` is TEXT before, and
 * RAW afterwards where the bytes are not valid in their character set. Throws `stream_not_understood` where the cell
 * would reach beyond `limit`.
 */
export type ReadCell = (source: Buffer, at: number, limit: number, out: CellText) => number;

export interface ColumnCoder {
  /** As information_schema.COLUMNS.COLUMN_TYPE says it, as far as the binlog tells. */
  readonly type: string;
  readonly encoding: ValueEncoding;
  readonly read: ReadCell;
}
