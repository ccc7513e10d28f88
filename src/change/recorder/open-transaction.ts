/** A transaction between the source and the sink: the one thing that both sides of the recorder know. */
import { RowsealError } from '../../base/errors.ts';
import type { Attribution } from '../attribution/attribution.ts';
import type { TransactionStart } from '../change.ts';
import type { TransactionBytes } from '../record/record.ts';

export interface OpenTransaction {
  /** Its place in this run, from 1. */
  readonly serial: number;
  readonly start: TransactionStart;
  /** UTC day of its commit: `2026-11-21`. */
  readonly day: string;
  /** Assigned at its first record; 0 until then. */
  number: number;
  bytes: TransactionBytes | null;
  /** A numbered record of it is with the sink. */
  sunk: boolean;
  /** Index of the first event that is not with the sink. */
  next: number;
  /** What its held rows get, once that is known. */
  resolution: Attribution | null;
  /** The same of rows whose relation may have had our trigger, and the tables whose triggers may say so (holding.ts). */
  doubtful: Attribution | null;
  relids: Set<string> | null;
}

/** `number` is 0, or the one that an earlier run gave it; `next` the first event that is new. */
export function openTransaction(
  serial: number,
  start: TransactionStart,
  number: number,
  next: number,
): OpenTransaction {
  const day = start.time.slice(0, 10);
  return {
    serial,
    start,
    day,
    number,
    bytes: null,
    sunk: number > 0,
    next,
    resolution: null,
    doubtful: null,
    relids: null,
  };
}

/** The stream left out the transaction that the last seal ends inside of. */
export function strayed(expected: string, got: string): RowsealError {
  return new RowsealError(
    'source_changed',
    'the stream did not go on with the transaction that the last seal ends inside of',
    {
      details: { expected, got },
      hint: 'See that the slot, the publication and its plugin are those that the trail was written with.',
    },
  );
}
