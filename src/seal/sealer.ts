/**
 * The sealer: records in, durable seals out, one after another. A seal is cut between two records; cutting is
 * synchronous and cheap, the rest happens behind it: compress and hash (a thread of its own), segments, seal file,
 * proof that it won (write.ts), and only then `onSealed`, from which the source is acknowledged. Seal n+1 is never
 * written before n is durable and won. A store that does not answer is tried again for as long as it takes; what
 * waits meanwhile is bounded by `onPressure`.
 */
import { RowsealError } from '../base/errors.ts';
import type { Progress, RecordSink } from '../change/sink.ts';
import type { Seal, SealReason } from '../trail/seal.ts';
import type { Cut, SealSourceFacts } from './build.ts';
import { decideCut, type SealLimits } from './cut.ts';
import { type DurableParts, type Ground, makeDurable } from './durable.ts';
import type { Head } from './head/head.ts';
import { NextSeal } from './next-seal.ts';
import { Pace } from './pace.ts';
import { createOpenSegments } from './segments/open-segments.ts';
import { startSegmentThread } from './segments/segment-thread.ts';

export interface SealerOptions extends DurableParts {
  readonly head: Head;
  readonly abandoned: readonly string[];
  readonly limits: SealLimits;
  /** What the next seal says of its source; asked at each cut. */
  readonly progress: () => Progress;
  /** A seal is about to be cut: records that are written now are in it. */
  readonly beforeCut?: () => void;
  /** The seal is durable and counts: the source may be acknowledged up to its `through`. */
  readonly onSealed: (seal: Seal, head: Head, tookMs: number) => void;
  /** True: no more records, please. False: go on. */
  readonly onPressure: (full: boolean) => void;
}

export interface Sealer {
  /** Where the recorder writes. */
  readonly sink: RecordSink;
  /** The newest durable head. */
  readonly head: Head;
  describeSource(facts: SealSourceFacts): void;
  /** The next seal's range of the source begins behind this hole; its gap record must be with the sink. */
  gap(gap: { from: string; to: string }): void;
  /** Whether an empty seal would tell the truth. */
  setStreaming(streaming: boolean): void;
  /** Cuts now, also when nothing is open. */
  cut(reason: SealReason): void;
  /** Resolves when everything cut so far is durable. */
  drain(): Promise<void>;
  /** Rejects when sealing cannot go on; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the thread and timers; what is not durable is dropped. */
  close(): Promise<void>;
}

/** Segments of one seal. Each takes up to 1.5 KB of the seal file, which holds 1 MiB and names what was abandoned, too. */
const MOST_SEGMENTS = 400;

export function createSealer(options: SealerOptions): Sealer {
  const { clock, limits } = options;
  const thread = startSegmentThread();
  const stopping = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const next = new NextSeal(options.head);
  const pace = new Pace(clock.now(), options.onPressure);
  let ground: Ground = { head: options.head, abandoned: options.abandoned, settled: false };
  let tail: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let cutting = false;

  const open = createOpenSegments(clock.now, () => {
    if (cutting) return;
    if (open.classes >= MOST_SEGMENTS) cut('count');
    else if (open.bytes >= limits.maxBytes || open.records >= limits.maxRecords) check();
    else if (open.records === 1) check();
  });

  const check = () => {
    if (stopping.signal.aborted) return;
    const now = clock.now();
    const decision = decideCut(now, pace.state(open), limits);
    if (typeof decision === 'string') return cut(decision);
    clearTimeout(timer);
    timer = setTimeout(check, Math.max(1, decision - now));
  };

  const cut = (reason: SealReason) => {
    if (stopping.signal.aborted) return;
    cutting = true;
    options.beforeCut?.();
    cutting = false;
    const why = reason === 'idle' && open.records > 0 ? 'age' : reason;
    const made = next.cut(why, options.progress(), clock.now(), open.take(), thread);
    pace.cut(clock.now());
    // Stays rejected: behind a seal that failed nothing is written, or it would stand behind somebody else's.
    tail = tail.then(() => finish(made, pace.lastCutAt));
    tail.catch(failure.reject);
    check();
  };

  /** A crash behind `makeDurable` loses nothing: the next daemon finds the seal as its head, and goes on there. */
  const finish = async (made: Cut, cutAt: number) => {
    const { seal, head, settled } = await makeDurable(made, ground, options, stopping.signal);
    ground = { head, abandoned: [], settled };
    const tookMs = clock.now() - cutAt;
    pace.sealed(tookMs);
    options.onSealed(seal, head, tookMs);
    check();
  };

  return {
    sink: open,
    get head() {
      return ground.head;
    },
    describeSource(described) {
      next.facts = described;
    },
    gap: (gap) => next.gap(gap),
    setStreaming(on) {
      pace.streaming = on;
      check();
    },
    cut,
    drain: () => Promise.race([tail, failure.promise]),
    failed: failure.promise,
    async close() {
      stopping.abort(new RowsealError('internal', 'The sealer was closed.'));
      clearTimeout(timer);
      await thread.close();
    },
  };
}
