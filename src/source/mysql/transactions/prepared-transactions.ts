/**
 * Where the events of XA transactions lie until their verdict: of the one that is open, and of those behind their XA
 * PREPARE, by XID. In memory, and behind its bounds in spools, the largest first. It must never lose an event of one:
 * what fits nowhere stops the source (`prepared_transaction_too_large`).
 */
import { RowsealError } from '../../../base/errors.ts';
import { type HeldEvents, MAX_ALL_HELD_BYTES } from './held.ts';
import type { Overflow, Overflowed } from './overflow.ts';

export interface Prepared {
  events: readonly Buffer[];
  /** Of memory. */
  bytes: number;
  /** Where they all are, when memory does not hold them. */
  overflowed: Overflowed | null;
  readonly threadId: number | null;
  /** When it was prepared: a verdict may come days later, when another session has that number. */
  readonly at: string;
}

export interface PreparedTransactions {
  /** Another event of the open one; `xid` is for the error, null where it is not known yet. */
  hold(event: Buffer, xid: string | null): void;
  /** What was held of the open one. It is the caller's: it must be added or dropped. */
  takeOpen(threadId: number | null, at: string): Prepared;
  /** What was held of the open one is not needed. */
  forgetOpen(): void;
  /** Held until `take`. The same XID again replaces what is there. */
  add(xid: string, prepared: Prepared): void;
  /** It is the caller's: it must be dropped when its events were read, or are not needed. */
  take(xid: string): Prepared | null;
}

/** `overflow` null: what memory does not hold stops. */
export function createPreparedTransactions(
  held: HeldEvents,
  overflow: Overflow | null,
): PreparedTransactions {
  const byXid = new Map<string, Prepared>();
  /** Of memory, all of `byXid`. */
  let bytes = 0;
  /** Where the open one is held, when memory does not hold it. */
  let overflowed: Overflowed | null = null;

  /** The largest make room for the others. */
  const makeRoom = (): void => {
    while (bytes > MAX_ALL_HELD_BYTES) {
      const [xid, largest] = [...byXid].reduce((one, other) => (other[1].bytes > one[1].bytes ? other : one));
      largest.overflowed = spooled(overflow, largest.events, xid);
      bytes -= largest.bytes;
      largest.bytes = 0;
      largest.events = [];
    }
  };
  const take = (xid: string): Prepared | null => {
    const found = byXid.get(xid) ?? null;
    if (byXid.delete(xid)) bytes -= found?.bytes ?? 0;
    return found;
  };

  return {
    hold(event, xid) {
      if (overflowed === null && held.push(event)) return;
      overflowed ??= spooled(overflow, held.take(), xid);
      append(overflowed, event, xid);
    },
    takeOpen(threadId, at) {
      const prepared = { bytes: held.bytes, events: held.take(), overflowed, threadId, at };
      overflowed = null;
      return prepared;
    },
    forgetOpen() {
      held.take();
      overflowed?.close();
      overflowed = null;
    },
    add(xid, prepared) {
      drop(take(xid));
      byXid.set(xid, prepared);
      bytes += prepared.bytes;
      makeRoom();
    },
    take,
  };
}

export function drop(prepared: Prepared | null): void {
  prepared?.overflowed?.close();
}

function spooled(overflow: Overflow | null, events: readonly Buffer[], xid: string | null): Overflowed {
  const made = overflow?.open() ?? null;
  if (made === null) throw tooLarge(xid, 'there are too many of them');
  for (const event of events) append(made, event, xid);
  return made;
}

function append(to: Overflowed, event: Buffer, xid: string | null): void {
  if (!to.push(event)) throw tooLarge(xid);
}

function tooLarge(xid: string | null, why = 'they need more than spool.max_bytes'): RowsealError {
  const text = `XA transactions that wait for their verdict fit neither memory nor the spool: ${why}`;
  return new RowsealError('prepared_transaction_too_large', text, { details: { xid } });
}
