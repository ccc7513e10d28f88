/** Whether a trail's capture is whole and fresh, and if not, why: what /healthz, status and the metrics tell. */
import type { SealReason } from '../trail/seal.ts';

export interface TrailHealth {
  state: 'starting' | 'streaming' | 'retrying' | 'stopped' | 'failed';
  /** Number of the newest durable seal; -1 before the first. */
  head: number;
  /** Position that the newest durable seal covers. */
  through: string;
  /** When the newest seal became durable, ms since 1970; null before the first of this run. */
  sealedAt: number | null;
  /** Since when no attempt got further than to its start, ms since 1970; null while all is well. */
  failingSince: number | null;
  /** When this run began, ms since 1970. */
  readonly startedAt: number;
  /** What stopped or delays the trail, for people. */
  lastError: string | null;
  /** What the last attempt failed with; kept while the next one looks well. */
  failedWith: string | null;
  /** What the watch found wrong with the capture: tables not published, row filters, disabled triggers. */
  problems: readonly string[];
}

export function newHealth(now: number): TrailHealth {
  return {
    state: 'starting',
    head: -1,
    through: '',
    sealedAt: null,
    failingSince: null,
    startedAt: now,
    lastError: null,
    failedWith: null,
    problems: [],
  };
}

/** A seal became durable. Every attempt seals its beginning and its end: only what moved on, or stayed long, is capture. */
export function sealed(health: TrailHealth, reason: SealReason, through: string, now: number): void {
  if (reason === 'idle' || through !== health.through) health.failingSince = null;
  health.sealedAt = now;
  health.through = through;
}

/** An attempt failed, and there will be another. */
export function failing(health: TrailHealth, why: string, now: number): void {
  health.state = 'retrying';
  health.lastError = why;
  health.failingSince ??= now;
  health.failedWith = why;
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
  } else if (health.failingSince !== null && now - health.failingSince > staleAfterMs) {
    found.push(`retrying for ${Math.round((now - health.failingSince) / 1000)} s (${health.failedWith})`);
  }
  return [...found, ...health.problems];
}
