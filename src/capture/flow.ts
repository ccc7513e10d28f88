/**
 * Back-pressure between source, recorder and sealer: the source reads only while the sealer has room and nothing
 * that may go waits in the recorder. Bounded memory (I8) hangs on this.
 */

export interface Flow {
  /** The sealer has no room (true), or room again (false). */
  pressure(full: boolean): void;
  /** Records that waited may go, but not all at once. */
  backlog(): void;
  /** The end: the source is paused and stays so, and nothing more is handed over. */
  stop(): void;
}

/** `drain` hands over a bounded piece and says whether there is more. */
export function createFlow(source: { pause(): void; resume(): void }, drain: () => boolean): Flow {
  let full = false;
  let behind = false;
  let pumping = false;
  let stopped = false;
  const pump = () => {
    if (pumping || stopped) return;
    pumping = true;
    // Each piece may raise the pressure, by cutting a seal.
    while (behind && !full) behind = drain();
    pumping = false;
    if (!behind && !full) source.resume();
  };
  return {
    pressure(now) {
      full = now;
      if (full) source.pause();
      else pump();
    },
    backlog() {
      behind = true;
      source.pause();
      // Not inside the event that brought it about.
      setImmediate(pump);
    },
    stop() {
      stopped = true;
      source.pause();
    },
  };
}
