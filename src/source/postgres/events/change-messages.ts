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

export class ChangeMessages {
  readonly #parts: ChangeParts;
  readonly #cursor: Cursor;
  readonly #frame: TransactionFrame;
  /** As they were defined, by oid. */
  readonly #relations: ReadonlyMap<number, Relation>;
  readonly #before = new RowImage();
  readonly #after = new RowImage();

  constructor(
    parts: ChangeParts,
    cursor: Cursor,
    frame: TransactionFrame,
    relations: ReadonlyMap<number, Relation>,
  ) {
    this.#parts = parts;
    this.#cursor = cursor;
    this.#frame = frame;
    this.#relations = relations;
  }

  insert(): void {
    this.#frame.enter();
    const of = this.#relation();
    if (this.#cursor.u8() !== 0x4e /* N */) throw broken('an insert without its row');
    this.#image(this.#after, of.columns.length, false);
    this.#row('insert', of, null, false, this.#after);
  }

  update(): void {
    this.#frame.enter();
    const of = this.#relation();
    const width = of.columns.length;
    let part = this.#cursor.u8();
    const isKey = part === 0x4b; /* K */
    const old = isKey || part === 0x4f /* O */ ? this.#before : null;
    if (old !== null) {
      this.#image(old, width, isKey);
      part = this.#cursor.u8();
    }
    if (part !== 0x4e /* N */) throw broken('an update without its new row');
    this.#image(this.#after, width, false);
    this.#row('update', of, old, isKey, this.#after);
  }

  delete(): void {
    this.#frame.enter();
    const of = this.#relation();
    const part = this.#cursor.u8();
    const isKey = part === 0x4b; /* K */
    if (!isKey && part !== 0x4f /* O */) throw broken('a delete without its old row');
    this.#image(this.#before, of.columns.length, isKey);
    this.#row('delete', of, this.#before, isKey, null);
  }

  truncate(): void {
    this.#frame.enter();
    const count = this.#cursor.u32();
    const flags = this.#cursor.u8();
    if (flags > 3) throw broken(`truncate with flags ${flags}`);
    if (count > MAX_TRUNCATED) throw broken(`a truncate of ${count} tables`);
    const truncated = Array.from({ length: count }, () => this.#relation());
    if (!this.#frame.counts(count)) return;
    this.#parts.handler.truncate(truncated, {
      cascade: (flags & 1) !== 0,
      restartIdentity: (flags & 2) !== 0,
    });
  }

  message(): void {
    const cursor = this.#cursor;
    const flags = cursor.u8();
    if (flags > 1) throw broken(`a logical message with flags ${flags}`);
    cursor.take(8); // its LSN
    const prefix = this.#parts.name(cursor.name());
    const content = cursor.take(cursor.u32());
    // A message outside of transactions is said by nobody about no row: it can't count in one.
    if (flags === 0) return;
    this.#frame.enter();
    if (this.#frame.counts(1)) this.#parts.handler.message(prefix, content);
  }

  #relation(): Relation {
    const oid = this.#cursor.u32();
    const found = this.#relations.get(oid);
    if (found === undefined) throw broken(`a change of the unknown relation ${oid}`);
    return found;
  }

  #image(into: RowImage, columns: number, isKey: boolean): void {
    this.#cursor.row(into, columns, isKey);
    const { settle } = this.#parts;
    if (settle !== null) settle(into);
  }

  #row(
    action: 'insert' | 'update' | 'delete',
    of: Relation,
    old: RowImage | null,
    isKey: boolean,
    next: RowImage | null,
  ): void {
    this.#cursor.finish();
    if (this.#frame.counts(1)) this.#parts.handler.row(action, of, old, isKey, next);
  }
}
