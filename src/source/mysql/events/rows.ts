/**
 * Rows events (MySQL internals: "Rows_event"; mysql-server: Rows_event, row_log_event's image format) into reused row
 * images: no object per row or cell. Every event ends exactly where its last row does, or is `stream_not_understood`.
 */
import type { RowImage } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { readFields } from '../bytes/fields.ts';
import { EVENT } from './events.ts';
import { createImageReader } from './rows-image.ts';
import { createPartialReader } from './rows-partial.ts';
import type { TableMap } from './table-map.ts';

export type RowAction = 'insert' | 'update' | 'delete';

/** `before` is null for inserts, `after` for deletes. Valid during the call only. */
export type OnRow = (action: RowAction, before: RowImage | null, after: RowImage | null) => void;

export interface RowsReader {
  /**
   * `body`: the event without header and checksum, inflated where it was compressed; `type`: its type. Returns how
   * many cells could not be told: differences of a JSON document that the before image did not hold (these cells are
   * ABSENT, although they changed). Throws `stream_not_understood`, maybe after some rows.
   */
  read(type: number, body: Buffer, table: TableMap, on: OnRow): number;
}

/** Flags of a rows event (mysql-server: Rows_event::enum_flag). */
export const ROWS_FLAG = {
  statementEnd: 1,
  /** The session does not check foreign keys, or, with the next flag, the row is of a cascade. */
  noForeignKeyChecks: 2,
  /** MySQL from 9.6 on: the server itself carries out what the foreign keys ask for, and logs it. */
  sqlForeignKey: 16,
} as const;

interface Kind {
  readonly action: RowAction;
  /** Version 2 has extra data behind the flags. */
  readonly version: 1 | 2;
}

const KINDS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [EVENT.WRITE_ROWS_V1, { action: 'insert', version: 1 }],
  [EVENT.UPDATE_ROWS_V1, { action: 'update', version: 1 }],
  [EVENT.DELETE_ROWS_V1, { action: 'delete', version: 1 }],
  [EVENT.WRITE_ROWS, { action: 'insert', version: 2 }],
  [EVENT.UPDATE_ROWS, { action: 'update', version: 2 }],
  [EVENT.DELETE_ROWS, { action: 'delete', version: 2 }],
  [EVENT.PARTIAL_UPDATE_ROWS, { action: 'update', version: 2 }],
  [EVENT.WRITE_ROWS_COMPRESSED_V1, { action: 'insert', version: 1 }],
  [EVENT.UPDATE_ROWS_COMPRESSED_V1, { action: 'update', version: 1 }],
  [EVENT.DELETE_ROWS_COMPRESSED_V1, { action: 'delete', version: 1 }],
  [EVENT.WRITE_ROWS_COMPRESSED, { action: 'insert', version: 2 }],
  [EVENT.UPDATE_ROWS_COMPRESSED, { action: 'update', version: 2 }],
  [EVENT.DELETE_ROWS_COMPRESSED, { action: 'delete', version: 2 }],
]);

const TABLE_ID_BYTES = 6;
const FLAG_BYTES = 2;

export function isRowsEvent(type: number): boolean {
  return KINDS.has(type);
}

export function createRowsReader(): RowsReader {
  const before = createImageReader();
  const after = createImageReader();
  const partial = createPartialReader(before, after);

  const rows = (type: number, body: Buffer, table: TableMap, on: OnRow): void => {
    const kind = KINDS.get(type);
    if (kind === undefined) throw broken(`event ${type} is no rows event`);
    const hasBefore = kind.action !== 'insert';
    const hasAfter = kind.action !== 'delete';
    const isPartial = type === EVENT.PARTIAL_UPDATE_ROWS;
    const width = table.reads.length;
    const fields = readFields(body, TABLE_ID_BYTES + FLAG_BYTES, body.length, 'a rows event');
    // The length of the extra data counts itself.
    if (kind.version === 2) fields.take(fields.u16() - 2);
    if (fields.lengthEncoded() !== width) throw broken('a rows event of another width than its table');
    const bytes = (width + 7) >> 3;
    const heldBefore = hasBefore ? before.hold(fields.take(bytes), width) : 0;
    const heldAfter = hasAfter ? after.hold(fields.take(bytes), width) : 0;
    let at = body.length - fields.left();
    // Images without columns take no bytes; an event of them is one row.
    let bare = at === body.length && heldBefore + heldAfter === 0;
    while (at < body.length || bare) {
      const start = at;
      if (hasBefore) at = before.read(body, at, table, isPartial);
      if (isPartial) at = partial.read(body, at, table, heldAfter);
      else if (hasAfter) at = after.read(body, at, table, false);
      if (at === start && !bare) throw broken('rows that take no bytes');
      bare = false;
      on(kind.action, hasBefore ? before.image : null, hasAfter ? after.image : null);
    }
  };

  return {
    read: (type, body, table, on) => {
      partial.reset();
      rows(type, body, table, on);
      return partial.untold();
    },
  };
}
