/**
 * Where finished record bytes go. The recorder writes a record straight into the open segment's buffer of its
 * class, so that a row is copied once, from the socket's buffer into the segment.
 */
import type { RecordBuffer } from './buffer.ts';
import type { Position } from './change.ts';

/** A record that the next daemon reads: seals say where the last one of each stands (FORMAT.md, `source.state`). */
export type Mark = 'policy' | 'capture';

export interface RecordSink {
  /** The buffer that the next record of this retention class is appended to, at `buffer.length`. */
  buffer(className: string): RecordBuffer;
  /**
   * The record that began at `start` in that buffer is complete (without LF; the sink appends it). The sink may
   * cut a seal here, and then asks the recorder for its progress, which must already include this record.
   */
  recorded(className: string, start: number, mark?: Mark): void;
}

/** How far the records handed to the sink so far reach: what a seal cut now has to say of its source. */
export interface Progress {
  /** End of the last transaction whose records are all with the sink, or a later quiet position. */
  readonly through: Position;
  /** The highest transaction number of any record so far. */
  readonly transactions: number;
  /** Stands only inside a transaction of which at least one record is with the sink. */
  readonly partial: { readonly position: Position; readonly next: number } | null;
}
