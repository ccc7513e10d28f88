/**
 * How sealing keeps pace: seals that are cut and not yet durable, how long they take of late, and whether the source
 * has to wait for them. What a store that does not answer makes us hold is bounded here, and nowhere else.
 */
import type { OpenState } from './cut.ts';
import type { OpenSegments } from './segments/open-segments.ts';

/** Seals that may be cut and not yet durable before the source is asked to wait. */
const MOST_IN_FLIGHT = 2;

export class Pace {
  /** Whether an empty seal would tell the truth. */
  streaming = false;
  lastCutAt: number;
  #inFlight = 0;
  #recentSealMs = 20;
  readonly #onPressure: (full: boolean) => void;

  /** `onPressure` true: no more records, please; false: go on. */
  constructor(now: number, onPressure: (full: boolean) => void) {
    this.lastCutAt = now;
    this.#onPressure = onPressure;
  }

  cut(now: number): void {
    this.lastCutAt = now;
    this.#inFlight += 1;
    if (this.#inFlight === MOST_IN_FLIGHT) this.#onPressure(true);
  }

  /** A seal is durable. */
  sealed(tookMs: number): void {
    this.#inFlight -= 1;
    // The slowest of late, slowly forgotten: age is a promise about nearly all seals, not about the average.
    this.#recentSealMs = Math.max(tookMs, this.#recentSealMs * 0.9);
    if (this.#inFlight === MOST_IN_FLIGHT - 1) this.#onPressure(false);
  }

  /** What decides about the next cut. */
  state({ records, bytes, oldestAt }: Pick<OpenSegments, 'records' | 'bytes' | 'oldestAt'>): OpenState {
    return {
      records,
      bytes,
      oldestAt,
      lastCutAt: this.lastCutAt,
      inFlight: this.#inFlight,
      recentSealMs: this.#recentSealMs,
      streaming: this.streaming,
    };
  }
}
