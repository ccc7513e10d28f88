/**
 * What a change is: the vocabulary that sources, records and tests share. Pure types, and the one class that
 * the hot path fills again and again. It must never hold a value as anything but the bytes the server sent.
 *
 * Glossary
 * - position     where a source is, as its own opaque text (Postgres: an LSN such as `0/16B3748`).
 * - transaction  what the database committed at once; has an id, a commit position and a commit time.
 * - relation     a table as the stream describes it at some moment: columns, identity, key.
 * - row image    the cells of one row, before or after a change, as the server sent them.
 * - cell         one column of one image: text, null, unchanged, or absent. These four never collapse.
 * - index        a delivered event's place in its transaction, from 1, counted before any filter of ours.
 * - number       a transaction's place among those that have a record in the trail, from 1.
 * - context      what was said about who acts: the envelope of `rowseal.set_context`, a trigger's message.
 */

/** A source's own text for a place in its stream. Opaque to everything else. */
export type Position = string;

/** The kinds of a cell. */
export const ABSENT = 0; // not part of this image (a non-key column of a key tuple)
export const NULL = 1; // SQL NULL
export const UNCHANGED = 2; // the server did not send it because it did not change (TOAST)
export const TEXT = 3; // bytes[starts[i], ends[i]) are the server's text, valid UTF-8
export const RAW = 4; // as TEXT, but the bytes are not valid in their character set: recorded as `\x…`
export type CellKind = typeof ABSENT | typeof NULL | typeof UNCHANGED | typeof TEXT | typeof RAW;

/** A view of text cells over one buffer. Valid only during the call that hands it over. */
export class RowImage {
  bytes: Buffer = Buffer.alloc(0);
  /** Number of cells; equals the relation's number of columns. */
  count = 0;
  kinds: Uint8Array;
  starts: Uint32Array;
  ends: Uint32Array;

  constructor(capacity = 64) {
    this.kinds = new Uint8Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }

  /** Makes room for `count` cells; their contents are then undefined until set. */
  resize(count: number): void {
    this.count = count;
    if (count <= this.kinds.length) return;
    const capacity = Math.max(count, this.kinds.length * 2);
    this.kinds = new Uint8Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }
}

/**
 * How a column's text becomes JSON (FORMAT.md, Values).
 * `plain` promises that the text never holds a byte that JSON must escape (so it is copied as it is).
 */
export type ValueEncoding =
  | { readonly as: 'boolean' } // 't' | 'f' → true | false
  | { readonly as: 'number' } // digits copied as they are; the source promises JSON's number grammar
  | { readonly as: 'float' } // as number when finite, else the string NaN | Infinity | -Infinity
  | { readonly as: 'string'; readonly plain?: boolean }
  | { readonly as: 'binary' } // text is `\x…` in lower-case hex
  | { readonly as: 'json'; readonly trusted?: boolean } // trusted: jsonb, syntactically valid already
  | { readonly as: 'array'; readonly element: ValueEncoding; readonly delimiter: string };

export interface Column {
  readonly name: string;
  /** The server's name of the type with its modifier: `numeric(12,2)`, `timestamp with time zone`. */
  readonly type: string;
  readonly encoding: ValueEncoding;
  /** Part of the replica identity as the stream flags it. */
  readonly identity: boolean;
  /** Its own for as long as it is this column, whatever its name, from 1 (Postgres: attnum). Where the source knows it. */
  readonly number?: number;
}

