/** How long to wait before the next attempt: doubling from 250 ms to 30 s, with jitter. Pure. */

const FIRST_MS = 250;
const MOST_MS = 30_000;

/** `attempt` counts failures since the last success, from 1; `random` lies in [0, 1). Between half and all of the step. */
export function backoffMs(attempt: number, random: number): number {
  const step = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(step / 2 + (random * step) / 2);
}
