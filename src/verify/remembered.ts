/**
 * A head that was kept from earlier, which the trail must still contain: the surest sight of newest seals that were
 * removed. It is the auditor's own, and must never be taken from the trail.
 */
import type { Checkpoint } from '../trail/checkpoint.ts';
import type { FindingLog } from './findings/findings.ts';
import { endsKnownKeys } from './seals/keys.ts';
import type { Link } from './seals/seals.ts';

export interface RememberedCheck {
  /** Each authentic seal. */
  pass(link: Link): void;
  /** Whether the trail contains it. */
  isGood(): boolean;
  /** Once the head is known; `first`: the first seal that was checked. */
  report(head: Link, first: number | null, log: FindingLog): void;
}

export function createRememberedCheck(remembered: Checkpoint | null): RememberedCheck {
  let seen: { readonly link: Link; readonly same: boolean } | null = null;
  return {
    pass(link) {
      const { checkpoint } = link.file;
      if (remembered === null || checkpoint.size !== remembered.size) return;
      const { root, origin } = remembered;
      seen = { link, same: checkpoint.root.equals(root) && checkpoint.origin === origin };
    },
    isGood: () => seen?.same === true,
    report(head, first, log) {
      if (remembered === null || seen?.same === true) return;
      const { size: wanted } = remembered;
      if (seen !== null) {
        const { key, number } = seen.link;
        log.add('head_mismatch', key, 'its root is not the one that you remembered', { seal: number });
        return;
      }
      // Seals that cannot be checked are no missing ones.
      if (endsKnownKeys(head.file)) return;
      const { size } = head.file.checkpoint;
      if (size < wanted) {
        const message = `you remembered ${wanted} leaves, the trail has ${size}: its newest seals are gone`;
        log.add('head_mismatch', head.key, message, { seal: head.number });
      } else if (first === 0) {
        log.add('head_mismatch', '', `no seal ends at the ${wanted} leaves that you remembered`);
      } else log.add('no_anchor', '', 'the remembered head lies before the seals that were checked');
    },
  };
}
