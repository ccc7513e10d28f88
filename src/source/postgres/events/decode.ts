/**
 * Decodes pgoutput messages (manual: "Logical Replication Message Formats"; text, no streaming, no two-phase)
 * straight into reusable row images: no object per row. Every length is checked against the message; what is
 * unknown, short or left over is `stream_not_understood`, and nothing may be skipped.
 */
import type { ChangeHandler, Relation, RowImage } from '../../../change/change.ts';
import { createRowMessages, readMessage, readTruncate } from './change-messages.ts';
import { broken, createCursor } from './cursor.ts';
import { type RelationMessage, readRelation, schemaOf } from './relation-message.ts';
import { type Replay, TransactionFrame } from './transaction-frame.ts';

export type { RelationMessage };

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
  readonly replay?: Replay;
}

export interface Decoder {
  /** Decodes the message in `bytes[start, end)`. Throws `stream_not_understood`. */
  decode(bytes: Buffer, start: number, end: number): void;
  define(oid: number, relation: Relation): void;
  /** The open transaction: its commit position, and what the handler had of it; null outside of one. */
  transaction(): { readonly position: string; readonly begun: boolean; readonly events: number } | null;
}

export function createDecoder(parts: DecoderParts): Decoder {
  const cursor = createCursor();
  const relations = new Map<number, Relation>();
  const frame = new TransactionFrame(parts);

  const relation = (): Relation => {
    const oid = cursor.u32();
    const found = relations.get(oid);
    if (found === undefined) throw broken(`a change of the unknown relation ${oid}`);
    return found;
  };
  const rows = createRowMessages(parts, cursor, frame, relation);
  const describe = (): void => {
    const message = readRelation(cursor, parts.name, frame);
    relations.delete(message.oid);
    parts.onRelation(message);
  };
  const type = (): void => {
    parts.onType(cursor.u32(), schemaOf(parts.name(cursor.name())), parts.name(cursor.name()));
  };
  const step = (letter: number) => {
    switch (letter) {
      case 0x49: // I
        return rows.insert();
      case 0x55: // U
        return rows.update();
      case 0x44: // D
        return rows.delete();
      case 0x54: // T
        return readTruncate(parts, cursor, frame, relation);
      case 0x4d: // M
        return readMessage(parts, cursor, frame);
      case 0x42: // B
        return frame.begin(cursor);
      case 0x4f: // O
        return frame.originate(cursor, parts.name);
      case 0x43: // C
        return frame.commit(cursor);
      case 0x52: // R
        return describe();
      case 0x59: // Y
        return type();
      default:
        throw broken(`a message of type ${letter} (event ${frame.events + 1} of ${frame.position})`);
    }
  };

  return {
    decode: (bytes, start, end) => {
      cursor.set(bytes, start, end);
      step(cursor.u8());
      cursor.finish();
    },
    define: (oid, resolved) => void relations.set(oid, resolved),
    transaction: () => {
      const { position, begun, events } = frame;
      return position === null ? null : { position, begun, events };
    },
  };
}
