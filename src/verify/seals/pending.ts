/**
 * Unauthentic seals that no authentic one has followed yet. Anybody can put any number: the first are held, and of the
 * rest what must not be lost behind them.
 */
import type { Chosen } from './seals.ts';

export interface Pending {
  readonly number: number;
  readonly key: string;
  readonly chosen: Chosen;
}

export interface PendingSeals {
  readonly first: readonly Pending[];
  /** The one with the largest signed size, where it is not among the first. */
  readonly largest: Pending | null;
  readonly more: number;
  add(pending: Pending): void;
}

const MAX_PENDING = 2000;

export function createPending(): PendingSeals {
  const first: Pending[] = [];
  const rest: { largest: Pending | null; size: number; count: number } = {
    largest: null,
    size: -1,
    count: 0,
  };
  return {
    first,
    get largest() {
      return rest.largest;
    },
    get more() {
      return rest.largest === null ? rest.count : rest.count - 1;
    },
    add(pending) {
      if (first.length < MAX_PENDING) return void first.push(pending);
      rest.count += 1;
      const size = largestSize(pending);
      if (size > rest.size) [rest.largest, rest.size] = [pending, size];
    },
  };
}

/** The largest size that a key of the trail signed in any version of it; −1 without one. */
export function largestSize({ chosen }: Pending): number {
  return Math.max(-1, ...chosen.refused.kept.map(({ signedSize }) => signedSize ?? -1));
}
