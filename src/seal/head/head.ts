/**
 * The head: everything that is needed to write the next seal, derived from the newest seal alone (invariant I5).
 * Pure: recover.ts reads one from the store, the sealer advances it seal by seal.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Progress } from '../../change/sink.ts';
import { type Range, rootOf } from '../../trail/merkle.ts';
import { isOfLaterLevel, KNOWN_LEVEL, rangeThrough, type SealFile, sealLevel } from '../../trail/seal.ts';
import type { SealState } from '../../trail/seal-source.ts';

export interface Head extends Progress {
  /** Number of the newest seal; -1 before the first. */
  readonly number: number;
  /** SHA-256 of the whole newest seal file in base64; null before the first. */
  readonly previous: string | null;
  /** Leaves in the tree: the index of the next record. */
  readonly size: number;
  /** Compact range of [0, size). */
  readonly range: Range;
  readonly sealedAt: string | null;
  /** Until when the newest seal is kept: no later seal is kept shorter. Null before the first. */
  readonly retainUntil: string | null;
  /** Which server `through` belongs to, and what decides which events it delivers; null before the first. */
  readonly incarnation: string | null;
  readonly stream: string | null;
  /** Where the records stand that say what was known. */
  readonly state: SealState;
}

/** Before the first seal; `origin` is the source's position before all others. */
export function emptyHead(origin: string): Head {
  return {
    number: -1,
    previous: null,
    size: 0,
    range: [],
    sealedAt: null,
    retainUntil: null,
    through: origin,
    transactions: 0,
    partial: null,
    incarnation: null,
    stream: null,
    state: {},
  };
}

/**
 * The head that a seal file leaves behind. Throws `trail_invalid` where its own ranges do not give the root that it
 * signs, and where a later version wrote it, whose rules we would break by going on.
 */
export function headAfter({ seal, leaf, checkpoint, digest }: SealFile): Head {
  if (isOfLaterLevel(seal)) {
    throw new RowsealError(
      'trail_invalid',
      `Seal ${seal.number} was written by a later version (level ${seal.source.level}; this one writes ${KNOWN_LEVEL}).`,
      { hint: 'Nothing is wrong with the trail: go on with the version that wrote it, or a later one.' },
    );
  }
  const range = rangeThrough(seal, leaf);
  const size = seal.first + seal.count + 1;
  if (size !== checkpoint.size || !rootOf(range).equals(checkpoint.root)) {
    throw new RowsealError('trail_invalid', `Seal ${seal.number} does not hash to the root that it signs.`);
  }
  const { source } = seal;
  return {
    number: seal.number,
    previous: digest,
    size,
    range,
    sealedAt: seal.sealed_at,
    retainUntil: seal.retain_until,
    through: source.through,
    transactions: source.transactions,
    partial: source.partial ?? null,
    incarnation: source.incarnation ?? null,
    stream: source.stream ?? null,
    state: sealLevel(seal) === 1 ? {} : (source.state ?? {}),
  };
}
