/**
 * The QUERY event (MySQL internals: "Query_event"): who ran a statement in which schema, and its text with what decides
 * how it is read. Status variables are known by number and have no lengths: at the first one that is not known the rest
 * stays unread, as replicas do it, for they stand in ascending order and new ones come last.
 */
import { isUtf8 } from 'node:buffer';
import { TEXT } from '../../../change/change.ts';
import { readFields } from '../bytes/fields.ts';
import type { QuotingMode } from '../sql/tokens.ts';
import { CellText } from '../text/cell-text.ts';
import { charsetOf } from '../text/charsets.ts';
import { EVENT, HEADER_BYTES } from './events.ts';

export interface Query {
  /** The server's number of the session. */
  readonly threadId: number;
  readonly schema: string;
  readonly mode: QuotingMode;
  /** Null where it is too long, or can't be turned into UTF-8 for certain: a quote may look like something else. */
  readonly text: string | null;
  /** For telling what it is, when `text` is null: its beginning; ASCII is right, other characters perhaps not. */
  readonly rough: string;
}

/** Longer statements are not kept, and of them only the beginning is looked at. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_ROUGH_BYTES = 64 * 1024;
const POST_HEADER_BYTES = 13;
/** EXECUTE_LOAD_QUERY's own, behind it: the file and where its name stands. */
const LOAD_HEADER_BYTES = 13;

/** Of QUERY and EXECUTE_LOAD_QUERY, and of QUERY_COMPRESSED after its inflation. */
export function readQuery(event: Buffer, bodyEnd: number): Query {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'QUERY');
  const threadId = fields.u32();
  fields.u32(); // seconds that it took
  const schemaBytes = fields.u8();
  fields.u16(); // the error that it ended with
  const statusBytes = fields.u16();
  if (event[4] === EVENT.EXECUTE_LOAD_QUERY) fields.take(LOAD_HEADER_BYTES);
  const { sqlMode, client } = readStatus(fields.take(statusBytes));
  const schema = fields.take(schemaBytes).toString();
  fields.take(1); // its zero
  const whole = fields.rest();
  const bytes = whole.length > MAX_TEXT_BYTES ? whole.subarray(0, MAX_ROUGH_BYTES) : whole;
  const mode = {
    ansiQuotes: (sqlMode & ANSI_QUOTES) !== 0,
    noBackslashEscapes: (sqlMode & NO_BACKSLASH_ESCAPES) !== 0,
  };
  const rough = isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1');
  const known = bytes.every((byte) => byte < 0x80) ? rough : inCharset(bytes, client);
  const text = whole.length > MAX_TEXT_BYTES ? null : known;
  return { threadId, schema, mode, text, rough };
}

/** Where the statement's text begins in a QUERY event. */
export function statementStart(event: Buffer, bodyEnd: number): number {
  const fields = readFields(event, HEADER_BYTES, bodyEnd, 'QUERY');
  fields.take(8);
  const schemaBytes = fields.u8();
  fields.u16();
  const statusBytes = fields.u16();
  fields.take(statusBytes + schemaBytes + 1);
  return HEADER_BYTES + POST_HEADER_BYTES + statusBytes + schemaBytes + 1;
}

/** Bits of sql_mode, the same in both servers. */
const ANSI_QUOTES = 0x4;
const NO_BACKSLASH_ESCAPES = 0x10_0000;

/** Null where the text is not valid in its character set, or the set is not known. */
function inCharset(bytes: Buffer, collation: number): string | null {
  const charset = charsetOf(collation);
  if (charset === null) return null;
  const out = new CellText(bytes.length * 2);
  charset.put(bytes, 0, bytes.length, out);
  return out.kind === TEXT ? out.bytes.toString('utf8', 0, out.length) : null;
}

/** Sizes of status variables by number, where they are fixed. */
const STATUS_BYTES: Readonly<Record<number, number>> = { 0: 4, 3: 4 };

function readStatus(bytes: Buffer): { readonly sqlMode: number; readonly client: number } {
  let sqlMode = 0;
  let client = 0;
  const fields = readFields(bytes, 0, bytes.length, 'the status of a QUERY');
  while (fields.left() > 0) {
    const code = fields.u8();
    if (code === 1) {
      sqlMode = fields.u32();
      fields.u32();
    } else if (code === 2) fields.take(fields.u8() + 1);
    else if (code === 4) {
      client = fields.u16();
      break; // nothing behind it is of interest
    } else if (code === 6) fields.take(fields.u8());
    else {
      const size = STATUS_BYTES[code];
      if (size === undefined) break;
      fields.take(size);
    }
  }
  return { sqlMode, client };
}
