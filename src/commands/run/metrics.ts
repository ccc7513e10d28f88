/** What the daemon's numbers are: pure bookkeeping from seals, recorder and source to the registry. */
import type { Metrics } from '../../base/metrics.ts';
import { complaints, type TrailHealth } from '../../capture/health.ts';
import type { Recorder } from '../../change/recorder/recorder.ts';
import type { ChangeSource } from '../../source/source.ts';
import type { Seal } from '../../trail/seal.ts';

export function countSeal(metrics: Metrics, trail: string, seal: Seal, tookMs: number): void {
  metrics.seals.inc({ trail, reason: seal.reason });
  metrics.sealedRecords.inc({ trail }, seal.count);
  for (const { bytes, plain_bytes } of seal.segments) {
    metrics.sealedBytes.inc({ trail, form: 'stored' }, bytes);
    metrics.sealedBytes.inc({ trail, form: 'plain' }, plain_bytes);
  }
  metrics.sealSeconds.observe({ trail }, tookMs / 1000);
  metrics.lastSeal.set({ trail }, Date.now() / 1000);
}

/** Counters of the recorder of the current connection, as far as they were told to the registry already. */
export interface Counted {
  recorder: Recorder | null;
  told: Record<string, number>;
}

export function countProgress(
  metrics: Metrics,
  trail: string,
  counted: Counted,
  source: ChangeSource | null,
  health: TrailHealth,
  staleAfterMs: number,
): void {
  const { recorder } = counted;
  if (recorder !== null) {
    const { tiers, skipped, badContexts, gaps } = recorder.counters;
    for (const [tier, total] of Object.entries(tiers))
      metrics.attribution.inc({ trail, tier }, risen(counted, tier, total));
    const recorded = Object.values(tiers).reduce((sum, each) => sum + each, 0);
    metrics.changes.inc({ trail, outcome: 'recorded' }, risen(counted, 'recorded', recorded));
    metrics.changes.inc({ trail, outcome: 'excluded' }, risen(counted, 'excluded', skipped));
    metrics.badContexts.inc({ trail }, risen(counted, 'bad', badContexts));
    metrics.gaps.inc({ trail }, risen(counted, 'gaps', gaps));
    metrics.waitingBytes.set({ trail }, recorder.waitingBytes());
  }
  metrics.head.set({ trail }, health.head);
  const lag = source?.lag(health.through === '' ? null : health.through).bytes;
  if (lag !== null && lag !== undefined) metrics.lagBytes.set({ trail }, lag);
  metrics.healthy.set({ trail }, complaints(health, Date.now(), staleAfterMs).length === 0 ? 1 : 0);
}

function risen(counted: Counted, name: string, total: number): number {
  const before = counted.told[name] ?? 0;
  counted.told[name] = total;
  return Math.max(0, total - before);
}
