/**
 * Decodes pgoutput messages (manual: "Logical Replication Message Formats"; text, no streaming, no two-phase)
 * straight into reusable row images: no object per row. Every length is checked against the message; what is
 * unknown, short or left over is `stream_not_understood`, and nothing may be skipped.
 */
import { RowsealError } from '../../base/errors.ts';
import { type ChangeHandler, type Relation, RowImage } from '../../change/change.ts';
import { broken, createCursor } from './cursor.ts';
import { lsnAt } from './lsn.ts';

/** A Relation message as it came. */
export interface RelationMessage {
  readonly oid: number;
  /** The transaction that it came in, and the position of its commit. */
  readonly xid: number;
  readonly position: string;
  readonly schema: string;
  readonly table: string;
  /** pg_class.relreplident: d, f, i, n. */
  readonly identity: string;
  readonly columns: readonly {
    readonly name: string;
    readonly typeOid: number;
    readonly typeModifier: number;
    readonly identity: boolean;
  }[];
}

export interface DecoderParts {
  readonly handler: Pick<ChangeHandler, 'begin' | 'row' | 'truncate' | 'message' | 'commit'>;
  /** The relation is unknown until `define` was called: the caller must not decode before. */
  readonly onRelation: (relation: RelationMessage) => void;
  /** Type messages: the name, of the base type where it is a domain. */
  readonly onType: (oid: number, schema: string, name: string) => void;
  /** Names come through here, since their bytes may not be UTF-8. */
  readonly name: (bytes: Buffer) => string;
  /** Turns the cells of an image into valid UTF-8 (TEXT) or marks them RAW; null where all text is UTF-8. */
  readonly settle: ((image: RowImage) => void) | null;
  /** Begin and so many events of this transaction the handler has had already (after a reconnect inside it). */
  readonly replay?: { readonly position: string; readonly events: number };
}

export interface Decoder {
  /** Decodes the message in `bytes[start, end)`. Throws `stream_not_understood`. */
  decode(bytes: Buffer, start: number, end: number): void;
  define(oid: number, relation: Relation): void;
  /** The open transaction: its commit position, and what the handler had of it; null outside of one. */
  transaction(): { readonly position: string; readonly begun: boolean; readonly events: number } | null;
}

/** More than a database can hold relations of; a list this long is no list. */
const MAX_TRUNCATED = 1 << 24;

const SECOND_1970_TO_2000 = 946_684_800;

