/** Whether a trail's capture is whole and fresh, and if not, why: what /healthz, status and the metrics tell. */

export interface TrailHealth {
  state: 'starting' | 'streaming' | 'retrying' | 'stopped' | 'failed';
  /** Number of the newest durable seal; -1 before the first. */
  head: number;
  /** Position that the newest durable seal covers. */
  through: string;
  /** When the newest seal became durable, ms since 1970; null before the first of this run. */
  sealedAt: number | null;
  /** When this run began, ms since 1970. */
  readonly startedAt: number;
  /** What stopped or delays the trail, for people. */
  lastError: string | null;
  /** What the watch found wrong with the capture: tables not published, row filters, disabled triggers. */
  problems: readonly string[];
}

export function newHealth(now: number): TrailHealth {
  return {
    state: 'starting',
    head: -1,
    through: '',
    sealedAt: null,
    startedAt: now,
    lastError: null,
    problems: [],
  };
}

/** Why this trail is not healthy; empty when it is. `staleAfterMs` bounds the age of the newest seal. */
export function complaints(health: TrailHealth, now: number, staleAfterMs: number): string[] {
  const found: string[] = [];
  if (health.state === 'failed' || health.state === 'stopped')
    found.push(`${health.state}: ${health.lastError ?? 'no reason given'}`);
  const sealedAgoMs = now - (health.sealedAt ?? health.startedAt);
  if (sealedAgoMs > staleAfterMs) {
    const because = health.lastError === null ? '' : ` (${health.lastError})`;
    found.push(`stale: nothing was sealed for ${Math.round(sealedAgoMs / 1000)} s${because}`);
  }
  return [...found, ...health.problems];
}
