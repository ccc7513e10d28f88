/** Seals a last word at the head of a trail whose daemon is stopped: what came after `through` nobody saw. */
import type { Clock } from '../base/clock.ts';
import { type Log, silentLog } from '../base/log.ts';
import type { Policy } from '../change/policy/policy.ts';
import { createRecorder } from '../change/recorder/recorder.ts';
import type { TrailStore } from '../store/store.ts';
import type { Signer } from '../trail/note.ts';
import type { Retentions } from './build.ts';
import type { SealLimits } from './cut.ts';
import { sealCheck } from './head/oldest.ts';
import { recover } from './head/recover.ts';
import { createSealer } from './sealer.ts';

export interface EndParts {
  readonly name: string;
  readonly store: TrailStore;
  readonly signer: Signer;
  readonly policy: Policy;
  readonly limits: SealLimits;
  readonly retentions: Retentions;
  readonly classes: readonly string[];
  readonly clock: Clock;
}

/**
 * Appends a seal with one lifecycle record of this event. Resolves with its number; null where there is no trail.
 * Throws `trail_forked` where a daemon still writes, and what the store throws.
 */
export async function sealEnd(parts: EndParts, event: string, log: Log = silentLog): Promise<number | null> {
  const { name, store, signer, clock } = parts;
  const isSeal = sealCheck(name, signer.key);
  const recovered = await recover(store, isSeal, parts.classes, log);
  if (recovered === null) return null;
  const { head, abandoned } = recovered;
  const sealer = createSealer({
    ...parts,
    trail: name,
    isSeal,
    head,
    abandoned,
    log,
    progress: () => recorder.progress(),
    onSealed: () => {},
    onPressure: () => {},
  });
  const recorder = createRecorder({
    trail: name,
    policy: parts.policy,
    sink: sealer.sink,
    resume: head,
    now: clock.now,
  });
  const { incarnation, stream } = head;
  if (incarnation !== null && stream !== null) sealer.describeSource({ incarnation, stream });
  try {
    recorder.observe({ kind: 'lifecycle', event, details: { through: head.through } });
    sealer.cut('stop');
    await sealer.drain();
    return sealer.head.number;
  } finally {
    await sealer.close();
  }
}
