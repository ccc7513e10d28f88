/**
 * Our triggers that kept silent. What decides whether they speak is in the session's hands (@rowseal_statement, the clock),
 * but not what the server logs: the tables that a statement's triggers may write come among its own, whether they write
 * or not. So rows of a table with our triggers, in a statement that brought our table, in a transaction without a word of
 * them: the trigger was there, and was kept from speaking. A pure function of the log, but for which tables have them.
 */
import { ROWS_FLAG } from '../events/rows.ts';
import type { TableMap } from '../events/table-map.ts';
import type { Transaction } from './transaction.ts';

export interface Silence {
  /** Another transaction begins. `own`: this server ran it itself, in this thread: an applier fires no trigger. */
  begin(own: boolean, threadId: number | null): void;
  /** MariaDB's text of the statement that follows, as it was written. */
  statement(text: Buffer): void;
  /** The statement at hand has our table among its tables. */
  mapped(): void;
  /** Rows of a table came; `table` is null where it is ours, or not known. `flags`: of their event. */
  changed(table: TableMap | null, flags: number): void;
  /** Rows of our table came that can't be read. */
  unread(): void;
  statementEnded(): void;
  /** The transaction is whole. */
  end(): void;
}

/**
 * MySQL from 9.6 on logs what a foreign key's cascade changes among its statement's rows, with both of these flags. It fires
 * no trigger. A session that checks no foreign keys has the first in all of its rows, and no cascades.
 */
const CASCADED = ROWS_FLAG.noForeignKeyChecks | ROWS_FLAG.sqlForeignKey;
/** Takes away old versions of rows, and fires no trigger for them (MariaDB manual: "System-Versioned Tables"). */
const DELETES_HISTORY =
  /^(?:\s|\/\*[^*]*\*\/|(?:--\s|#)[^\n]*\n)*(?:set\s+statement\s[^'"`]*?\sfor\s+)?(?:analyze\s+)?delete\s+history\b/i;
/** So much of a statement's text is looked at. */
const HEAD_BYTES = 512;
/** Tables that are told; the first say enough. */
const MAX_TABLES = 20;

export function createSilence(transaction: Pick<Transaction, 'announced' | 'tamper'>): Silence {
  const tables = new Set<TableMap>();
  let thread: number | null = null;
  /** Nothing can be said of this transaction. */
  let unknown = false;
  let isMapped = false;
  let firesNone = false;
  /** Of the statement at hand: tables whose rows may be a cascade's, and whether that can be. */
  const cascaded = new Set<TableMap>();
  let checksKeys = false;

  const add = (to: Set<TableMap>, table: TableMap): void => {
    if (to.size < MAX_TABLES) to.add(table);
  };

  return {
    begin(own, threadId) {
      tables.clear();
      cascaded.clear();
      thread = threadId;
      unknown = !own;
      isMapped = false;
      firesNone = false;
      checksKeys = false;
    },
    statement(text) {
      firesNone = DELETES_HISTORY.test(text.toString('latin1', 0, HEAD_BYTES));
    },
    mapped() {
      isMapped = true;
    },
    changed(table, flags) {
      if (!isMapped || firesNone || unknown) return;
      checksKeys ||= (flags & ROWS_FLAG.noForeignKeyChecks) === 0;
      if (table?.relation.contextTrigger) add((flags & CASCADED) === CASCADED ? cascaded : tables, table);
    },
    unread() {
      unknown = true;
    },
    statementEnded() {
      if (!checksKeys) for (const table of cascaded) add(tables, table);
      cascaded.clear();
      checksKeys = false;
      isMapped = false;
      firesNone = false;
    },
    end() {
      if (unknown || tables.size === 0 || transaction.announced) return;
      const names = new Set([...tables].map(({ schema, table }) => `${schema}.${table}`));
      transaction.tamper('context_trigger_silent', {
        tables: [...names],
        ...(thread === null ? {} : { thread_id: thread }),
      });
    },
  };
}