export function createDecoder(parts: DecoderParts): Decoder {
  const { handler, settle } = parts;
  const cursor = createCursor();
  const { u8, u16, u32 } = cursor;
  const string = () => parts.name(cursor.name());
  const relations = new Map<number, Relation>();
  const before = new RowImage();
  const after = new RowImage();
  let position: string | null = null;
  let events = 0;
  let resumed = false;
  let replayed = 0;
  let origin: string | undefined;
  let begun: Buffer | null = null;
  let xid = 0;

  const inside = (): void => {
    if (position === null) throw broken('a change outside of a transaction');
    if (begun !== null) open(begun);
  };
  /** Hands over Begin: late, since an Origin message may follow it. */
  const open = (message: Buffer): void => {
    begun = null;
    if (resumed) return;
    handler.begin({
      id: String(message.readUInt32BE(16)),
      position: position as string,
      time: formatTime(message, 8),
      ...(origin === undefined ? {} : { origin }),
    });
  };
  const relation = (): Relation => {
    const oid = u32();
    const found = relations.get(oid);
    if (found === undefined) throw broken(`a change of the unknown relation ${oid}`);
    return found;
  };

  const image = (into: RowImage, columns: number, isKey: boolean): RowImage => {
    cursor.row(into, columns, isKey);
    if (settle !== null) settle(into);
    return into;
  };

  const row = (
    action: 'insert' | 'update' | 'delete',
    of: Relation,
    old: RowImage | null,
    isKey: boolean,
    next: RowImage | null,
  ): void => {
    cursor.finish();
    if (++events <= replayed) return;
    handler.row(action, of, old, isKey, next);
  };

  const insert = (): void => {
    inside();
    const of = relation();
    if (u8() !== 0x4e /* N */) throw broken('an insert without its row');
    image(after, of.columns.length, false);
    row('insert', of, null, false, after);
  };

  const update = (): void => {
    inside();
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
  };

  const remove = (): void => {
    inside();
    const of = relation();
    const part = u8();
    const isKey = part === 0x4b; /* K */
    if (!isKey && part !== 0x4f /* O */) throw broken('a delete without its old row');
    image(before, of.columns.length, isKey);
    row('delete', of, before, isKey, null);
  };

  const truncate = (): void => {
    inside();
    const count = u32();
    const flags = u8();
    if (flags > 3) throw broken(`truncate with flags ${flags}`);
    if (count > MAX_TRUNCATED) throw broken(`a truncate of ${count} tables`);
    const truncated = Array.from({ length: count }, relation);
    events += count;
    if (events <= replayed) return;
    handler.truncate(truncated, { cascade: (flags & 1) !== 0, restartIdentity: (flags & 2) !== 0 });
  };

  const message = (): void => {
    const flags = u8();
    if (flags > 1) throw broken(`a logical message with flags ${flags}`);
    cursor.take(8); // its LSN
    const prefix = string();
    const content = cursor.take(u32());
    // A message outside of transactions is said by nobody about no row: it can't count in one.
    if (flags === 0) return;
    inside();
    if (++events > replayed) handler.message(prefix, content);
  };

  const begin = (): void => {
    if (position !== null) throw broken('a transaction inside another');
    const body = Buffer.from(cursor.take(20));
    position = lsnAt(body, 0);
    events = 0;
    origin = undefined;
    resumed = parts.replay?.position === position;
    replayed = resumed ? (parts.replay?.events ?? 0) : 0;
    begun = body;
    xid = body.readUInt32BE(16);
  };

  const commit = (): void => {
    inside();
    const flags = u8();
    const body = cursor.take(24);
    if (flags !== 0 || lsnAt(body, 0) !== position) throw broken('a commit that fits no transaction');
    if (events < replayed) throw broken('a transaction that is shorter than before');
    position = null;
    resumed = false;
    replayed = 0;
    handler.commit(lsnAt(body, 8));
  };

  const define = (): void => {
    const oid = u32();
    const schema = string() || 'pg_catalog';
    const table = string();
    const identity = String.fromCharCode(u8());
    if (!'dfin'.includes(identity)) throw broken(`replica identity ${identity}`);
    const columns = Array.from({ length: u16() }, () => {
      const flags = u8();
      if (flags > 1) throw broken(`a column with flags ${flags}`);
      const name = string();
      return { name, typeOid: u32(), typeModifier: u32() | 0, identity: flags === 1 };
    });
    relations.delete(oid);
    parts.onRelation({ oid, xid, position: position ?? '0/0', schema, table, identity, columns });
  };

  const type = (): void => {
    parts.onType(u32(), string() || 'pg_catalog', string());
  };

  const originate = (): void => {
    if (begun === null) throw broken('an origin in the middle of a transaction');
    cursor.take(8); // its position there
    origin = string();
  };

  const steps = new Map(
    Object.entries({
      B: begin,
      C: commit,
      D: remove,
      I: insert,
      M: message,
      O: originate,
      R: define,
      T: truncate,
      U: update,
      Y: type,
    }).map(([letter, step]) => [letter.charCodeAt(0), step]),
  );

  return {
    decode: (bytes, start, end) => {
      cursor.set(bytes, start, end);
      const letter = u8();
      const step = steps.get(letter);
      if (step === undefined)
        throw broken(`a message of type ${letter} (event ${events + 1} of ${position})`);
      step();
      cursor.finish();
    },
    define: (oid, resolved) => void relations.set(oid, resolved),
    transaction: () => (position === null ? null : { position, begun: begun === null, events }),
  };
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
