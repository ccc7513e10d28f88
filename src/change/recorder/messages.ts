/**
 * Messages in the stream: what the application says of who acts, what our triggers say of the session and of DDL. A
 * message that can't be read is counted and says nothing; those that aren't ours are events, and no more.
 */
import { type Attributor, type MessageTree, readMessage, UNATTRIBUTED } from '../attribution/attribution.ts';
import { isObject, textOf } from '../attribution/envelope.ts';
import type { Captured } from '../captured/captured.ts';
import { writeDdl, writeTamper } from '../record/trail-records.ts';
import type { JsonTree } from '../values/json-tree.ts';
import { arrives, type RecorderCounters } from './counters.ts';
import type { Delivery } from './delivery.ts';
import { resolve } from './holding.ts';
import type { Notes } from './notes.ts';
import type { Numbering } from './numbering.ts';
import type { OpenTransaction } from './open-transaction.ts';

export interface MessageParts {
  readonly captured: Captured;
  readonly numbering: Numbering;
  readonly attributor: Attributor;
  readonly delivery: Delivery;
  readonly notes: Notes;
  readonly counters: RecorderCounters;
}

export interface Messages {
  /** Another transaction begins. */
  begin(): void;
  message(prefix: string, content: Buffer): void;
}

export function createMessages(parts: MessageParts): Messages {
  const { captured, numbering, attributor, delivery, notes, counters } = parts;
  /** The trail was told that the transaction runs as a replica. */
  let tampered = false;

  function session(transaction: OpenTransaction, message: MessageTree, isNew: boolean): void {
    const spoken = attributor.session(message);
    if (attributor.misread()) counters.badContexts++;
    if (!spoken) return;
    if (delivery.waitingBytes > 0) {
      resolve(transaction, textOf(message['relid']), attributor.reachingBack());
      delivery.release();
    }
    const role = textOf(message['replication_role']);
    if (role === null || role === 'origin' || tampered) return;
    tampered = true;
    if (!isNew) return;
    const who = attributor.current() ?? UNATTRIBUTED;
    notes.inside(transaction, who, (out, place) =>
      writeTamper(out, place, 'session_replication_role', { replication_role: role }),
    );
  }

  function ddl(transaction: OpenTransaction, message: MessageTree): void {
    if (touchesColumns(message['targets'])) captured.blur();
    const who = attributor.ofDdl(message);
    notes.inside(transaction, who, (out, place) => writeDdl(out, place, message));
  }

  return {
    begin() {
      tampered = false;
    },
    message(prefix, content) {
      const transaction = numbering.inside();
      const isNew = arrives(counters, numbering);
      const known = prefix === 'rowseal.context' || prefix === 'rowseal.session' || prefix === 'rowseal.ddl';
      const message = known ? readMessage(content) : null;
      if (prefix === 'rowseal.context') {
        if (!attributor.asserted(message, content.length)) counters.badContexts++;
      } else if (known && message === null) counters.badContexts++;
      else if (message !== null) {
        if (prefix === 'rowseal.session') session(transaction, message, isNew);
        else if (isNew) ddl(transaction, message);
      }
      delivery.passed(transaction, numbering.index);
    },
  };
}

/** What leaves every table's columns as they are, and as they are called. */
const LEAVES_COLUMNS: ReadonlySet<string | null> = new Set(['creates', 'drops', 'empties', 'rights', 'none']);

/** Whether the statement may have: one that says nothing of its targets may have done anything. */
function touchesColumns(targets: JsonTree | undefined): boolean {
  if (!Array.isArray(targets) || targets.length === 0) return true;
  return !targets.every((target) => {
    const effects = isObject(target) ? target['effects'] : undefined;
    return Array.isArray(effects) && effects.every((word) => LEAVES_COLUMNS.has(textOf(word)));
  });
}
