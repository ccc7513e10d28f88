/**
 * Checkpoints signed by a key of the trail, found where the seal that they belong to may not be: each claims that the tree
 * had so many leaves. They are judged at the end, when the head is known and was looked for once more.
 */
import type { FindingLog } from '../findings/findings.ts';
import type { Growth } from '../seals/growth.ts';

export interface Claim {
  readonly key: string;
  /** By its name; null where it has no such name. */
  readonly seal: number | null;
  /** Leaves of the tree. */
  readonly size: number;
}

export interface Claims {
  add(claim: Claim): void;
  /** A finding for each that the trail does not reach. */
  report(growth: Growth, log: FindingLog): Promise<void>;
}

/** Of any number, the largest. */
const KEPT = 16;

export function createClaims(): Claims {
  const kept: Claim[] = [];
  return {
    add(claim) {
      if (kept.length === KEPT && claim.size <= kept[KEPT - 1]!.size) return;
      kept.push(claim);
      kept.sort((a, b) => b.size - a.size);
      kept.length = Math.min(kept.length, KEPT);
    },
    async report(growth, log) {
      for (const { key, seal, size } of kept) {
        if ((await growth.reaches(size)) !== 'no') continue;
        const message = `it holds a checkpoint of ${size} leaves that a key of the trail signed, the trail has ${growth.size()}`;
        log.add('head_behind', key, message, seal === null ? {} : { seal });
      }
    },
  };
}
