/**
 * What a later daemon has to know and finds in the trail alone: which tables are captured, and what the looks at the
 * server found. It says when such a record is due again. It must never write one that is ahead of the records about rows.
 */
import { STATE_EVENTS } from '../../trail/seal-source.ts';
import type { Captured } from '../captured/captured.ts';
import type { Observation } from '../change.ts';
import type { Known } from '../known.ts';
import type { Mark } from '../sink.ts';

export interface LastingParts {
  readonly captured: Captured;
  readonly known: Known;
  /** Of the configuration in force, for the record of tables. */
  readonly effective: Readonly<Record<string, unknown>>;
  /** Such a record is written again when it is so old. */
  readonly renewMs: number;
  readonly now: () => number;
}

export interface Lasting {
  /** Completes an observation that is one, and remembers when it was written. */
  keep(observation: Observation): { readonly observation: Observation; readonly mark?: Mark };
  /** What is due now. */
  due(): Observation[];
}

export function createLasting({ captured, known, effective, renewMs, now }: LastingParts): Lasting {
  let capture = known.capture?.details ?? null;
  const writtenAt: { [mark in Mark]: number } = {
    policy: Date.parse(known.policy?.time ?? '') || 0,
    capture: Date.parse(known.capture?.time ?? '') || 0,
  };
  let began = false;
  const isOld = (mark: Mark) => now() - writtenAt[mark] >= renewMs;

  return {
    keep(observation) {
      if (observation.kind !== 'lifecycle') return { observation };
      const { event, details } = observation;
      if (STATE_EVENTS.capture.has(event)) {
        capture = details;
        writtenAt.capture = now();
        return { observation, mark: 'capture' };
      }
      if (!STATE_EVENTS.policy.has(event)) return { observation };
      if (event === 'source_reincarnated') captured.forget('oids');
      began = true;
      writtenAt.policy = now();
      const complete = { ...details, captured: captured.tables() };
      return { observation: { ...observation, details: complete }, mark: 'policy' };
    },
    due() {
      // Before it has begun there is nothing to go on from.
      if (!began) return [];
      const found: Observation[] = [];
      if (captured.changed || isOld('policy'))
        found.push({ kind: 'lifecycle', event: 'tables', details: effective });
      if (capture !== null && isOld('capture'))
        found.push({ kind: 'lifecycle', event: 'capture', details: capture });
      return found;
    },
  };
}
