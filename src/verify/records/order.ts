/**
 * Holds the records of one segment to the order of their transactions, and those of one transaction to each other:
 * one id, one position, one time; and neighbours have two positions. What other segments hold is for transactions.ts.
 */

import type { Fault } from '../findings/findings.ts';
import { sameBytes } from './bytes.ts';
import { scanned } from './record-scan.ts';
import { agree, createRuns, type RunWriter, samePosition, spell, type TransactionTexts } from './runs.ts';

export interface Order {
  readonly runs: RunWriter;
  /** A record; what is wrong with its place, or null. */
  place(number: number, index: number, texts: TransactionTexts): Fault | null;
  /** The record that the scan has just found sound in `plain`. */
  placeScanned(plain: Buffer): Fault | null;
}

export function createOrder(): Order {
  const runs = createRuns();
  let number = 0;
  let index = 0;
  /** Where the last record's texts are in the plain bytes: position, id, time. All 0: they are elsewhere. */
  const spans = new Int32Array(6);
  /** Of the last record, as `scanned` has it: whatever has the same one has the same texts. */
  let shape: object | null = null;

  const put = (nextNumber: number, nextIndex: number, text: Uint8Array): Fault | null => {
    const before = `${number}:${index}`;
    if (nextNumber < number || (nextNumber === number && nextIndex <= index)) {
      const message = `record ${nextNumber}:${nextIndex} stands behind ${before} in its class`;
      return { code: 'record_order', message };
    }
    const last = runs.last();
    const fault =
      number === 0 ? null : transactionFault({ number, text: last }, { number: nextNumber, text });
    if (nextNumber === number && Buffer.compare(last, text) === 0) runs.extend(nextIndex);
    else runs.begin(nextNumber, nextIndex, text);
    number = nextNumber;
    index = nextIndex;
    return fault;
  };

  return {
    runs,
    place(nextNumber, nextIndex, texts) {
      spans.fill(0);
      shape = null;
      return put(nextNumber, nextIndex, spell(texts));
    },
    placeScanned(plain) {
      const known = shape !== null && scanned.shape === shape;
      if (scanned.number === number && scanned.index > index && (known || sameSpans(plain, spans))) {
        shape = scanned.shape;
        index = scanned.index;
        runs.extend(index);
        return null;
      }
      const fault = put(scanned.number, scanned.index, textAt(plain));
      spans[0] = scanned.positionAt;
      spans[1] = scanned.positionEnd;
      spans[2] = scanned.idAt;
      spans[3] = scanned.idEnd;
      spans[4] = scanned.timeAt;
      spans[5] = scanned.timeEnd;
      const isLast = fault?.code !== 'record_order';
      if (!isLast) spans.fill(0);
      shape = isLast ? scanned.shape : null;
      return fault;
    },
  };
}

export interface Placed {
  readonly number: number;
  readonly text: Uint8Array;
}

/** What two records, one behind the other, may not say of their transactions. */
export function transactionFault(before: Placed, next: Placed): Fault | null {
  const { number } = next;
  if (number === before.number) {
    if (agree(before.text, next.text)) return null;
    const message = `the records of transaction ${number} differ in its id, position or time`;
    return { code: 'record_transaction', message };
  }
  if (number !== before.number + 1 || !samePosition(before.text, next.text)) return null;
  const message = `transactions ${before.number} and ${number} have one position`;
  return { code: 'record_transaction', message };
}

function sameSpans(b: Buffer, spans: Int32Array): boolean {
  return (
    spans[1]! > 0 &&
    sameBytes(b, spans[0]!, spans[1]!, scanned.positionAt, scanned.positionEnd) &&
    sameBytes(b, spans[2]!, spans[3]!, scanned.idAt, scanned.idEnd) &&
    sameBytes(b, spans[4]!, spans[5]!, scanned.timeAt, scanned.timeEnd)
  );
}

/** As `spell`, from the raw bytes: they are in its spelling unless they hold an escape. */
function textAt(b: Buffer): Uint8Array {
  const position = b.subarray(scanned.positionAt, scanned.positionEnd);
  const id = b.subarray(scanned.idAt, scanned.idEnd);
  const time = b.subarray(scanned.timeAt, scanned.timeEnd);
  if (position.includes(BACKSLASH) || id.includes(BACKSLASH)) {
    return spell({ position: decode(position), id: decode(id), time: time.toString() });
  }
  const text = Buffer.allocUnsafe(position.length + id.length + time.length + 2);
  text.set(position, 0);
  text[position.length] = LF;
  text.set(id, position.length + 1);
  text[position.length + 1 + id.length] = LF;
  text.set(time, position.length + id.length + 2);
  return text;
}

const BACKSLASH = 0x5c;
const LF = 0x0a;

function decode(raw: Uint8Array): string {
  return JSON.parse(`"${Buffer.from(raw).toString()}"`) as string;
}
