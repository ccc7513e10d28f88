/**
 * Who is behind a server thread, while it lives, by a look at the server's sessions (thread-look.ts). Only transactions
 * that committed just now are looked up, all threads in one question, at most twenty times a second. An answer that may be
 * another session's is none: better no login than a wrong one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ThreadLook, type ThreadLookParts, type ThreadOwner } from './thread-look.ts';

export interface Threads {
  /**
   * Who had this thread when a transaction of it committed: then, or at some time until `untilMs` where the log tells
   * whole seconds. A promise only where the server must be asked.
   */
  find(
    threadId: number,
    commitTimeMs: number,
    untilMs?: number,
  ): ThreadOwner | null | Promise<ThreadOwner | null>;
  /** Why nobody is found; null while that works. */
  problem(): string | null;
}

/** Older commits are not looked up: their session may have ended, and the server need not be asked in a backlog. */
const RECENT_MS = 10_000;
/** Longer than this no transaction waits for an answer. */
const PATIENCE_MS = 1000;

export function createThreads(parts: ThreadLookParts): Threads {
  const { clock } = parts;
  const look = new ThreadLook(parts);
  let looking: Promise<void> | null = null;
  /** Somebody lost patience with the look that is being taken. */
  let late = false;

  const lookOnce = async () => {
    await look.take();
    looking = null;
    late = false;
  };
  const patiently = async (asked: Promise<void>) => {
    const stop = new AbortController();
    const patience = sleep(PATIENCE_MS, true, { signal: stop.signal, ref: false }).catch(() => false);
    if (await Promise.race([asked, patience])) late = looking !== null;
    stop.abort();
  };

  return {
    find: (threadId, commitTimeMs, untilMs = commitTimeMs) => {
      const now = clock();
      if (look.problem !== null) return null;
      // How far the clocks are apart only a look tells; one of them may have been set since the last.
      if (now + look.ahead - commitTimeMs > RECENT_MS && now - look.endedAt < RECENT_MS) return null;
      const found = look.owner(threadId, commitTimeMs, untilMs);
      // A look from after the commit that does not show the thread: it is gone.
      if (found !== null || look.takenAt > untilMs || (looking === null && now < look.nextAt)) return found;
      if (late) return null;
      looking ??= lookOnce();
      return patiently(looking).then(() =>
        look.problem === null ? look.owner(threadId, commitTimeMs, untilMs) : null,
      );
    },
    problem: () => look.problem,
  };
}
