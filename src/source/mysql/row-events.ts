/**
 * The events of a statement in row format: its text (of which only a sqlcommenter comment is read), its tables, its rows.
 * A statement ends where a rows event says so, and its comment with it. What our trigger says stands behind the first row
 * of its statement (it is an AFTER trigger), but is of that row too, so the row is held until then: it must never get the
 * word of the statement before.
 */

import { broken } from './broken.ts';
import { sqlCommentIn } from './comments.ts';
import { EVENT, HEADER_BYTES } from './events.ts';
import { CONTEXT_SCHEMA, CONTEXT_TABLE } from './messages.ts';
import { inflated } from './payload.ts';
import { createRowsReader } from './rows.ts';
import { DUMMY_TABLE_ID, type TableMap, type TableMaps, tableIdOf } from './table-map.ts';
import type { Transaction } from './transaction.ts';

export interface RowEvents {
  /** Another transaction begins. */
  begin(): void;
  /** It ends: nothing may be held any more. */
  end(): void;
  /** ROWS_QUERY, ANNOTATE_ROWS. */
  text(event: Buffer, bodyEnd: number): void;
  table(event: Buffer, bodyEnd: number): void;
  rows(event: Buffer, bodyEnd: number): void;
}

const FLAGS_AT = 6;
const STATEMENT_END = 1;
/** What other triggers of the first row may write before ours speaks; behind that, the rows go without. */
const MAX_FIRST_BYTES = 1024 * 1024;

export function createRowEvents(parts: {
  readonly transaction: Transaction;
  readonly tables: TableMaps;
  readonly covers: (schema: string, table: string) => boolean;
}): RowEvents {
  const { transaction, tables } = parts;
  const reader = createRowsReader();
  /** A statement ended, and the text of the next did not come. */
  let between = true;
  /** The statement has our table among its tables, so that our trigger will speak; it has not yet. */
  let expecting = false;
  let first: Buffer[] = [];
  let firstBytes = 0;

  const deliverFirst = (): void => {
    expecting = false;
    const events = first;
    first = [];
    firstBytes = 0;
    for (const event of events) deliver(event);
  };
  const endStatement = (): void => {
    deliverFirst();
    between = true;
  };

  return {
    begin() {
      between = true;
      expecting = false;
      first = [];
      firstBytes = 0;
    },
    end: endStatement,
    text(event, bodyEnd) {
      // ROWS_QUERY has a byte of length before the text, which is of no use beyond 255.
      const start = HEADER_BYTES + (event[4] === EVENT.ROWS_QUERY ? 1 : 0);
      if (start > bodyEnd) throw broken('a statement without its text');
      if (!between) endStatement();
      transaction.comment(sqlCommentIn(event.subarray(start, bodyEnd)));
      between = false;
    },
    table(event, bodyEnd) {
      if (between) transaction.comment(null);
      between = false;
      expecting ||= isOurs(tables.read(event.subarray(HEADER_BYTES, bodyEnd)));
    },
    rows(event, bodyEnd) {
      const type = event[4] as number;
      const whole =
        type >= EVENT.WRITE_ROWS_COMPRESSED_V1 ? inflated(event, bodyEnd) : event.subarray(0, bodyEnd);
      const table = tables.find(tableIdOf(whole.subarray(HEADER_BYTES)));
      if (table !== undefined && isOurs(table)) {
        deliver(whole);
        deliverFirst();
      } else if (expecting && firstBytes + whole.length <= MAX_FIRST_BYTES) {
        first.push(Buffer.from(whole));
        firstBytes += whole.length;
      } else {
        deliverFirst();
        deliver(whole);
      }
      if ((whole.readUInt16LE(HEADER_BYTES + FLAGS_AT) & STATEMENT_END) !== 0) endStatement();
    },
  };

  /** A rows event, inflated and without its checksum. */
  function deliver(event: Buffer): void {
    const body = event.subarray(HEADER_BYTES);
    const id = tableIdOf(body);
    const table = tables.find(id);
    if (table === undefined && id !== DUMMY_TABLE_ID) throw broken(`rows of the unknown table ${id}`);
    if (table !== undefined) readRows(event[4] as number, body, table);
  }

  function readRows(type: number, body: Buffer, table: TableMap): void {
    const { schema, table: name } = table;
    if (!table.hasNames) {
      if (isOurs(table) || parts.covers(schema, name))
        transaction.gap('no_column_names', { table: `${schema}.${name}` });
      return;
    }
    const untold = reader.read(type, body, table, (action, before, after) =>
      transaction.row(action, table, before, after),
    );
    if (untold > 0) transaction.gap('json_difference_untold', { table: `${schema}.${name}` });
  }
}

function isOurs({ schema, table }: TableMap): boolean {
  return schema === CONTEXT_SCHEMA && table === CONTEXT_TABLE;
}
