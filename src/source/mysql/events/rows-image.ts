/**
 * One row image of a rows event (mysql-server: row_log_event's image format: a bit for each column held that is null,
 * then the others' values) as text cells over scratch of its own, both reused from row to row.
 */
import { ABSENT, NULL, RowImage, TEXT } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { CellText, within } from '../text/cell-text.ts';
import type { TableMap } from './table-map.ts';

export interface ImageReader {
  readonly image: RowImage;
  readonly text: CellText;
  /** By ordinal: 1 for the columns that images of this event hold. */
  readonly holds: () => Uint8Array;
  /** Says which columns the images hold: a bit each. Returns how many that are. */
  hold(bits: Buffer, columns: number): number;
  /** Reads the image at `start`; returns where it ended. With `track` it remembers where its JSON documents lie. */
  read(body: Buffer, start: number, table: TableMap, track: boolean): number;
  /** Where a document lay in the event; an end of 0 says that there was none. */
  readonly documents: () => { readonly starts: Uint32Array; readonly ends: Uint32Array };
}

export function createImageReader(): ImageReader {
  const image = new RowImage();
  const text = new CellText();
  let holds = new Uint8Array(64);
  let held = 0;
  let documentStarts = new Uint32Array(64);
  let documentEnds = new Uint32Array(64);

  const read = (body: Buffer, start: number, table: TableMap, track: boolean): number => {
    const { reads } = table;
    const count = reads.length;
    const limit = body.length;
    let at = within(start, (held + 7) >> 3, limit);
    if (table.oldTemporal) checkUnusedBits(body, at, held);
    image.resize(count);
    const { kinds, starts, ends } = image;
    text.reset();
    let place = 0;
    for (let i = 0; i < count; i++) {
      if (track) documentEnds[i] = 0;
      if (holds[i] === 0) {
        kinds[i] = ABSENT;
        continue;
      }
      const isNull = (body[start + (place >> 3)]! >> (place & 7)) & 1;
      place++;
      if (isNull === 1) {
        kinds[i] = NULL;
        continue;
      }
      starts[i] = text.length;
      text.kind = TEXT;
      const cell = at;
      at = reads[i]!(body, at, limit, text);
      kinds[i] = text.kind;
      ends[i] = text.length;
      if (track && table.isJson[i] === 1) {
        documentStarts[i] = cell + table.columns[i]!.meta;
        documentEnds[i] = at;
      }
    }
    image.bytes = text.bytes;
    return at;
  };

  return {
    image,
    text,
    holds: () => holds,
    documents: () => ({ starts: documentStarts, ends: documentEnds }),
    hold: (bits, columns) => {
      if (columns > holds.length) {
        holds = new Uint8Array(columns);
        documentStarts = new Uint32Array(columns);
        documentEnds = new Uint32Array(columns);
      }
      held = 0;
      for (let i = 0; i < columns; i++) {
        const bit = (bits[i >> 3]! >> (i & 7)) & 1;
        holds[i] = bit;
        held += bit;
      }
      return held;
    },
    read,
  };
}

/**
 * Servers set the null bits beyond the last column. Where a table has MariaDB's own fractional times, whose width is
 * not in the binlog, a row that was read too short is found here instead of being taken for values.
 */
function checkUnusedBits(body: Buffer, end: number, held: number): void {
  const used = held & 7;
  if (used === 0 || body[end - 1]! >> used === 0xff >> used) return;
  throw broken('a row that does not fit its table (times of the old format with a fraction?)', {
    hint: 'ALTER TABLE … FORCE with mysql56_temporal_format=ON writes them in the format that says its width',
  });
}