export interface Relation {
  /** Stable within a run: the same object is handed over until the relation changes. */
  readonly id: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly Column[];
  readonly replicaIdentity: 'default' | 'full' | 'index' | 'nothing';
  /** Names of the primary key's columns in key order; null where there is none or it could not be learnt. */
  readonly primaryKey: readonly string[] | null;
  /** `schema.table` of every table this is a partition of, nearest first. Policies match on these too. */
  readonly ancestors: readonly string[];
  /** Our statement triggers are installed: rows wait for their context (docs/applications.md). */
  readonly contextTrigger: boolean;
  /** Names of columns are the same whatever their case, as MySQL has it; redactions too are then found so. */
  readonly foldsColumns?: true;
  /** So are those of schemas and tables (MySQL: lower_case_table_names 1 and 2); rules match so. */
  readonly foldsNames?: boolean;
  /** Which table it is whatever it is called (Postgres: its OID). Without it, it is the name that tells, and `moved`. */
  readonly oid?: number;
  /**
   * Columns that the table has besides, as the catalogs tell of now: such as are never sent, and, where every column that
   * was sent is still there (so that none of these is one of those by another name), such as were added later.
   */
  readonly unsent?: readonly string[];
  /** Which column is which can't be told: none bears a number, or all bear new ones, and any may be the most redacted. */
  readonly numbers?: 'lost';
  /** Columns that the configuration redacted when the catalogs were last looked at, by their names of then. */
  readonly redactedBefore?: readonly string[];
  /** The source hands over what our trigger says before the rows it is about: none of them waits. */
  readonly contextAhead?: true;
  /** The catalogs don't have it any more (or not yet): primary key, ancestors and trigger could not be learnt. */
  readonly gone?: boolean;
  /**
   * `ancestors` can't be proven to be those of the change: the table or an ancestor is gone, or was attached, detached
   * or renamed since. `remembered`: they are what was seen before it, and what is there now; `lost`: nothing was seen
   * before it. Policies then withhold what a forgotten ancestor could withhold.
   */
  readonly ancestry?: 'remembered' | 'lost';
  /**
   * No trigger of ours is known, but there may have been one: updates and deletes wait for what it may have said. Holds
   * the identities (`relid`) of the tables that it may have been on; empty where they are not known either.
   */
  readonly contextTriggerLost?: readonly string[];
}

/** What a statement did to the name of a table, or to those of its columns. */
export interface TableMove {
  readonly schema: string;
  /** Null: every table of the schema. */
  readonly table: string | null;
  /** The same table behind it; null: it is gone. */
  readonly to: { readonly schema: string; readonly table: string } | null;
  readonly columns: readonly { readonly from: string; readonly to: string }[];
  /** Columns that are no more, by their names before it. */
  readonly gone?: readonly string[];
  /** As of a relation. */
  readonly foldsNames: boolean;
}

export interface TransactionStart {
  /** The database's own id (Postgres: xid as decimal text). */
  readonly id: string;
  /** Commit position (Postgres: Begin's final LSN). */
  readonly position: Position;
  /** Commit time, UTC, microseconds: `2026-11-21T20:18:33.123456Z`. */
  readonly time: string;
  /** Set to `header` where only a forgeable time exists. */
  readonly timeSource?: 'header';
  /** Replication origin, where the transaction was applied from elsewhere. */
  readonly origin?: string;
  /**
   * The session that ran it, as the log says it (`pid`), and who the server said had it while it lived. Asked for live,
   * so it may be there in one run and not in the next: attribution only, never an event.
   */
  readonly session?: {
    readonly pid: number;
    readonly login?: string;
    readonly address?: string;
    readonly application?: string;
  };
}

/** Something about the capture itself that belongs into the trail, outside any transaction. */
export type Observation =
  | { readonly kind: 'lifecycle'; readonly event: string; readonly details: Record<string, unknown> }
  | { readonly kind: 'tamper'; readonly what: string; readonly details: Record<string, unknown> }
  | {
      readonly kind: 'gap';
      /** Rows are missing between `from` and `to`, but the source read on through it: no position is passed over. */
      readonly within?: true;
      readonly from: Position;
      readonly to: Position;
      readonly reason: string;
      readonly details: Record<string, unknown>;
    };

/**
 * What a source tells, in commit order, synchronously, on one thread. Between begin and commit come rows,
 * truncates and messages, each of which counts one index (a truncate one per table). Nothing handed over
 * may be kept after the call returns, except relations.
 */
export interface ChangeHandler {
  begin(transaction: TransactionStart): void;
  /**
   * `before` is null for inserts and where the server sent no old row. `beforeIsKey` says that it holds the
   * replica identity only (its other cells are ABSENT). `after` is null for deletes.
   */
  row(
    action: 'insert' | 'update' | 'delete',
    relation: Relation,
    before: RowImage | null,
    beforeIsKey: boolean,
    after: RowImage | null,
  ): void;
  truncate(relations: readonly Relation[], options: { cascade: boolean; restartIdentity: boolean }): void;
  /** A transactional message. `content` is only valid during the call. */
  message(prefix: string, content: Buffer): void;
  /** What the statement whose message comes next did to names, where relations bear no `oid`. Counts no index. */
  moved?(moves: readonly TableMove[]): void;
  /** The transaction is complete; `end` is the position right behind it. */
  commit(end: Position): void;
  /** Outside a transaction: everything committed up to `position` has been delivered. */
  quiet(position: Position): void;
  /** Outside a transaction, or when the stream has broken off; what is missing of one (`within`), in it. */
  observe(observation: Observation): void;
}
