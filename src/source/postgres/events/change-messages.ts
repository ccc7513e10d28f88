/**
 * The messages that are changes (manual: "Logical Replication Message Formats": Insert, Update, Delete, Truncate, and
 * Message): each is one event of the open transaction, a truncate one a table. Rows are read into two images that serve
 * again and again; none may reach the handler before its message is read to its end.
 */
import { type ChangeHandler, type Relation, RowImage } from '../../../change/change.ts';
import { broken, type Cursor } from './cursor.ts';
import type { TransactionFrame } from './transaction-frame.ts';

export interface ChangeParts {
  readonly handler: Pick<ChangeHandler, 'row' | 'truncate' | 'message'>;
  /** Names come through here, since their bytes may not be UTF-8. */
  readonly name: (bytes: Buffer) => string;
  /** Turns the cells of an image into valid UTF-8 (TEXT) or marks them RAW; null where all text is UTF-8. */
  readonly settle: ((image: RowImage) => void) | null;
}

/** More than a database can hold relations of; a list this long is no list. */
const MAX_TRUNCATED = 1 << 24;

export interface RowMessages {
  insert(): void;
  update(): void;
  delete(): void;
}

/** Reads the relation that comes next: its oid, and what it was defined as. */
type NextRelation = () => Relation;

/** Closures over the cursor's functions: called once a row, they take less time than methods that look them up. */
export function createRowMessages(
  { handler, settle }: ChangeParts,
  cursor: Cursor,
  frame: TransactionFrame,
  relation: NextRelation,
): RowMessages {
  const { u8 } = cursor;
  const before = new RowImage();
  const after = new RowImage();

  const image = (into: RowImage, columns: number, isKey: boolean): void => {
    cursor.row(into, columns, isKey);
    if (settle !== null) settle(into);
  };
  const row = (
    action: 'insert' | 'update' | 'delete',
    of: Relation,
    old: RowImage | null,
    isKey: boolean,
    next: RowImage | null,
  ): void => {
    cursor.finish();
    if (frame.counts(1)) handler.row(action, of, old, isKey, next);
  };

  return {
    insert: () => {
      frame.enter();
      const of = relation();
      if (u8() !== 0x4e /* N */) throw broken('an insert without its row');
      image(after, of.columns.length, false);
      row('insert', of, null, false, after);
    },
    update: () => {
      frame.enter();
      const of = relation();
      const width = of.columns.length;
      let part = u8();
      const isKey = part === 0x4b; /* K */
      const old = isKey || part === 0x4f /* O */ ? before : null;
      if (old !== null) {
        image(old, width, isKey);
        part = u8();
      }
      if (part !== 0x4e /* N */) throw broken('an update without its new row');
      image(after, width, false);
      row('update', of, old, isKey, after);
    },
    delete: () => {
      frame.enter();
      const of = relation();
      const part = u8();
      const isKey = part === 0x4b; /* K */
      if (!isKey && part !== 0x4f /* O */) throw broken('a delete without its old row');
      image(before, of.columns.length, isKey);
      row('delete', of, before, isKey, null);
    },
  };
}

export function readTruncate(
  { handler }: ChangeParts,
  cursor: Cursor,
  frame: TransactionFrame,
  relation: NextRelation,
): void {
  frame.enter();
  const count = cursor.u32();
  const flags = cursor.u8();
  if (flags > 3) throw broken(`truncate with flags ${flags}`);
  if (count > MAX_TRUNCATED) throw broken(`a truncate of ${count} tables`);
  const truncated = Array.from({ length: count }, relation);
  if (!frame.counts(count)) return;
  handler.truncate(truncated, { cascade: (flags & 1) !== 0, restartIdentity: (flags & 2) !== 0 });
}

export function readMessage({ handler, name }: ChangeParts, cursor: Cursor, frame: TransactionFrame): void {
  const flags = cursor.u8();
  if (flags > 1) throw broken(`a logical message with flags ${flags}`);
  cursor.take(8); // its LSN
  const prefix = name(cursor.name());
  const content = cursor.take(cursor.u32());
  // A message outside of transactions is said by nobody about no row: it can't count in one.
  if (flags === 0) return;
  frame.enter();
  if (frame.counts(1)) handler.message(prefix, content);
}
