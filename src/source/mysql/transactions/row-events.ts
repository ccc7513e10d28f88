/**
 * The events of a statement in row format: its text (of which only a sqlcommenter comment is read), its tables, its rows.
 * A statement ends where a rows event says so, and its comment with it: no row may ever get the comment of another
 * statement. Which rows wait until our trigger spoke is first-rows.ts's.
 */

import { broken } from '../bytes/broken.ts';
import { EVENT, HEADER_BYTES } from '../events/events.ts';
import { inflated } from '../events/payload.ts';
import { createRowsReader, ROWS_FLAG } from '../events/rows.ts';
import { DUMMY_TABLE_ID, type TableMap, type TableMaps, tableIdOf } from '../events/table-map.ts';
import { sqlCommentIn } from '../sql/comments.ts';
import { createFirstRows } from './first-rows.ts';
import { CONTEXT_SCHEMA, CONTEXT_TABLE } from './messages.ts';
import { createSilence } from './silence.ts';
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
export interface RowEventsParts {
  readonly transaction: Transaction;
  readonly tables: TableMaps;
  readonly covers: (schema: string, table: string) => boolean;
  /** MySQL: rows of this table were changed whose cascades InnoDB carried out by itself, beneath the log. Told once a table. */
  readonly cascadesUnlogged: (schema: string, table: string) => void;
}

export function createRowEvents(parts: RowEventsParts): RowEvents {
  const { transaction, tables } = parts;
  /** A statement ended, and the text of the next did not come. */
  let between = true;
  const silence = createSilence(transaction);
  const first = createFirstRows({
    deliver: createDelivery(parts),
    onOtherStatement: () => transaction.comment(null), // its text did not come
  });

  const endStatement = (): void => {
    first.endStatement();
    between = true;
  };

  return {
    begin(own, threadId) {
      silence.begin(own, threadId);
      first.begin();
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
      first.table(body, ours);
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
        first.ours(whole);
      } else {
        silence.changed(table ?? null, flags);
        first.theirs(whole);
      }
      const cascades = CASCADING.has(type) && (flags & FOREIGN_KEYS_SEEN) === 0;
      if (table !== undefined && cascades) parts.cascadesUnlogged(table.schema, table.table);
      if ((flags & ROWS_FLAG.statementEnd) === 0) return;
      silence.statementEnded();
      if (first.statementEnded()) endStatement();
    },
  };
}

/** Reads a rows event, inflated and without its checksum, and tells the transaction what it says. */
function createDelivery({ transaction, tables, covers }: RowEventsParts): (event: Buffer) => void {
  const reader = createRowsReader();

  const readRows = (type: number, body: Buffer, table: TableMap): void => {
    const { schema, table: name } = table;
    if (!table.hasNames) {
      if (isOurs(table) || covers(schema, name))
        transaction.gap('no_column_names', { table: `${schema}.${name}` });
      return;
    }
    const untold = reader.read(type, body, table, (action, before, after) =>
      transaction.row(action, table, before, after),
    );
    if (untold > 0) transaction.gap('json_difference_untold', { table: `${schema}.${name}` });
  };

  return (event) => {
    const body = event.subarray(HEADER_BYTES);
    const id = tableIdOf(body);
    const table = tables.find(id);
    if (table === undefined && id !== DUMMY_TABLE_ID) throw broken(`rows of the unknown table ${id}`);
    if (table !== undefined) readRows(event[4] as number, body, table);
  };
}

function isOurs({ schema, table }: TableMap): boolean {
  return schema === CONTEXT_SCHEMA && table === CONTEXT_TABLE;
}
