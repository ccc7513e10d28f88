/**
 * Events that are not delivered yet: of a prepared transaction until its verdict, and behind a savepoint until it is clear
 * that nobody rolls back to it. Copies of the events' bytes, bounded: it must never hold more than it was allowed.
 */

/** A prepared transaction, or what stands behind a savepoint. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** All prepared transactions together. */
export const MAX_ALL_HELD_BYTES = 64 * 1024 * 1024;
/** What an event costs beside its bytes. */
const EVENT_COST = 200;

export interface HeldEvents {
  /** False where it would be too much: then the event was not taken. */
  push(event: Buffer): boolean;
  /** The events in their order; they are forgotten here. */
  take(): readonly Buffer[];
  readonly bytes: number;
  readonly count: number;
  /** Forgets what was pushed behind the first `count`. */
  cut(count: number): void;
}

export function createHeldEvents(): HeldEvents {
  let events: Buffer[] = [];
  let bytes = 0;
  return {
    push(event) {
      const cost = event.length + EVENT_COST;
      if (bytes + cost > MAX_HELD_BYTES) return false;
      const copy = Buffer.allocUnsafeSlow(event.length);
      event.copy(copy);
      events.push(copy);
      bytes += cost;
      return true;
    },
    take() {
      const taken = events;
      events = [];
      bytes = 0;
      return taken;
    },
    get bytes() {
      return bytes;
    },
    get count() {
      return events.length;
    },
    cut(count) {
      for (const event of events.splice(count)) bytes -= event.length + EVENT_COST;
    },
  };
}
