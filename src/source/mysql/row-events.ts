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
import { createRowsReader, ROWS_FLAG } from './rows.ts';
import { createSilence } from './silence.ts';
import { DUMMY_TABLE_ID, type TableMap, type TableMaps, tableIdOf } from './table-map.ts';
import type { Transaction } from './transaction.ts';

export interface RowEvents {
  /** Another transaction begins. `own`: this server ran it itself, in this thread. */
  begin(own: boolean, threadId: number | null): void;
  /** It ends, whole: nothing may be held any more. */
  end(): void;
  /** ROWS_QUERY, ANNOTATE_ROWS. */
  text(event: Buffer, bodyEnd: number): void;
  table(event: Buffer, bodyEnd: number): void;
  rows(event: Buffer, bodyEnd: number): void;
}

const FLAGS_AT = 6;
/** With either, InnoDB carried out nothing by itself. */
const FOREIGN_KEYS_SEEN = ROWS_FLAG.sqlForeignKey | ROWS_FLAG.noForeignKeyChecks;
/** What the kit's procedure runs (01-kit.sql): part of the statement around it. */
const OUR_STATEMENT = Buffer.from('INSERT INTO rowseal.context ');
/** In these a parent's change can make another of a child. */
const CASCADING: ReadonlySet<number> = new Set([
  EVENT.UPDATE_ROWS,
  EVENT.DELETE_ROWS,
  EVENT.PARTIAL_UPDATE_ROWS,
]);
/** What other triggers of the first row may write before ours speaks; behind that, the rows go without. */
const MAX_FIRST_BYTES = 1024 * 1024;

export function createRowEvents(parts: {
  readonly transaction: Transaction;
  readonly tables: TableMaps;
  readonly covers: (schema: string, table: string) => boolean;
  /** MySQL: rows of this table were changed whose cascades InnoDB carried out by itself, beneath the log. Told once a table. */
  readonly cascadesUnlogged: (schema: string, table: string) => void;
}): RowEvents {
  const { transaction, tables } = parts;
  const reader = createRowsReader();
  /** A statement ended, and the text of the next did not come. */
  let between = true;
  /** The statement has our table among its tables, so that our trigger will speak; it has not yet. */
  let expecting = false;
  let first: Buffer[] = [];
  let firstBytes = 0;
  const firstTables = new Set<number>();
  /**
   * The statement of `first` seems to have ended. With the general log on, servers log what our trigger runs as a statement
   * of its own, inside of it: its tables come `again`, and our row before any other.
   */
  let ended = false;
  let again = false;
  const silence = createSilence(transaction);

  const deliverFirst = (): void => {
    const events = first;
    first = [];
    firstBytes = 0;
    firstTables.clear();
    ended = false;
    again = false;
    for (const event of events) deliver(event);
  };
  const endStatement = (): void => {
    deliverFirst();
    expecting = false;
    between = true;
  };
  const ours = (event: Buffer): void => {
    if (ended && !again) deliverFirst();
    deliver(event);
    deliverFirst();
    expecting = false;
  };
  const theirs = (event: Buffer): void => {
    if (ended) {
      deliverFirst();
      transaction.comment(null); // another statement, whose text did not come
    }
    if (expecting && firstBytes + event.length <= MAX_FIRST_BYTES) {
      first.push(Buffer.from(event));
      firstBytes += event.length;
      firstTables.add(tableIdOf(event.subarray(HEADER_BYTES)));
      return;
    }
    deliverFirst();
    expecting = false;
    deliver(event);
  };

  return {
    begin(own, threadId) {
      silence.begin(own, threadId);
      first = [];
      deliverFirst();
      expecting = false;
      between = true;
    },
    end() {
      endStatement();
      silence.end();
    },
    text(event, bodyEnd) {
      // ROWS_QUERY has a byte of length before the text, which is of no use beyond 255.
      const start = HEADER_BYTES + (event[4] === EVENT.ROWS_QUERY ? 1 : 0);
      if (start > bodyEnd) throw broken('a statement without its text');
      const text = event.subarray(start, bodyEnd);
      if (text.subarray(0, OUR_STATEMENT.length).equals(OUR_STATEMENT)) return;
      if (!between) endStatement();
      transaction.comment(sqlCommentIn(text));
      if (event[4] === EVENT.ANNOTATE_ROWS) silence.statement(text);
      between = false;
    },
    table(event, bodyEnd) {
      if (between) transaction.comment(null);
      between = false;
      const body = event.subarray(HEADER_BYTES, bodyEnd);
      const ours = isOurs(tables.read(body));
      if (ours) silence.mapped();
      expecting ||= ours;
      again ||= ended && firstTables.has(tableIdOf(body));
    },
    rows(event, bodyEnd) {
      const type = event[4] as number;
      const whole =
        type >= EVENT.WRITE_ROWS_COMPRESSED_V1 ? inflated(event, bodyEnd) : event.subarray(0, bodyEnd);
      const table = tables.find(tableIdOf(whole.subarray(HEADER_BYTES)));
      const flags = whole.readUInt16LE(HEADER_BYTES + FLAGS_AT);
      if (table !== undefined && isOurs(table)) {
        if (!table.hasNames) silence.unread();
        silence.changed(null, flags);
        ours(whole);
      } else {
        silence.changed(table ?? null, flags);
        theirs(whole);
      }
      const cascades = CASCADING.has(type) && (flags & FOREIGN_KEYS_SEEN) === 0;
      if (table !== undefined && cascades) parts.cascadesUnlogged(table.schema, table.table);
      if ((flags & ROWS_FLAG.statementEnd) === 0) return;
      silence.statementEnded();
      if (first.length === 0) endStatement();
      else {
        ended = true;
        expecting = false;
      }
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
