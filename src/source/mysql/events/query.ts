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
  /** MySQL's number of the transaction that a definition was, where it changed something; null: the status did not get there. */
  readonly numbered: boolean | null;
  /** Temporary tables of the session had to do with it. */
  readonly temporary: boolean;
  /** For telling what it is, when `text` is null: its beginning; ASCII is right, other characters perhaps not. */
  readonly rough: string;
}

/** Longer statements are not kept, and of them only the beginning is looked at. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_ROUGH_BYTES = 64 * 1024;
const POST_HEADER_BYTES = 13;
/** LOG_EVENT_THREAD_SPECIFIC_F of the event's header. */
const THREAD_SPECIFIC_FLAG = 4;
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
  const status = fields.take(statusBytes);
  const { sqlMode, client } = readStatus(status);
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
  const temporary = (event.readUInt16LE(17) & THREAD_SPECIFIC_FLAG) !== 0;
  return { threadId, schema, mode, text, rough, numbered: isNumbered(status), temporary };
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

/** Sizes of all that may stand before the number, where they are fixed. */
const SIZES: Readonly<Record<number, number>> = {
  0: 4,
  1: 8,
  3: 4,
  4: 6,
  7: 2,
  8: 2,
  9: 8,
  10: 4,
  13: 3,
  16: 1,
};
/** As many bytes as the first one says, and these: a catalog, a time zone, a catalog without its zero. */
const SAID: Readonly<Record<number, number>> = { 2: 1, 5: 0, 6: 0 };
const INVOKER = 11;
const UPDATED_SCHEMAS = 12;
/** More schemas than are named. */
const TOO_MANY_SCHEMAS = 254;
const DDL_NUMBER = 17;

/** Variables ascend, so that one behind its place says that it is not there. What does not fit says nothing. */
function isNumbered(status: Buffer): boolean | null {
  for (let at = 0; at < status.length; ) {
    const code = status[at++] as number;
    if (code >= DDL_NUMBER) return code === DDL_NUMBER;
    const [size, more] = [SIZES[code], SAID[code]];
    const length = status[at] ?? 0;
    if (size !== undefined) at += size;
    else if (more !== undefined) at += 1 + length + more;
    else if (code === INVOKER) at += 2 + length + (status[at + 1 + length] ?? 0);
    else if (code === UPDATED_SCHEMAS) at = behindNames(status, at);
    else return null;
    if (at > status.length) return null;
  }
  return false;
}

/** Names that end with a zero, as many as the first byte says. */
function behindNames(status: Buffer, from: number): number {
  const count = status[from] ?? 0;
  let at = from + 1;
  if (count === TOO_MANY_SCHEMAS) return at;
  for (let left = count; left > 0; left--) {
    const zero = status.indexOf(0, at);
    if (zero < 0) return status.length + 1;
    at = zero + 1;
  }
  return at;
}
