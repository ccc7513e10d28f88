/**
 * Second authentic seals of a number, which only a holder of the key can make. A writer that lost a race leaves one, and
 * a later seal lists it as abandoned; one that no later seal lists is another history, shown to somebody else. At the
 * head nobody can have listed it yet.
 */
import type { Seal } from '../../trail/seal.ts';
import type { FindingLog } from '../findings/findings.ts';

export interface Forks {
  /** Such a seal, by the SHA-256 of its file in hex. */
  add(fork: Fork): void;
  /** The next seal: what it lists is explained. */
  pass(seal: Seal): void;
  /** Once no seal comes any more. */
  report(head: number, log: FindingLog): void;
}

interface Fork {
  readonly key: string;
  readonly seal: number;
  readonly sha256: string;
}

/** A few at most where nobody lies. */
const MAX_OPEN = 10_000;

export function createForks(): Forks {
  const open = new Map<string, Fork>();
  let more = 0;
  return {
    add(fork) {
      if (open.size < MAX_OPEN) open.set(fork.sha256, fork);
      else more += 1;
    },
    pass(seal) {
      if (open.size === 0) return;
      for (const text of seal.abandoned ?? []) open.delete(text);
    },
    report(head, log) {
      for (const { key, seal, sha256 } of open.values()) {
        const which = `a second seal ${seal} that the key signed (SHA-256 ${sha256})`;
        if (seal < head) log.add('seal_forked', key, `${which}, and no later seal lists it`, { seal });
        else log.add('further_version', key, `${which}; the next seal may list it as abandoned`, { seal });
      }
      if (more > 0) log.add('too_many', 'seals/', `${more} more second seals of a number`);
    },
  };
}
