/**
 * One transaction's calls to the handler, in their order: begin, rows, messages, what is missing of it, commit. Which
 * calls they are must depend on the binlog alone, never on live state or the configuration: the recorder counts them, and
 * a daemon that starts anew must count the same.
 */
import type { ChangeHandler, Position, RowImage, TransactionStart } from '../../../change/change.ts';
import type { Query } from '../events/query.ts';
import type { TableMap } from '../events/table-map.ts';
import type { Threads } from '../sessions/threads.ts';
import { sqlCommentOf } from '../sql/comments.ts';
import { movesOf } from '../sql/table-moves.ts';
import { createGaps } from './gaps.ts';
import {
  CONTEXT_SCHEMA,
  CONTEXT_TABLE,
  createTransactionMessages,
  type DdlStatement,
  ddlMessage,
} from './messages.ts';

type Session = NonNullable<TransactionStart['session']>;

export interface TransactionParts {
  readonly handler: Pick<ChangeHandler, 'begin' | 'row' | 'message' | 'moved' | 'commit' | 'observe'>;
  /** Who is behind a session; null where nobody may be asked. */
  readonly threads: Pick<Threads, 'find'> | null;
  /** The server compares names of tables without case. */
  readonly foldsNames?: boolean;
}

export interface Transaction {
  /**
   * Begins; where the server is asked who is behind the thread, the promise is settled before. `madeAt`: when that thread
   * was at work, where that is not the commit.
   */
  begin(start: TransactionStart, threadId: number | null, madeAt?: string): Promise<void> | undefined;
  readonly begun: boolean;
  /** Calls so far that count: the index of the last one. */
  readonly count: number;
  /** Our trigger spoke in it. */
  readonly announced: boolean;
  row(
    action: 'insert' | 'update' | 'delete',
    table: TableMap,
    before: RowImage | null,
    after: RowImage | null,
  ): void;
  ddl(query: Query, statement: DdlStatement): void;
  /** The sqlcommenter comment of the statement that follows. */
  comment(pairs: string | null): void;
  gap(reason: string, details?: Readonly<Record<string, unknown>>): void;
  /** Told once at its commit, with the first details. */
  tamper(what: string, details?: Readonly<Record<string, unknown>>): void;
  commit(from: Position, end: Position): void;
}

export function createTransaction(parts: TransactionParts): Transaction {
  const { handler, threads, foldsNames = false } = parts;
  const gaps = createGaps(handler);
  const tampering = new Map<string, Readonly<Record<string, unknown>>>();
  let current: TransactionStart | null = null;
  let count = 0;
  const messages = createTransactionMessages((prefix, content) => {
    count++;
    handler.message(prefix, content);
  });

  const open = (start: TransactionStart, pid: number | null, session: Omit<Session, 'pid'> | null) => {
    current = start;
    count = 0;
    gaps.forget();
    tampering.clear();
    messages.begin();
    handler.begin(pid === null ? start : { ...start, session: { pid, ...session } });
  };

  return {
    begin(start, threadId, madeAt = start.time) {
      const from = Date.parse(madeAt);
      // An event's header tells whole seconds.
      const until = start.timeSource === 'header' ? from + 999 : from;
      const found = threadId === null ? null : (threads?.find(threadId, from, until) ?? null);
      if (found instanceof Promise) return found.then((owner) => open(start, threadId, sessionOf(owner)));
      open(start, threadId, sessionOf(found));
      return undefined;
    },
    get begun() {
      return current !== null;
    },
    get count() {
      return count;
    },
    get announced() {
      return messages.announced;
    },
    row(action, table, before, after) {
      if (table.schema === CONTEXT_SCHEMA && table.table === CONTEXT_TABLE) {
        // Only what is inserted says something; where it is stored, it is removed again.
        if (action === 'insert' && after !== null) messages.row(table, after);
        return;
      }
      messages.settle();
      count++;
      handler.row(action, table.relation, before, false, after);
    },
    ddl(query, statement) {
      messages.comment(query.text === null ? null : sqlCommentOf(query.text));
      messages.settle();
      const moves = movesOf(statement.reading.deeds);
      if (moves.length > 0) handler.moved?.(moves.map((move) => ({ ...move, foldsNames })));
      count++;
      handler.message('rowseal.ddl', ddlMessage(query, statement));
    },
    comment: messages.comment,
    gap: gaps.add,
    tamper(what, details = {}) {
      if (!tampering.has(what)) tampering.set(what, details);
    },
    commit(from, end) {
      const start = current!;
      current = null;
      // Before the commit: a seal that is cut in between then has it come again, rather than never.
      const transaction = { id: start.id, position: start.position };
      gaps.tell(from, end, transaction);
      for (const [what, details] of tampering) {
        handler.observe({ kind: 'tamper', what, details: { ...details, transaction } });
      }
      handler.commit(end);
    },
  };
}

function sessionOf(
  owner: { login: string; address: string | null; application: string | null } | null,
): Omit<Session, 'pid'> | null {
  if (owner === null) return null;
  const { login, address, application } = owner;
  return {
    login,
    ...(address === null ? {} : { address }),
    ...(application === null ? {} : { application }),
  };
}
