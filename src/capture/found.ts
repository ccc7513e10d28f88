/**
 * The head of a trail as its store has it, and what the trail knew: where a connection begins. The trail is the only state
 * (I5), so nothing of an earlier connection is asked.
 */
import { RowsealError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Known } from '../change/known.ts';
import { emptyHead, type Head } from '../seal/head/head.ts';
import { type SealCheck, sealCheck } from '../seal/head/oldest.ts';
import { recover, strays } from '../seal/head/recover.ts';
import { readState } from '../seal/head/state-records.ts';
import type { ChangeSource } from '../source/source.ts';
import type { TrailReader } from '../store/store.ts';
import type { Signer } from '../trail/note.ts';
import type { TrailHealth } from './health.ts';

interface FindParts {
  readonly name: string;
  readonly store: TrailReader;
  readonly signer: Signer;
  readonly classes: readonly string[];
  readonly log: Log;
  readonly health: TrailHealth;
}

export interface Found {
  readonly isNew: boolean;
  readonly head: Head;
  /** Segments that no seal names. */
  readonly abandoned: readonly string[];
  readonly isSeal: SealCheck;
  /** What the records say that the head points at. */
  readonly known: Known;
}

export async function findHead(parts: FindParts, source: ChangeSource): Promise<Found> {
  const { store, health } = parts;
  const isSeal = sealCheck(parts.name, parts.signer.key);
  const recovered = await recover(store, isSeal, parts.classes, parts.log);
  const head = recovered?.head ?? emptyHead(source.origin);
  refuseOtherStream(head, source);
  Object.assign(health, { head: head.number, through: head.through });
  const abandoned = recovered?.abandoned ?? (await strays(store, null, parts.classes));
  const known = await readState({ store, isSeal }, head, parts.log);
  return { isNew: recovered === null, head, abandoned, isSeal, known };
}

/** Indexes inside a transaction that was cut in two mean the same only with the same plugin and publication. */
function refuseOtherStream({ partial, stream }: Head, source: ChangeSource): void {
  if (partial === null || stream === null || stream === source.streamId) return;
  throw new RowsealError(
    'source_changed',
    `The last seal ends inside a transaction that was read as ${stream}; the configuration says ${source.streamId}.`,
    { hint: 'Run with the former plugin and publication until a seal without partial, then change them.' },
  );
}
