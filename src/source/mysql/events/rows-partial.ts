/**
 * After images of PARTIAL_UPDATE_ROWS events (mysql-server: "binlog_row_value_options"): JSON columns may come as
 * differences from the before image. Where that held the document, the cell is the whole new document's text. Where it
 * did not, nothing is made up: the cell is UNCHANGED if there was no difference, else ABSENT and counted as untold.
 */
import { ABSENT, NULL, TEXT, UNCHANGED } from '../../../change/change.ts';
import { broken } from '../bytes/broken.ts';
import { readFields } from '../bytes/fields.ts';
import { within } from '../text/cell-text.ts';
import { lengthAt } from '../values/cells-bytes.ts';
import { settleJson } from '../values/json.ts';
import { putPatched } from '../values/json-diff.ts';
import type { ImageReader } from './rows-image.ts';
import type { TableMap } from './table-map.ts';

/** The image begins with a bit for each JSON column of the table, whether the image holds it or not. */
const PARTIAL_JSON = 1;
const LENGTH_BYTES = 4;

export interface PartialReader {
  /** Reads the after image at `start`, `before` having been read with `track`; returns where it ended. */
  read(body: Buffer, start: number, table: TableMap, held: number): number;
  /** Cells that could not be told since `reset`. */
  untold(): number;
  reset(): void;
}

export function createPartialReader(before: ImageReader, after: ImageReader): PartialReader {
  const { image, text } = after;
  let untold = 0;

  const patch = (body: Buffer, start: number, i: number): number => {
    const from = within(start, LENGTH_BYTES, body.length);
    const end = within(from, lengthAt(body, start, LENGTH_BYTES), body.length);
    const { starts, ends } = before.documents();
    const documentEnd = ends[i]!;
    if (documentEnd === 0) {
      image.kinds[i] = from === end ? UNCHANGED : ABSENT;
      if (from < end) untold++;
      return end;
    }
    const at = text.length;
    text.kind = TEXT;
    putPatched(text, body, starts[i]!, documentEnd, body, from, end);
    settleJson(text, at, body, from, end);
    image.kinds[i] = text.kind;
    image.starts[i] = at;
    image.ends[i] = text.length;
    return end;
  };

  const value = (body: Buffer, at: number, table: TableMap, i: number): number => {
    image.starts[i] = text.length;
    text.kind = TEXT;
    const end = table.reads[i]!(body, at, body.length, text);
    image.kinds[i] = text.kind;
    image.ends[i] = text.length;
    return end;
  };

  const read = (body: Buffer, start: number, table: TableMap, held: number): number => {
    const fields = readFields(body, start, body.length, 'an image with differences');
    const options = fields.lengthEncoded();
    if (options > PARTIAL_JSON) throw broken(`row options ${options}`);
    const bitsAt = body.length - fields.left();
    if (options === 0) return after.read(body, bitsAt, table, false);
    const nullsAt = within(bitsAt, (table.jsonCount + 7) >> 3, body.length);
    let at = within(nullsAt, (held + 7) >> 3, body.length);
    const holds = after.holds();
    image.resize(table.reads.length);
    text.reset();
    let place = 0;
    let json = 0;
    for (let i = 0; i < table.reads.length; i++) {
      const isPartial = table.isJson[i] === 1 && bit(body, bitsAt, json++) === 1;
      image.kinds[i] = ABSENT;
      if (holds[i] === 0) continue;
      if (bit(body, nullsAt, place++) === 1) image.kinds[i] = NULL;
      else at = isPartial ? patch(body, at, i) : value(body, at, table, i);
    }
    image.bytes = text.bytes;
    return at;
  };

  return {
    read,
    untold: () => untold,
    reset: () => {
      untold = 0;
    },
  };
}

function bit(body: Buffer, at: number, index: number): number {
  return (body[at + (index >> 3)]! >> (index & 7)) & 1;
}
