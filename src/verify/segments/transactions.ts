/**
 * Holds the records of one seal, over all of its segments, to the counters that the seals sign: numbers without
 * holes, no record twice, and the unfinished transaction exactly as the seals say. Pure.
 */
import { type Seal, sealLevel } from '../../trail/seal.ts';
import type { Fault } from '../findings/findings.ts';
import { transactionFault } from '../records/order.ts';
import { isAt, RUN, type Runs, textOf } from '../records/runs.ts';
import type { SegmentReport } from './segment-check.ts';

/** Runs of one seal that are merged; a segment of 64 MiB has far fewer. */
export const MAX_RUNS = 2_000_000;

/** The last record of the seals so far: the records of the next seal come behind it. */
export interface Place {
  readonly number: number;
  readonly index: number;
  /** What it says of its transaction (see runs.ts); null where it was not read. */
  readonly text: Uint8Array | null;
}

export interface TransactionCheck {
  readonly faults: readonly Fault[];
  readonly last: Place;
}

/**
 * `before` is null where the seal before is not known, `last` then too. `reports` are those of all segments of the
 * seal; a caller that lacks one must not call.
 */
export function checkTransactions(
  seal: Seal,
  before: Seal | null,
  last: Place | null,
  reports: readonly SegmentReport[],
): TransactionCheck {
  const faults: Fault[] = [];
  const add = (code: Fault['code'], message: string) => faults.push({ code, message });
  const lists = reports.map(({ runs }) => runs).filter(({ table }) => table.length > 0);
  const runs = mergeRuns(lists);
  if (runs === null) {
    add('too_many', `more than ${MAX_RUNS} runs of records in one seal: not merged`);
    return { faults, last: last ?? { number: seal.source.transactions, index: 0, text: null } };
  }
  const walked = walk(runs, seal, before, last, add);
  checkPartial(seal, before, runs.length > 0, walked, add);
  return { faults, last: walked };
}

type Add = (code: Fault['code'], message: string) => void;

/** A run of one of the lists. */
interface Run {
  readonly list: Runs;
  readonly at: number;
}

/** All runs in ascending order. One list needs no sorting, since its segment's check has seen to it. */
function mergeRuns(lists: readonly Runs[]): { readonly length: number; run(i: number): Run } | null {
  const length = lists.reduce((sum, { table }) => sum + table.length / RUN, 0);
  const [only] = lists;
  if (lists.length === 1) return { length, run: (i) => ({ list: only!, at: i * RUN }) };
  if (length > MAX_RUNS || length * lists.length > 100_000_000) return null;
  const order = new Uint32Array(2 * length);
  const cursors = lists.map(() => 0);
  for (let i = 0; i < length; i++) {
    let best = -1;
    for (let k = 0; k < lists.length; k++) {
      const c = cursors[k]!;
      if (c >= lists[k]!.table.length) continue;
      if (best === -1 || isBefore(lists[k]!.table, c, lists[best]!.table, cursors[best]!)) best = k;
    }
    order[2 * i] = best;
    order[2 * i + 1] = cursors[best]!;
    cursors[best]! += RUN;
  }
  return { length, run: (i) => ({ list: lists[order[2 * i]!]!, at: order[2 * i + 1]! }) };
}

function isBefore(a: Float64Array, i: number, b: Float64Array, k: number): boolean {
  return a[i]! < b[k]! || (a[i] === b[k] && a[i + 1]! < b[k + 1]!);
}

/** At most one complaint a seal: what is out of order once, usually is to the end. */
function walk(
  runs: { readonly length: number; run(i: number): Run },
  seal: Seal,
  before: Seal | null,
  last: Place | null,
  add: Add,
): Place {
  let number = last?.number ?? Number.NaN;
  let index = last?.index ?? 0;
  let text = last?.text ?? null;
  let complained = false;
  const once = (code: Fault['code'], message: string) => {
    if (!complained) add(code, message);
    complained = true;
  };
  for (let i = 0; i < runs.length; i++) {
    const { list, at } = runs.run(i);
    const nextNumber = list.table[at]!;
    const nextIndex = list.table[at + 1]!;
    const nextText = textOf(list, at);
    if (nextNumber < number || (nextNumber === number && nextIndex <= index)) {
      const label = `${nextNumber}:${nextIndex}`;
      once('record_order', `record ${label} is there twice, or comes behind ${number}:${index}`);
    } else if (nextNumber > number + 1) {
      const label = `${nextNumber}:${nextIndex}`;
      once('transactions_rule', `transaction ${number + 1} has no record: the next one is ${label}`);
    } else if (text !== null) {
      const fault = transactionFault({ number, text }, { number: nextNumber, text: nextText });
      if (fault !== null) once(fault.code, fault.message);
    }
    if (nextNumber === before?.source.transactions) checkResumed(before, nextIndex, nextText, once);
    number = nextNumber;
    index = nextIndex + list.table[at + 2]! - 1;
    text = nextText;
  }
  const { transactions } = seal.source;
  const end = Number.isNaN(number) ? transactions : number;
  if (end !== transactions)
    add('transactions_rule', `its last transaction is ${end}, it says ${transactions}`);
  return end === transactions ? { number, index, text } : { number: transactions, index: 0, text: null };
}

