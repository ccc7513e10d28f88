/**
 * A short cut for runs of records that differ only in values, which is nearly all of any trail: records are held to
 * the shapes of records that `scanChange` accepted. Of each shape there is a narrower one, too, in which whatever the
 * last two records had in common is literal: their transaction, their table, their constants.
 */
import { JsonRefusal } from '../../trail/strict-json.ts';
import { isIdOf } from './record-scan.ts';
import { fitShape, fittedId, narrowed, type Shape, shapeOf } from './shape.ts';

/** Shapes kept: some tables and actions take turns in any transaction. */
const KEPT = 6;
/** After so many misses in a row only every so many-th record is made a shape: these records have none. */
const PATIENCE = 64;
/** A narrow shape that took fewer records than this was not worth making: the next one waits. */
const WORTH = 16;

export interface Shapes {
  /**
   * Where the record at `at` ends, at its LF, if `scanChange` would take it as well: then `scanned` is set. Else -1, and
   * nothing is known. `b` ends with an LF.
   */
  fit(b: Buffer, at: number, prefix: Buffer): number;
  /** Learns from a record that `scanChange` has just accepted. */
  learn(b: Buffer, at: number, end: number): void;
}

interface Kept {
  whole: Shape;
  /** Whether `whole` was made of the last record, so that the next one can be compared with it. */
  fresh: boolean;
  narrow: Shape | null;
  /** Records that `narrow` took. */
  taken: number;
  /** Records until it is worth trying again. */
  rest: number;
}

/** For records of one level. */
export function createShapes(level: number): Shapes {
  const shapes: Kept[] = [];
  let oldest = 0;
  let misses = 0;
  let viewed: Buffer | null = null;
  let view: DataView = new DataView(new ArrayBuffer(0));

  const fitAny = (b: Buffer, at: number): number => {
    for (let i = 0; i < shapes.length; i++) {
      const kept = shapes[i]!;
      if (kept.narrow !== null) {
        const end = fitShape(kept.narrow, b, view, at);
        if (end !== -1) {
          kept.taken += 1;
          return end;
        }
      }
      const end = fitShape(kept.whole, b, view, at);
      if (end === -1) continue;
      narrow(kept, b, at, end, level);
      return end;
    }
    return -1;
  };
  return {
    fit(b, at, prefix) {
      if (viewed !== b) {
        viewed = b;
        view = new DataView(b.buffer, b.byteOffset, b.length);
      }
      try {
        const end = fitAny(b, at);
        if (end === -1) return -1;
        misses = 0;
        return isIdOf(b, fittedId[0]!, fittedId[1]!, prefix) ? end : -1;
      } catch (error) {
        if (error instanceof JsonRefusal) return -1;
        throw error;
      }
    },
    learn(b, at, end) {
      misses += 1;
      if (misses > PATIENCE && misses % PATIENCE !== 0) return;
      const whole = shapeOf(b.subarray(at, end), level);
      if (whole === null) return;
      const kept = { whole, fresh: true, narrow: null, taken: WORTH, rest: 0 };
      if (shapes.length < KEPT) shapes.push(kept);
      else shapes[oldest++ % KEPT] = kept;
    },
  };
}

/** The record at `at` is of the whole shape, but not of the narrow one: a new one is made of it and the next such record. */
function narrow(kept: Kept, b: Buffer, at: number, end: number, level: number): void {
  if (kept.rest > 0) {
    kept.rest -= 1;
    return;
  }
  const whole = shapeOf(b.subarray(at, end), level);
  if (whole === null || whole.strings.length !== kept.whole.strings.length) return;
  if (kept.fresh) {
    kept.narrow = narrowed(whole, kept.whole);
    kept.rest = kept.taken < WORTH ? PATIENCE : 0;
    kept.taken = 0;
  }
  kept.whole = whole;
  kept.fresh = !kept.fresh;
}
