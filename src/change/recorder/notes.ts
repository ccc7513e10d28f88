/**
 * Records of class `trail`: what is no change of a row, at the event at hand or outside of every transaction. One that
 * stands at an event has its index, and is counted as every event is.
 */
import type { Attribution } from '../attribution/attribution.ts';
import type { RecordBuffer } from '../buffer.ts';
import { newPlace, type Place } from '../record/record.ts';
import { TRAIL_CLASS } from '../record/trail-records.ts';
import type { Mark } from '../sink.ts';
import type { Delivery } from './delivery.ts';
import type { Numbering } from './numbering.ts';
import type { OpenTransaction } from './open-transaction.ts';

export interface Notes {
  /** Writes one at the current event. `place` is valid during the call. */
  inside(
    transaction: OpenTransaction,
    who: Attribution | null,
    write: (out: RecordBuffer, place: Place) => void,
  ): void;
  /** Writes one that comes from no transaction: it waits for none. */
  outside(write: (out: RecordBuffer) => void, mark?: Mark): void;
}

export function createNotes(numbering: Numbering, delivery: Delivery): Notes {
  const place = newPlace();

  return {
    inside(transaction, who, write) {
      place.transaction = numbering.bytesOf(transaction);
      place.index = numbering.index;
      place.attribution = who;
      write(delivery.open(transaction, TRAIL_CLASS, numbering.index, null), place);
      delivery.close(0, 0);
    },
    outside(write, mark) {
      write(delivery.open(null, TRAIL_CLASS, null, null));
      delivery.close(0, 0, mark);
    },
  };
}
