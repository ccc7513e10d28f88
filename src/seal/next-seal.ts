/**
 * What the next seal will say: its number, where its records begin, and what of the source it covers. It lies in memory
 * alone: a crash forgets it, and the next daemon reads the same off the head (recover.ts).
 */
import type { Progress } from '../change/sink.ts';
import type { SealReason } from '../trail/seal.ts';
import type { SealState } from '../trail/seal-source.ts';
import type { Cut, SealSourceFacts } from './build.ts';
import type { Head } from './head/head.ts';
import type { OpenSegment } from './segments/open-segments.ts';
import type { SegmentThread } from './segments/segment-thread.ts';

export class NextSeal {
  /** What it says of the source beside its progress. */
  facts: SealSourceFacts | null = null;
  /** Of the seal before it, which may not be durable yet. */
  #number: number;
  /** Index of its first record. */
  #first: number;
  #sealedAt: number;
  #from: string;
  #gaps: { from: string; to: string }[] = [];
  /** Repeated from seal to seal. */
  #state: SealState;

  constructor(head: Head) {
    this.#number = head.number;
    this.#first = head.size;
    this.#sealedAt = head.sealedAt === null ? 0 : Date.parse(head.sealedAt);
    this.#from = head.through;
    this.#state = head.state;
  }

  /** Its range of the source begins behind this hole. */
  gap(gap: { from: string; to: string }): void {
    this.#gaps.push(gap);
    this.#from = gap.to;
  }

  /** Cuts it, its segments under way in the thread, and goes on to the one behind it. `sealedAt` never goes back. */
  cut(
    reason: SealReason,
    progress: Progress,
    now: number,
    open: readonly OpenSegment[],
    thread: Pick<SegmentThread, 'run'>,
  ): Cut {
    this.#sealedAt = Math.max(this.#sealedAt, now);
    this.#number += 1;
    const segments = open.map(({ className, plain, count, marks }) => {
      const first = this.#first;
      this.#first += count;
      for (const mark of ['policy', 'capture'] as const) {
        const place = marks[mark];
        if (place !== undefined) this.#state = { ...this.#state, [mark]: first + place };
      }
      return { className, first, count, plainBytes: plain.length, result: thread.run(plain, first) };
    });
    for (const { result } of segments) result.catch(() => {});
    this.#first += 1; // the seal itself
    const made: Cut = {
      number: this.#number,
      reason,
      sealedAt: new Date(this.#sealedAt).toISOString(),
      segments,
      from: this.#from,
      gaps: this.#gaps,
      progress,
      facts: this.facts,
      state: this.#state,
    };
    this.#from = progress.through;
    this.#gaps = [];
    return made;
  }
}
