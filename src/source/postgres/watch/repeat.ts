/** A task that runs again and again in the background, never twice at once. */

/** Until it fails; `soon` brings the next run forward. */
export function repeat(task: () => Promise<void>, everyMs: number, onError: (error: unknown) => void) {
  let timer: NodeJS.Timeout | null = null;
  let dueAt = Number.POSITIVE_INFINITY;
  let running = false;
  let stopped = false;
  /** Only ever brings the next run forward. */
  const plan = (ms: number) => {
    const at = performance.now() + ms;
    if (stopped || running || at >= dueAt) return;
    if (timer !== null) clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(run, ms);
  };
  const run = async () => {
    running = true;
    dueAt = Number.POSITIVE_INFINITY;
    try {
      await task();
    } catch (error) {
      if (!stopped) onError(error);
      stopped = true;
    }
    running = false;
    plan(everyMs);
  };
  plan(everyMs);
  return {
    soon: () => plan(Math.min(500, everyMs)),
    stop: () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
