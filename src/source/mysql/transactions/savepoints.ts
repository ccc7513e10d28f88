/**
 * Savepoints of one transaction. A server writes ROLLBACK TO into the binlog, and what it took back before it, where it
 * could not cut its own log (temporary tables, other engines). So what stands behind a savepoint is held back, bounded,
 * until the transaction ends; where it can't be, what was delivered and then taken back has to be told by its indexes.
 */
import type { HeldEvents } from './held.ts';

export interface Savepoints {
  begin(): void;
  /** `count`: calls so far. `holds`: what follows is held. */
  set(name: string, holds: boolean, count: number): void;
  release(name: string): void;
  /**
   * Takes back what stands behind it. `taken`: it was held, and is forgotten; else the index of the last call that
   * stands, 0 where the savepoint is not known.
   */
  rollback(name: string): { readonly taken: true } | { readonly taken: false; readonly last: number };
  /** Held event number `place` is delivered next, as call `count` + 1. */
  delivers(place: number, count: number): void;
}

interface Savepoint {
  /** How many events were held when it was set; null where it holds nothing any more. */
  held: number | null;
  /** The last call before it, where `held` is null. */
  last: number;
}

export function createSavepoints(held: HeldEvents): Savepoints {
  const byName = new Map<string, Savepoint>();
  return {
    begin: () => byName.clear(),
    set(name, holds, count) {
      byName.delete(name); // the same name again replaces it, behind all others
      byName.set(name, { held: holds ? held.count : null, last: count });
    },
    release: (name) => forgetBehind(byName, name, true),
    rollback(name) {
      const found = byName.get(name);
      if (found === undefined) {
        byName.clear();
        return { taken: false, last: 0 };
      }
      forgetBehind(byName, name, false);
      if (found.held === null) return { taken: false, last: found.last };
      held.cut(found.held);
      return { taken: true };
    },
    delivers(place, count) {
      for (const savepoint of byName.values()) {
        if (savepoint.held !== place) continue;
        savepoint.held = null;
        savepoint.last = count;
      }
    },
  };
}

function forgetBehind(byName: Map<string, Savepoint>, name: string, itself: boolean): void {
  let behind = false;
  for (const each of [...byName.keys()]) {
    if (each === name) behind = true;
    if (behind && (itself || each !== name)) byName.delete(each);
  }
}
