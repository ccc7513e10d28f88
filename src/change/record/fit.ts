/**
 * A change's record within the format's bound. What is too large loses its largest values to their digests,
 * never a column, never the record.
 */
import { RowsealError } from '../../base/errors.ts';
import type { RecordBuffer } from '../buffer.ts';
import type { RowPlan } from '../policy/row-plan.ts';
import type { ValueContext } from './patch.ts';
import { type Place, type RowChange, writeChange } from './record.ts';

/** FORMAT.md: a record has at most 16 MiB; the margin is for the holes of one that waits. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024 - 64 * 1024;
/** A digest is about as long, so a smaller bound gains nothing. */
const MIN_VALUE_BYTES = 80;

/** Appends the record. Throws `record_too_large` where digests don't help; the buffer is then as it was. */
export function writeFittingChange(
  out: RecordBuffer,
  place: Place,
  plan: RowPlan,
  change: RowChange,
  values: ValueContext,
): void {
  const start = out.length;
  writeChange(out, place, plan, change, values);
  if (out.length - start > MAX_RECORD_BYTES) shrink(out, start, place, plan, change, values);
}

function shrink(
  out: RecordBuffer,
  start: number,
  place: Place,
  plan: RowPlan,
  change: RowChange,
  values: ValueContext,
): void {
  const usual = values.maxValueBytes;
  try {
    while (out.length - start > MAX_RECORD_BYTES) {
      out.length = start;
      if (values.maxValueBytes <= MIN_VALUE_BYTES) {
        const { schema, table } = plan.relation;
        throw new RowsealError('record_too_large', `a change of ${schema}.${table} has over 16 MiB`, {
          details: { schema, table, id: `${place.transaction.id.toString().slice(1)}${place.index}` },
        });
      }
      values.maxValueBytes = Math.max(MIN_VALUE_BYTES, Math.floor(values.maxValueBytes / 4));
      writeChange(out, place, plan, change, values);
    }
  } finally {
    values.maxValueBytes = usual;
  }
}
