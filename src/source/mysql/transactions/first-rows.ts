/**
 * The rows at the start of a statement whose triggers will write our table: held until ours spoke, which stands behind the
 * first row of its statement (it is an AFTER trigger), but is of that row too. They must never get the word of the
 * statement before, nor be held beyond their own.
 */
import { HEADER_BYTES } from '../events/events.ts';
import { tableIdOf } from '../events/table-map.ts';

/** Rows events: inflated, without their checksum. */
export interface FirstRows {
  /** Another transaction begins: whatever is held is forgotten. */
  begin(): void;
  /** A table of the statement at hand; `isOurs`: our trigger will speak, if it did not yet. */
  table(body: Buffer, isOurs: boolean): void;
  /** Rows of our table: our trigger spoke. */
  ours(event: Buffer): void;
  theirs(event: Buffer): void;
  /** A rows event says that its statement ended. False where that is not sure yet. */
  statementEnded(): boolean;
  /** The statement ended: nothing of it may be held any more. */
  endStatement(): void;
}

export interface FirstRowsParts {
  readonly deliver: (event: Buffer) => void;
  /** The statement whose rows were held ended unseen, and what comes is of another. */
  readonly onOtherStatement: () => void;
}

/** What other triggers of the first row may write before ours speaks; behind that, the rows go without. */
const MAX_FIRST_BYTES = 1024 * 1024;

export function createFirstRows({ deliver, onOtherStatement }: FirstRowsParts): FirstRows {
  /** The statement has our table among its tables, so that our trigger will speak; it has not yet. */
  let expecting = false;
  let first: Buffer[] = [];
  let firstBytes = 0;
  const firstTables = new Set<number>();
  /**
   * The statement of `first` seems to have ended. With the general log on, servers log what our trigger runs as a statement
   * of its own, inside of it: its tables come `again`, and our row before any other.
   */
  let ended = false;
  let again = false;

  const forget = (): void => {
    first = [];
    firstBytes = 0;
    firstTables.clear();
    ended = false;
    again = false;
  };
  const deliverFirst = (): void => {
    if (first.length === 0) return; // as nearly always: then there is nothing to forget either
    const events = first;
    forget();
    for (const event of events) deliver(event);
  };
  const endStatement = (): void => {
    deliverFirst();
    expecting = false;
  };

  return {
    begin() {
      forget();
      expecting = false;
    },
    table(body, isOurs) {
      expecting ||= isOurs;
      again ||= ended && firstTables.has(tableIdOf(body));
    },
    ours(event) {
      if (ended && !again) deliverFirst();
      deliver(event);
      endStatement();
    },
    theirs(event) {
      if (ended) {
        deliverFirst();
        onOtherStatement();
      }
      if (expecting && firstBytes + event.length <= MAX_FIRST_BYTES) {
        first.push(Buffer.from(event));
        firstBytes += event.length;
        firstTables.add(tableIdOf(event.subarray(HEADER_BYTES)));
        return;
      }
      endStatement();
      deliver(event);
    },
    statementEnded() {
      if (first.length === 0) return true;
      ended = true;
      expecting = false;
      return false;
    },
    endStatement,
  };
}
