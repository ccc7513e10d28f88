/**
 * What a segment's check tells of its transactions, compact enough to be handed between threads: runs of records with
 * consecutive indexes, and what each run's records say of their transaction. Records of one transaction must agree on
 * that; whoever compares them compares bytes, so the texts are kept in one spelling.
 */

/** Numbers per run: transaction number, first index, length, and where its text begins and ends in `texts`. */
export const RUN = 5;

export interface Runs {
  readonly table: Float64Array<ArrayBuffer>;
  /** Of each transaction `position LF id LF time`, as JSON spells strings; time is empty where a record has none. */
  readonly texts: Uint8Array<ArrayBuffer>;
}

/** What a record says of its transaction. */
export interface TransactionTexts {
  readonly position: string;
  readonly id: string;
  /** Empty for kinds of record whose time is not the transaction's. */
  readonly time: string;
}

export interface RunWriter {
  /** The record of the same transaction behind the last one; `index` is greater. */
  extend(index: number): void;
  /** A record of another transaction, or one that says something else of it. */
  begin(number: number, index: number, text: Uint8Array): void;
  /** Text of the last record. */
  last(): Uint8Array;
  finish(): Runs;
}

export const NO_RUNS: Runs = { table: new Float64Array(0), texts: new Uint8Array(0) };

export function createRuns(): RunWriter {
  let table = new Float64Array(RUN * 64);
  let end = 0;
  let texts = Buffer.alloc(4096);
  let textEnd = 0;

  const push = (number: number, index: number, textAt: number): void => {
    if (end + RUN > table.length) {
      const larger = new Float64Array(table.length * 2);
      larger.set(table);
      table = larger;
    }
    table[end] = number;
    table[end + 1] = index;
    table[end + 2] = 1;
    table[end + 3] = textAt;
    table[end + 4] = textEnd;
    end += RUN;
  };

  return {
    extend(index) {
      const at = end - RUN;
      if (index === table[at + 1]! + table[at + 2]!) table[at + 2]! += 1;
      else push(table[at]!, index, table[at + 3]!);
    },
    begin(number, index, text) {
      const textAt = textEnd;
      textEnd += text.length;
      if (textEnd > texts.length) {
        const larger = Buffer.alloc(Math.max(textEnd, texts.length * 2));
        larger.set(texts);
        texts = larger;
      }
      texts.set(text, textAt);
      push(number, index, textAt);
    },
    last: () => (end === 0 ? texts.subarray(0, 0) : texts.subarray(table[end - 2]!, table[end - 1]!)),
    finish: () => ({ table: table.slice(0, end), texts: Uint8Array.from(texts.subarray(0, textEnd)) }),
  };
}

/** The text of the run at `at`, a view. */
export function textOf({ table, texts }: Runs, at: number): Uint8Array {
  return texts.subarray(table[at + 3]!, table[at + 4]!);
}

/** In the spelling of `Runs.texts`. */
export function spell({ position, id, time }: TransactionTexts): Buffer {
  return Buffer.from(`${inJson(position)}\n${inJson(id)}\n${time}`);
}

/** Whether records with these texts may be of one transaction. */
export function agree(a: Uint8Array, b: Uint8Array): boolean {
  if (Buffer.compare(a, b) === 0) return true;
  const [x, y] = [split(a), split(b)];
  if (x[0] !== y[0] || x[1] !== y[1]) return false;
  return x[2] === y[2] || x[2] === '' || y[2] === '';
}

/** Whether these texts name one position. */
export function samePosition(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; ; i++) {
    if (a[i] !== b[i]) return false;
    if (a[i] === LF || a[i] === undefined) return true;
  }
}

/** Whether the text's position is this one. */
export function isAt(text: Uint8Array, position: string): boolean {
  return split(text)[0] === inJson(position);
}

const LF = 0x0a;

function split(text: Uint8Array): string[] {
  return Buffer.from(text.buffer, text.byteOffset, text.length).toString().split('\n');
}

/** JSON's own spelling of a string, without the quotes: it holds no control character. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
