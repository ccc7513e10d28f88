/**
 * Holds the records of one seal, over all of its segments, to the counters that the seals sign: numbers without
 * holes, no record twice, and the unfinished transaction exactly as the seals say. Pure.
 */
import type { Seal } from '../trail/seal.ts';
import type { Fault } from './findings.ts';
import type { SegmentReport } from './segment-check.ts';

/** Runs of one seal that are merged; a segment of 64 MiB has far fewer. */
export const MAX_RUNS = 4_000_000;

/** The last record of the seals so far: the records of the next seal come behind it. */
export interface Place {
  readonly number: number;
  readonly index: number;
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
  const runs = mergeRuns(reports.map((report) => report.runs));
  if (runs === null) {
    add('too_many', `more than ${MAX_RUNS} runs of records in one seal: not merged`);
    return { faults, last: last ?? { number: seal.source.transactions, index: 0 } };
  }
  const walked = walk(runs, seal, before, last, add);
  checkPartial(seal, reports, walked, add);
  return { faults, last: walked };
}

type Add = (code: Fault['code'], message: string) => void;

/** All runs in ascending order. One list needs no sorting, since its segment's check has seen to it. */
function mergeRuns(lists: readonly Float64Array[]): Float64Array | null {
  const used = lists.filter((list) => list.length > 0);
  if (used.length === 1) return used[0]!;
  const length = used.reduce((sum, list) => sum + list.length, 0);
  if (length > 3 * MAX_RUNS || length * used.length > 300_000_000) return null;
  const merged = new Float64Array(length);
  const cursors = used.map(() => 0);
  for (let at = 0; at < length; at += 3) {
    let best = -1;
    for (let i = 0; i < used.length; i++) {
      const c = cursors[i]!;
      if (c >= used[i]!.length) continue;
      if (best === -1 || isBefore(used[i]!, c, used[best]!, cursors[best]!)) best = i;
    }
    const from = cursors[best]!;
    merged.set(used[best]!.subarray(from, from + 3), at);
    cursors[best] = from + 3;
  }
  return merged;
}

function isBefore(a: Float64Array, i: number, b: Float64Array, k: number): boolean {
  return a[i]! < b[k]! || (a[i] === b[k] && a[i + 1]! < b[k + 1]!);
}

function walk(runs: Float64Array, seal: Seal, before: Seal | null, last: Place | null, add: Add): Place {
  let number = last?.number ?? Number.NaN;
  let index = last?.index ?? 0;
  const partial = before?.source.partial;
  let complained = false;
  const once = (code: Fault['code'], message: string) => {
    if (!complained) add(code, message);
    complained = true;
  };
  for (let at = 0; at < runs.length; at += 3) {
    const [nextNumber, nextIndex, length] = [runs[at]!, runs[at + 1]!, runs[at + 2]!];
    const label = `${nextNumber}:${nextIndex}`;
    if (nextNumber < number || (nextNumber === number && nextIndex <= index)) {
      once('record_order', `record ${label} is there twice, or comes behind ${number}:${index}`);
    } else if (nextNumber > number + 1) {
      once('transactions_rule', `transaction ${number + 1} has no record: the next one is ${label}`);
    }
    if (before !== null && nextNumber === before.source.transactions) {
      if (partial === undefined)
        once('transactions_rule', `record ${label} belongs to a transaction that had ended`);
      else if (nextIndex < partial.next)
        once('partial_rule', `record ${label} was sealed before, says the last seal`);
    }
    number = nextNumber;
    index = nextIndex + length - 1;
  }
  const { transactions } = seal.source;
  const end = Number.isNaN(number) ? transactions : number;
  if (end !== transactions)
    add('transactions_rule', `its last transaction is ${end}, it says ${transactions}`);
  return { number: transactions, index: end === transactions ? index : 0 };
}

/** The records of an unfinished transaction end before `next`, and bear its position. */
function checkPartial(seal: Seal, reports: readonly SegmentReport[], last: Place, add: Add): void {
  const { partial, transactions } = seal.source;
  if (partial === undefined || seal.count === 0) return;
  if (last.number === transactions && last.index >= partial.next) {
    add('partial_rule', `record ${last.number}:${last.index} is sealed, yet next is ${partial.next}`);
  }
  for (const { runs, lastPosition } of reports) {
    if (runs.length > 0 && runs[runs.length - 3] === transactions && lastPosition !== partial.position) {
      add('partial_rule', `the unfinished transaction stands at another position than its records`);
    }
  }
}

/** The records that explain the seal: genesis in the first, a gap record for each gap. */
export function recordFaults(seal: Seal, reports: readonly SegmentReport[]): Fault[] {
  const faults: Fault[] = [];
  const add = (code: Fault['code'], message: string) => faults.push({ code, message });
  if (seal.number === 0) {
    const genesis = reports[0]?.genesis;
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
  const recorded = reports.flatMap(({ gaps }) => gaps);
  for (const { from, to } of seal.gaps ?? []) {
    if (!recorded.some((gap) => gap.from === from && gap.to === to)) {
      add('gap_unrecorded', 'a gap that it names has no gap record');
    }
  }
  return faults;
}