/** A record of the last transaction that the seal before has counted. */
function checkResumed(before: Seal, index: number, text: Uint8Array, add: Add): void {
  const { partial, transactions } = before.source;
  const label = `${transactions}:${index}`;
  if (partial === undefined) {
    add('transactions_rule', `record ${label} belongs to a transaction that had ended`);
  } else if (index < partial.next) {
    add('partial_rule', `record ${label} was sealed before, says the last seal`);
  } else if (!isAt(text, partial.position)) {
    add('partial_rule', `record ${label} stands at another position than the unfinished transaction`);
  }
}

/** The records of an unfinished transaction end before `next`, and bear its position; it has one, here or before. */
function checkPartial(seal: Seal, before: Seal | null, any: boolean, last: Place, add: Add): void {
  const { partial, transactions } = seal.source;
  if (partial === undefined) return;
  if (any && last.number === transactions && last.index >= partial.next) {
    add('partial_rule', `record ${last.number}:${last.index} is sealed, yet next is ${partial.next}`);
  }
  if (any && last.text !== null && !isAt(last.text, partial.position)) {
    add('partial_rule', 'the unfinished transaction stands at another position than its records');
  }
  const carried = before?.source.partial?.position === partial.position;
  if (!any && !carried && (before !== null || seal.number === 0)) {
    add('partial_rule', 'the unfinished transaction has no record yet');
  }
}

/**
 * The records that explain the seal: genesis in the first, a gap record for each gap, a key record for the next key. All
 * stand in class trail; null: the seal has no such segment.
 */
export function recordFaults(seal: Seal, trail: SegmentReport | null): Fault[] {
  const faults: Fault[] = [];
  const add = (code: Fault['code'], message: string) => faults.push({ code, message });
  if (seal.number === 0) {
    const genesis = trail?.genesis;
    if (genesis === null || genesis === undefined) add('genesis_missing', 'record 0 is no genesis record');
    else {
      if (genesis['trail'] !== seal.trail) add('genesis_missing', 'the genesis record is of another trail');
      if (genesis['format'] !== 'rowseal/1')
        add('genesis_missing', 'the genesis record names another format');
      if (genesis['log_key'] !== seal.log_key) {
        add('log_key_mismatch', 'the genesis record names another key than seal 0');
      }
    }
  }
  if (sealLevel(seal) === 2) checkKeys(seal, trail?.keys ?? [], add);
  const recorded = new Map<string, number>();
  for (const gap of trail?.gaps ?? []) count(recorded, gap, 1);
  for (const gap of seal.gaps ?? []) {
    if (count(recorded, gap, -1) < 0) add('gap_unrecorded', 'a gap that it names has no gap record');
  }
  return faults;
}

/** Where the key changes behind a seal, one record in it says so, and nowhere else does any. */
function checkKeys({ next_key: next }: Seal, keys: SegmentReport['keys'], add: Add): void {
  const [record, ...others] = keys;
  if (record === undefined) {
    if (next !== undefined) add('key_record', 'it names the next key, and has no key record');
  } else if (next === undefined) add('key_record', 'it has a key record, and names no next key');
  else if (others.length > 0) add('key_record', 'it has more than one key record');
  else if (record.logKeys[0] !== next) add('key_record', 'its key record names another key than it does');
}

function count(
  recorded: Map<string, number>,
  { from, to }: { from: unknown; to: unknown },
  by: number,
): number {
  const name = JSON.stringify([from, to]);
  const left = (recorded.get(name) ?? 0) + by;
  recorded.set(name, left);
  return left;
}
