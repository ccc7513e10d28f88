/**
 * How long a trail waits while another connection has what one alone may have: another daemon's, or the last one of a
 * daemon that died, which the server has not noticed yet. The first does not go away, the second does, in a bounded time.
 * Pure.
 */
import type { ErrorCode } from '../base/errors.ts';

const HELD: ReadonlySet<ErrorCode> = new Set(['slot_in_use', 'server_id_in_use']);

export interface Patience {
  /**
   * An attempt that began at `began` failed with this code. What is left to wait, milliseconds: 0 or less, and it is over;
   * null where nobody holds it. Two who end each other's streams use it up too: a stream counts only if it lasted.
   */
  left(code: ErrorCode, began: number, now: number): number | null;
}

export function createPatience(patienceMs: number): Patience {
  let heldSince: number | null = null;
  return {
    left(code, began, now) {
      // The other sealed in between: he is still there.
      if (code === 'trail_moved_on' && heldSince !== null) return Math.max(1, heldSince + patienceMs - now);
      if (!HELD.has(code)) heldSince = null;
      else if (now - began > patienceMs) heldSince = now;
      else heldSince ??= began;
      return heldSince === null ? null : heldSince + patienceMs - now;
    },
  };
}
