/**
 * How long tests wait: not by the clock, but by the machine's idle time. A wait is given up when the machine could have
 * done the work and did not: on an idle one soon, on a busy one, where nobody's patience is used up, late or never. So no
 * load makes a good run fail; what hangs all the same ends by the backstop in vitest.config.ts.
 *
 * Idle time is a share of all cores: with one of two busy, a second of the clock is half a second of patience.
 */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Enough for whatever an idle machine does at all. */
const IDLE_MS = 20_000;
/** Asking costs; and while this process itself does not get its turn, at most this much is used up. */
const LOOK_MS = 250;

/**
 * Resolves when the condition holds. Rejects with what it throws, or when the machine has been idle for so long meanwhile;
 * `what` tells in the error what was waited for.
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  idleMs = IDLE_MS,
  everyMs = 20,
  what: string | (() => string) = String(holds),
): Promise<void> {
  let waiting = true;
  const look = async () => {
    while (waiting && !(await holds())) await sleep(everyMs);
  };
  await withPatience(look(), what, idleMs).finally(() => {
    waiting = false;
  });
}

/** Resolves when `check` does not throw at what `read` gives; gives up with the last thing that was thrown. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  check: (value: T) => void,
  idleMs = IDLE_MS,
): Promise<void> {
  await persist(async () => check(await read()), idleMs, 50);
}

/** The outcome of the first attempt that does not fail; gives up with the last one's failure. */
export async function persist<T>(attempt: () => Promise<T>, idleMs = IDLE_MS, everyMs = 100): Promise<T> {
  const patience = createPatience(idleMs);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (patience.isOver()) throw error;
    }
    await sleep(everyMs);
  }
}

/** The promise's outcome, or an error when the machine has been idle for so long and there is none. */
export async function withPatience<T>(
  promise: Promise<T>,
  what: string | (() => string),
  idleMs = IDLE_MS,
): Promise<T> {
  const began = performance.now();
  const patience = createPatience(idleMs);
  const tired = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    if (!patience.isOver()) return;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    tired.reject(
      new Error(
        `waited ${seconds} s, ${idleMs} ms of them idle, in vain for ${typeof what === 'string' ? what : what()}`,
      ),
    );
  }, LOOK_MS);
  try {
    return await Promise.race([promise, tired.promise]);
  } finally {
    clearInterval(timer);
  }
}

/** Asked each `LOOK_MS` or so, it is over when the machine was idle for `idleMs` since. */
export function createPatience(idleMs: number, idleNow = idleShare): { isOver(): boolean } {
  let last = idleNow();
  let used = 0;
  return {
    isOver: () => {
      const now = idleNow();
      used += Math.min(now - last, 2 * LOOK_MS);
      last = now;
      return used >= idleMs;
    },
  };
}

/** Milliseconds that a core of this machine was idle since it started, on average; the clock's where nobody counts them. */
function idleShare(): number {
  const cores = os.cpus();
  if (cores.length === 0) return performance.now();
  return cores.reduce((sum, { times }) => sum + times.idle, 0) / cores.length;
}
