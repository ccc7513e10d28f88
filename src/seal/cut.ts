/** When a seal is cut: a pure decision over what is open and what is on its way. The sealer's timer merely obeys. */

export interface SealLimits {
  /** A record is durable at most this long after it arrived, store permitting. */
  readonly maxAgeMs: number;
  /** Plain bytes over all classes. */
  readonly maxBytes: number;
  readonly maxRecords: number;
  /** An empty seal at least this often. */
  readonly idleMs: number;
}

export interface OpenState {
  readonly records: number;
  readonly bytes: number;
  /** When the oldest open record arrived; null when nothing is open. */
  readonly oldestAt: number | null;
  /** When the last cut was made. */
  readonly lastCutAt: number;
  /** Seals cut and not yet durable. */
  readonly inFlight: number;
  /** How long the last seals took from cut to durable. */
  readonly recentSealMs: number;
  /** Whether an empty seal would tell the truth: the source is connected and streaming. */
  readonly streaming: boolean;
}

export type CutReason = 'size' | 'count' | 'age' | 'idle';

/** Seals under way beyond which only size or count cuts another one; age then waits, so that a slow store gets larger seals, not more. */
const AGE_IN_FLIGHT = 1;

/** What to cut now, or the time (ms since 1970) at which to ask again. */
export function decideCut(now: number, open: OpenState, limits: SealLimits): CutReason | number {
  if (open.bytes >= limits.maxBytes) return 'size';
  if (open.records >= limits.maxRecords) return 'count';
  if (open.oldestAt !== null) {
    const due = open.oldestAt + limits.maxAgeMs - Math.min(open.recentSealMs, limits.maxAgeMs / 2);
    if (now < due) return due;
    return open.inFlight < AGE_IN_FLIGHT ? 'age' : now + 5;
  }
  const idleDue = open.lastCutAt + limits.idleMs;
  if (now < idleDue) return idleDue;
  return open.streaming && open.inFlight === 0 ? 'idle' : now + 1000;
}
