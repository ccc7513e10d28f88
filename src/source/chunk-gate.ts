/**
 * Chunks of a stream on their way to whoever cuts them into messages, who may be held: what comes then is kept, in order.
 * It must never hand over a chunk before an earlier one is used up, nor keep memory that its caller has back.
 */
export interface ChunkGate {
  /** Looked at between messages: nothing more may be handed over. */
  readonly held: boolean;
  /** When it returns the chunk is the caller's again. */
  push(chunk: Buffer): void;
  hold(): void;
  /** Goes on with what was kept. */
  release(): void;
}

/** `consume` takes a chunk up to its end or until held, and returns what is left. */
export function createChunkGate(consume: (chunk: Buffer) => Buffer | null): ChunkGate {
  let running = false;
  let kept: Buffer[] = [];

  const run = () => {
    if (running) return;
    running = true;
    try {
      while (!gate.held && kept.length > 0) {
        const chunks = kept;
        kept = [];
        while (chunks.length > 0 && !gate.held) {
          const left = consume(chunks.shift() as Buffer);
          if (left !== null) chunks.unshift(left);
        }
        kept = chunks.concat(kept);
      }
    } finally {
      running = false;
    }
  };

  const gate = {
    held: false,
    push(chunk: Buffer) {
      if (gate.held || running || kept.length > 0) {
        kept.push(Buffer.from(chunk));
        return run();
      }
      running = true;
      try {
        const left = consume(chunk);
        if (left !== null) kept.push(Buffer.from(left));
      } finally {
        running = false;
      }
      run();
    },
    hold() {
      gate.held = true;
    },
    release() {
      gate.held = false;
      run();
    },
  };
  return gate;
}
