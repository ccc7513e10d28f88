/**
 * From a cut to a durable seal: built on the head, its segments written, then the seal file, then the proof that it won
 * (write.ts, which says what a crash between these means). A store that does not answer is tried again for as long as
 * it takes, with the same bytes. It must never resolve before the seal counts.
 */
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { RowsealError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { TrailStore } from '../store/store.ts';
import type { Signer } from '../trail/note.ts';
import { type BuiltSeal, buildSeal, buildSegments, type Cut, type Retentions } from './build.ts';
import type { Head } from './head/head.ts';
import type { SealCheck } from './head/oldest.ts';
import { losersAt, writeSeal, writeSegment } from './write.ts';

export interface DurableParts {
  readonly trail: string;
  readonly store: TrailStore;
  readonly signer: Signer;
  readonly isSeal: SealCheck;
  readonly retentions: Retentions;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRetry?: (error: RowsealError) => void;
}

const MOST_SKEW_MS = 5 * 60_000;

/** What the seal stands upon. */
export interface Ground {
  readonly head: Head;
  /** What a crash or a lost race left, to be listed. */
  readonly abandoned: readonly string[];
  /** The head's name can have no second version: the store has none. */
  readonly settled: boolean;
}

export interface Durable extends BuiltSeal {
  readonly settled: boolean;
}

/** Resolves when the seal that follows `head` is durable and has won. `signal` ends what is tried again. */
export async function makeDurable(
  cut: Cut,
  { head, abandoned, settled }: Ground,
  parts: DurableParts,
  signal: AbortSignal,
): Promise<Durable> {
  const { store, log, isSeal } = parts;
  // Beside the writing of segments, which takes longer.
  const look = settled ? [] : persist(() => losersAt(store, head.number, isSeal), parts, signal);
  const losers = Promise.resolve(look);
  losers.catch(() => {});
  const segments = await buildSegments(cut, head, parts.retentions);
  for (const segment of segments.objects) await persist(() => writeSegment(store, segment), parts, signal);
  const left = [...new Set([...abandoned, ...(await losers)])];
  const built = await buildSeal(cut, head, segments, left, parts);
  const { junk, versioned } = await persist(
    () => writeSeal(store, cut.number, built.bytes, built.retainUntil, isSeal),
    parts,
    signal,
  );
  checkSkew(store);
  if (junk > 0) log.warn({ number: cut.number, junk }, 'something that is no seal of ours lies at this key');
  return { ...built, settled: !versioned };
}

/** Repeats a durable step until the store has answered; the bytes are the same each time. */
async function persist<T>(step: () => Promise<T>, parts: DurableParts, signal: AbortSignal): Promise<T> {
  const { clock, log } = parts;
  for (let attempt = 1; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof RowsealError) || !error.retryable) throw error;
      parts.onRetry?.(error);
      log.warn({ err: error, attempt }, 'the store did not take it; trying again');
      await clock.sleep(backoffMs(attempt, Math.random()), signal);
    }
  }
}

function checkSkew(store: TrailStore): void {
  const skewMs = store.skewMs();
  if (skewMs === null || Math.abs(skewMs) <= MOST_SKEW_MS) return;
  throw new RowsealError(
    'clock_skew',
    `The store's clock differs from ours by ${Math.round(skewMs / 1000)} s.`,
  );
}
