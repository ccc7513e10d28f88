/**
 * Decodes pgoutput messages (manual: "Logical Replication Message Formats"; text, no streaming, no two-phase)
 * straight into reusable row images: no object per row. Every length is checked against the message; what is
 * unknown, short or left over is `stream_not_understood`, and nothing may be skipped.
 */
import { RowsealError } from '../../base/errors.ts';
import {
  ABSENT,
  type ChangeHandler,
  NULL,
  type Relation,
  RowImage,
  TEXT,
  UNCHANGED,
} from '../../change/change.ts';
import { lsnAt } from './lsn.ts';

/** A Relation message as it came. */
export interface RelationMessage {
  readonly oid: number;
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

const SECOND_1970_TO_2000 = 946_684_800;

export function createDecoder(parts: DecoderParts): Decoder {
  const { handler, settle } = parts;
  const relations = new Map<number, Relation>();
  const before = new RowImage();
  const after = new RowImage();
  let position: string | null = null;
  let events = 0;
  let resumed = false;
  let replayed = 0;
  let origin: string | undefined;
  let begun: Buffer | null = null;
  let bytes: Buffer = before.bytes;
  let at = 0;
  let end = 0;

  const broken = (what: string): RowsealError =>
    new RowsealError('stream_not_understood', `pgoutput: ${what}`, {
      details: { position, event: events + 1 },
    });
  const need = (count: number) => {
    if (count < 0 || end - at < count) throw broken('a message is shorter than it says');
  };
  const u8 = (): number => {
    need(1);
    return bytes[at++] as number;
  };
  const u16 = (): number => {
    need(2);
    at += 2;
    return bytes.readUInt16BE(at - 2);
  };
  const u32 = (): number => {
    need(4);
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const skip = (count: number): number => {
    need(count);
    at += count;
    return at - count;
  };
  const string = (): string => {
    const zero = bytes.indexOf(0, at);
    if (zero < 0 || zero >= end) throw broken('a name without end');
    const text = parts.name(bytes.subarray(at, zero));
    at = zero + 1;
    return text;
  };
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

  const tuple = (image: RowImage, columns: number, isKey: boolean): void => {
    const count = u16();
    if (count !== columns) throw broken(`a row of ${count} columns for a relation of ${columns}`);
    image.resize(count);
    image.bytes = bytes;
    const { kinds, starts, ends } = image;
    const source = bytes;
    let p = at;
    for (let i = 0; i < count; i++) {
      if (p >= end) throw broken('a row is cut short');
      const kind = source[p++] as number;
      if (kind === 0x74 /* t */) {
        if (p + 4 > end) throw broken('a row is cut short');
        const length =
          ((source[p] as number) << 24) |
          ((source[p + 1] as number) << 16) |
          ((source[p + 2] as number) << 8) |
          (source[p + 3] as number);
        p += 4;
        if (length < 0 || length > end - p) throw broken('a value is longer than its message');
        kinds[i] = TEXT;
        starts[i] = p;
        p += length;
        ends[i] = p;
      } else if (kind === 0x6e /* n */) {
        kinds[i] = isKey ? ABSENT : NULL; // columns outside the key are sent as null
      } else if (kind === 0x75 /* u */) {
        kinds[i] = UNCHANGED;
      } else throw broken(`a value of kind ${kind}`);
    }
    at = p;
    if (settle !== null) settle(image);
  };

  const row = (
    action: 'insert' | 'update' | 'delete',
    of: Relation,
    old: RowImage | null,
    isKey: boolean,
    next: RowImage | null,
  ): void => {
    if (at !== end) throw broken('bytes after a row');
    if (++events <= replayed) return;
    handler.row(action, of, old, isKey, next);
  };

  const insert = (): void => {
    inside();
    const of = relation();
    if (u8() !== 0x4e /* N */) throw broken('an insert without its row');
    tuple(after, of.columns.length, false);
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
      tuple(old, width, isKey);
      part = u8();
    }
    if (part !== 0x4e /* N */) throw broken('an update without its new row');
    tuple(after, width, false);
    row('update', of, old, isKey, after);
  };

  const remove = (): void => {
    inside();
    const of = relation();
    const part = u8();
    const isKey = part === 0x4b; /* K */
    if (!isKey && part !== 0x4f /* O */) throw broken('a delete without its old row');
    tuple(before, of.columns.length, isKey);
    row('delete', of, before, isKey, null);
  };

  const truncate = (): void => {
    inside();
    const count = u32();
    const flags = u8();
    if (flags > 3) throw broken(`truncate with flags ${flags}`);
    need(count * 4);
    const truncated = Array.from({ length: count }, relation);
    events += count;
    if (events <= replayed) return;
    handler.truncate(truncated, { cascade: (flags & 1) !== 0, restartIdentity: (flags & 2) !== 0 });
  };

  const message = (): void => {
    const flags = u8();
    if (flags > 1) throw broken(`a logical message with flags ${flags}`);
    skip(8);
    const prefix = string();
    const length = u32();
    const start = skip(length);
    // A message outside of transactions is said by nobody about no row: it can't count in one.
    if (flags === 0) return;
    inside();
    if (++events > replayed) handler.message(prefix, bytes.subarray(start, start + length));
  };

  const begin = (): void => {
    if (position !== null) throw broken('a transaction inside another');
    const start = skip(20);
    position = lsnAt(bytes, start);
    events = 0;
    origin = undefined;
    resumed = parts.replay?.position === position;
    replayed = resumed ? (parts.replay?.events ?? 0) : 0;
    begun = Buffer.from(bytes.subarray(start, start + 20));
  };

  const commit = (): void => {
    inside();
    const flags = u8();
    const start = skip(24);
    if (flags !== 0 || lsnAt(bytes, start) !== position) throw broken('a commit that fits no transaction');
    if (events < replayed) throw broken('a transaction that is shorter than before');
    position = null;
    resumed = false;
    replayed = 0;
    handler.commit(lsnAt(bytes, start + 8));
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
    parts.onRelation({ oid, schema, table, identity, columns });
  };

  const type = (): void => {
    parts.onType(u32(), string() || 'pg_catalog', string());
  };

  const originate = (): void => {
    if (begun === null) throw broken('an origin in the middle of a transaction');
    skip(8);
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
    decode: (source, from, to) => {
      bytes = source;
      at = from;
      end = to;
      const letter = u8();
      const step = steps.get(letter);
      if (step === undefined) throw broken(`a message of type ${letter}`);
      step();
      if (at !== end) throw broken('bytes after a message');
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
