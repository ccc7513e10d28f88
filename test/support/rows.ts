/** Rows and a sink for tests of the pure part: cells by hand in, records as text out. */
import { RecordBuffer } from '../../src/change/buffer.ts';
import {
  ABSENT,
  type CellKind,
  type Column,
  NULL,
  RAW,
  type Relation,
  RowImage,
  TEXT,
  UNCHANGED,
  type ValueEncoding,
} from '../../src/change/change.ts';
import type { RecordSink } from '../../src/change/sink.ts';

/** A cell: text, null, or one of the words. */
export type Cell = string | null | typeof absent | typeof unchanged | Buffer;
export const absent = Symbol('absent');
export const unchanged = Symbol('unchanged');

/** The image lies behind some junk, as in a socket's buffer. Buffers are RAW cells. */
export function image(...cells: readonly Cell[]): RowImage {
  const row = new RowImage(1);
  row.resize(cells.length);
  const pieces: Buffer[] = [Buffer.from('junk')];
  let at = 4;
  cells.forEach((cell, i) => {
    const bytes =
      typeof cell === 'string' ? Buffer.from(cell) : Buffer.isBuffer(cell) ? cell : Buffer.alloc(0);
    row.kinds[i] = kindOf(cell);
    row.starts[i] = at;
    at += bytes.length;
    row.ends[i] = at;
    pieces.push(bytes);
  });
  row.bytes = Buffer.concat([...pieces, Buffer.from('"junk')]);
  return row;
}

function kindOf(cell: Cell): CellKind {
  if (typeof cell === 'string') return TEXT;
  if (cell === null) return NULL;
  if (cell === absent) return ABSENT;
  return cell === unchanged ? UNCHANGED : RAW;
}

export function column(name: string, encoding: ValueEncoding, identity = false): Column {
  return { name, type: encoding.as, encoding, identity };
}

export function relation(columns: readonly Column[], more: Partial<Relation> = {}): Relation {
  return {
    id: '1',
    schema: 'public',
    table: 't',
    columns,
    replicaIdentity: 'full',
    primaryKey: null,
    ancestors: [],
    contextTrigger: false,
    ...more,
  };
}

/** Keeps every record as text, in the order in which they came. */
export function textSink(onRecord: (className: string, text: string) => void = () => {}) {
  const buffers = new Map<string, RecordBuffer>();
  const records: { className: string; text: string }[] = [];
  const sink: RecordSink = {
    buffer(className) {
      let buffer = buffers.get(className);
      if (buffer === undefined) buffers.set(className, (buffer = new RecordBuffer(16)));
      return buffer;
    },
    recorded(className, start) {
      const buffer = buffers.get(className)!;
      const text = buffer.bytes.toString('utf8', start, buffer.length);
      buffer.byte(10);
      records.push({ className, text });
      onRecord(className, text);
    },
  };
  return { sink, records };
}
