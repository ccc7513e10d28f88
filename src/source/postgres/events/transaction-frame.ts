/**
 * The transaction that the stream stands in (manual: "Logical Replication Message Formats": Begin, Origin, Commit), and
 * the count of its events. After a reconnect inside it, events that the handler has had are only counted: none may
 * reach it twice, and none of another transaction may be withheld.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { ChangeHandler } from '../../../change/change.ts';
import { lsnAt } from '../wire/lsn.ts';
import { broken, type Cursor } from './cursor.ts';

/** What the handler has had of a transaction that an earlier link broke off in: Begin and so many events. */
export interface Replay {
  readonly position: string;
  readonly events: number;
}

export interface FrameParts {
  readonly handler: Pick<ChangeHandler, 'begin' | 'commit'>;
  readonly replay?: Replay;
}

const SECOND_1970_TO_2000 = 946_684_800;

export class TransactionFrame {
  /** Of its commit; null outside of a transaction. */
  position: string | null = null;
  /** Events so far, those that are only counted too. */
  events = 0;
  /** Of the last Begin. */
  xid = 0;
  /** The body of Begin until it is handed over: late, since an Origin message may follow it. */
  #begin: Buffer | null = null;
  #origin: string | undefined;
  /** The handler has had Begin, and the first `#replayed` events. */
  #resumed = false;
  #replayed = 0;
  readonly #parts: FrameParts;

  constructor(parts: FrameParts) {
    this.#parts = parts;
  }

  get begun(): boolean {
    return this.#begin === null;
  }

  begin(cursor: Cursor): void {
    if (this.position !== null) throw broken('a transaction inside another');
    const { replay } = this.#parts;
    const body = Buffer.from(cursor.take(20));
    this.position = lsnAt(body, 0);
    this.events = 0;
    this.#origin = undefined;
    this.#resumed = replay?.position === this.position;
    this.#replayed = this.#resumed ? (replay?.events ?? 0) : 0;
    this.#begin = body;
    this.xid = body.readUInt32BE(16);
  }

  originate(cursor: Cursor, name: (bytes: Buffer) => string): void {
    if (this.#begin === null) throw broken('an origin in the middle of a transaction');
    cursor.take(8); // its position there
    this.#origin = name(cursor.name());
  }

  /** Throws outside of a transaction; what comes now is a part of it. */
  enter(): void {
    if (this.position === null) throw broken('a change outside of a transaction');
    if (this.#begin !== null) this.#open(this.#begin, this.position);
  }

  /** Counts so many events; whether they are new to the handler. */
  counts(events: number): boolean {
    this.events += events;
    return this.events > this.#replayed;
  }

  commit(cursor: Cursor): void {
    this.enter();
    const flags = cursor.u8();
    const body = cursor.take(24);
    if (flags !== 0 || lsnAt(body, 0) !== this.position) throw broken('a commit that fits no transaction');
    if (this.events < this.#replayed) throw broken('a transaction that is shorter than before');
    this.position = null;
    this.#resumed = false;
    this.#replayed = 0;
    this.#parts.handler.commit(lsnAt(body, 8));
  }

  #open(body: Buffer, position: string): void {
    this.#begin = null;
    if (this.#resumed) return;
    this.#parts.handler.begin({
      id: String(body.readUInt32BE(16)),
      position,
      time: formatTime(body, 8),
      ...(this.#origin === undefined ? {} : { origin: this.#origin }),
    });
  }
}

/** Microseconds since 2000-01-01 UTC, as `2026-11-21T20:18:33.123456Z`. */
function formatTime(bytes: Buffer, offset: number): string {
  const micros = bytes.readInt32BE(offset) * 0x1_0000_0000 + bytes.readUInt32BE(offset + 4);
  const seconds = Math.floor(micros / 1e6);
  const unix = (seconds + SECOND_1970_TO_2000) * 1000;
  if (!Number.isSafeInteger(micros) || Math.abs(unix) > 8.64e15) {
    throw new RowsealError('stream_not_understood', 'pgoutput: a commit time out of range');
  }
  const fraction = String(micros - seconds * 1e6).padStart(6, '0');
  return `${new Date(unix).toISOString().slice(0, -5)}.${fraction}Z`;
}
