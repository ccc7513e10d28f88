/**
 * The sealer: records in, durable seals out, one after another. A seal is cut between two records; cutting is
 * synchronous and cheap, the rest happens behind it: compress and hash (a thread of its own), segments, seal file,
 * proof that it won (write.ts), and only then `onSealed`, from which the source is acknowledged. Seal n+1 is never
 * written before n is durable and won. A store that does not answer is tried again for as long as it takes; what
 * waits meanwhile is bounded by `onPressure`.
 */
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { RowsealError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Progress, RecordSink } from '../change/sink.ts';
import type { TrailStore } from '../store/store.ts';
import type { Signer } from '../trail/note.ts';
import type { Seal, SealReason } from '../trail/seal.ts';
import { buildSeal, type Cut, type Retentions, type SealSourceFacts } from './build.ts';
import { decideCut, type SealLimits } from './cut.ts';
import type { Head } from './head.ts';
import type { SealCheck } from './oldest.ts';
import { createOpenSegments } from './open-segments.ts';
import { startSegmentThread } from './segment-thread.ts';
import { writeSeal, writeSegment } from './write.ts';

export interface SealerOptions {
  readonly trail: string;
  readonly store: TrailStore;
  readonly signer: Signer;
  readonly isSeal: SealCheck;
  readonly head: Head;
  readonly abandoned: readonly string[];
  readonly limits: SealLimits;
  readonly retentions: Retentions;
  readonly clock: Clock;
  readonly log: Log;
  /** What the next seal says of its source; asked at each cut. */
  readonly progress: () => Progress;
  /** The seal is durable and counts: the source may be acknowledged up to its `through`. */
  readonly onSealed: (seal: Seal, head: Head, tookMs: number) => void;
  /** True: no more records, please. False: go on. */
  readonly onPressure: (full: boolean) => void;
  readonly onRetry?: (error: RowsealError) => void;
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

/** Seals that may be cut and not yet durable before the source is asked to wait. */
const MOST_IN_FLIGHT = 2;
const MOST_SKEW_MS = 5 * 60_000;
/** Segments of one seal. Each takes up to 1.5 KB of the seal file, which holds 1 MiB and names what was abandoned, too. */
const MOST_SEGMENTS = 400;

export function createSealer(options: SealerOptions): Sealer {
  const { clock, limits, log, store } = options;
  const thread = startSegmentThread();
  const stopping = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  let head = options.head;
  let size = head.size;
  let from = head.through;
  let gaps: { from: string; to: string }[] = [];
  let abandoned = [...options.abandoned];
  let facts: SealSourceFacts | null = null;
  let streaming = false;
  let inFlight = 0;
  let lastCutAt = clock.now();
  let recentSealMs = 20;
  let sealedAt = head.sealedAt === null ? 0 : Date.parse(head.sealedAt);
  let number = head.number;
  let tail: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const open = createOpenSegments(clock.now, () => {
    if (open.classes >= MOST_SEGMENTS) cut('count');
    else if (open.bytes >= limits.maxBytes || open.records >= limits.maxRecords) check();
    else if (open.records === 1) check();
  });

  const check = () => {
    if (stopping.signal.aborted) return;
    const now = clock.now();
    const { records, bytes, oldestAt } = open;
    const state = { records, bytes, oldestAt, lastCutAt, inFlight, recentSealMs, streaming };
    const decision = decideCut(now, state, limits);
    if (typeof decision === 'string') return cut(decision);
    clearTimeout(timer);
    timer = setTimeout(check, Math.max(1, decision - now));
  };

  const cut = (reason: SealReason) => {
    if (stopping.signal.aborted) return;
    const progress = options.progress();
    sealedAt = Math.max(sealedAt, clock.now());
    number += 1;
    const segments = open.take().map(({ className, plain, count }) => {
      const first = size;
      size += count;
      return { className, first, count, plainBytes: plain.length, result: thread.run(plain, first) };
    });
    for (const { result } of segments) result.catch(() => {});
    size += 1;
    const made: Cut = {
      number,
      reason,
      sealedAt: new Date(sealedAt).toISOString(),
      segments,
      from,
      gaps,
      progress,
      facts,
    };
    from = progress.through;
    gaps = [];
    lastCutAt = clock.now();
    inFlight += 1;
    if (inFlight === MOST_IN_FLIGHT) options.onPressure(true);
    // Stays rejected: behind a seal that failed nothing is written, or it would stand behind somebody else's.
    tail = tail.then(() => finish(made, lastCutAt));
    tail.catch(failure.reject);
    check();
  };

  const finish = async (made: Cut, cutAt: number) => {
    const built = await buildSeal(made, head, abandoned, options);
    for (const segment of built.segments) await persist(() => writeSegment(store, segment));
    const { junk } = await persist(() =>
      writeSeal(store, made.number, built.bytes, built.retainUntil, options.isSeal),
    );
    checkSkew();
    if (junk > 0)
      log.warn({ number: made.number, junk }, 'something that is no seal of ours lies at this key');
    head = built.head;
    abandoned = [];
    inFlight -= 1;
    const tookMs = clock.now() - cutAt;
    // The slowest of late, slowly forgotten: age is a promise about nearly all seals, not about the average.
    recentSealMs = Math.max(tookMs, recentSealMs * 0.9);
    if (inFlight === MOST_IN_FLIGHT - 1) options.onPressure(false);
    options.onSealed(built.seal, head, tookMs);
    check();
  };

  /** Repeats a durable step until the store has answered; the bytes are the same each time. */
  const persist = async <T>(step: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof RowsealError) || !error.retryable) throw error;
        options.onRetry?.(error);
        log.warn({ err: error, attempt }, 'the store did not take it; trying again');
        await clock.sleep(backoffMs(attempt, Math.random()), stopping.signal);
      }
    }
  };

  const checkSkew = () => {
    const skewMs = store.skewMs();
    if (skewMs === null || Math.abs(skewMs) <= MOST_SKEW_MS) return;
    throw new RowsealError(
      'clock_skew',
      `The store's clock differs from ours by ${Math.round(skewMs / 1000)} s.`,
    );
  };

  return {
    sink: open,
    get head() {
      return head;
    },
    describeSource(described) {
      facts = described;
    },
    gap(gap) {
      gaps.push(gap);
      from = gap.to;
    },
    setStreaming(on) {
      streaming = on;
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
