/** What a recorder counts, for metrics: no record depends on it. */
import type { Tier } from '../attribution/attribution.ts';
import type { Numbering } from './numbering.ts';

export interface RecorderCounters {
  /** Events delivered, replayed ones too. */
  events: number;
  /** Changes recorded, by tier. */
  readonly tiers: { [tier in Tier]: number };
  /** Changes of relations that no rule matches. */
  skipped: number;
  /** Events that an earlier run had sealed already. */
  replayed: number;
  /** Messages of ours that could not be read, or whose context or setting was none. */
  badContexts: number;
  /** Changes that had to wait for their context. */
  waited: number;
  /** Gap records: what the trail admits to miss. */
  gaps: number;
}

export function newCounters(): RecorderCounters {
  return {
    events: 0,
    tiers: { asserted: 0, session: 0, annotated: 0, connection: 0, none: 0 },
    skipped: 0,
    replayed: 0,
    badContexts: 0,
    waited: 0,
    gaps: 0,
  };
}

/** Counts an event; whether it is new. */
export function arrives(counters: RecorderCounters, numbering: Numbering): boolean {
  counters.events++;
  if (numbering.arrives()) return true;
  counters.replayed++;
  return false;
}
