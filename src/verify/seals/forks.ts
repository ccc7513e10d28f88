/**
 * Second authentic seals of a number, which only a holder of the key can make. A writer that lost a race leaves one, and
 * a later seal lists it as abandoned; one that no later seal lists is another history, shown to somebody else. At the
 * head nobody can have listed it yet. Copies of one with other lines of signatures, which anybody can make, are one seal.
 */
import type { Seal } from '../../trail/seal.ts';
import type { FindingLog } from '../findings/findings.ts';

export interface Forks {
  /** A version of such a seal. */
  add(fork: Fork): void;
  /** The next seal: what it lists is explained. */
  pass(seal: Seal): void;
  /** Once no seal comes any more. */
  report(head: number, log: FindingLog): void;
}

interface Fork {
  readonly key: string;
  readonly seal: number;
  /** SHA-256 of the file in hex. */
  readonly sha256: string;
  /** What is signed: the same in every copy. */
  readonly says: string;
}

/** The versions of one. */
interface Group {
  readonly key: string;
  readonly seal: number;
  /** Of each file, in the order in which they stand there. */
  readonly files: string[];
  /** The one that a later seal lists. */
  listed: string | null;
}

/** A few at most where nobody lies. */
const MAX_GROUPS = 10_000;

export function createForks(): Forks {
  const groups = new Map<string, Group>();
  const byFile = new Map<string, Group>();
  let more = 0;
  return {
    add({ key, seal, sha256, says }) {
      const group = groups.get(says) ?? { key, seal, files: [], listed: null };
      if (group.files.length === 0) {
        if (groups.size >= MAX_GROUPS) {
          more += 1;
          return;
        }
        groups.set(says, group);
      }
      group.files.push(sha256);
      byFile.set(sha256, group);
    },
    pass(seal) {
      if (groups.size === 0) return;
      for (const text of seal.abandoned ?? []) {
        const group = byFile.get(text);
        if (group !== undefined) group.listed ??= text;
      }
    },
    report(head, log) {
      for (const group of groups.values()) reportGroup(group, head, log);
      if (more > 0) log.add('too_many', 'seals/', `${more} more second seals of a number`);
    },
  };
}

function reportGroup({ key, seal, files, listed }: Group, head: number, log: FindingLog): void {
  if (listed === null) {
    const which = `a second seal ${seal} that the key signed (SHA-256 ${files[0]})`;
    if (seal < head) log.add('seal_forked', key, `${which}, and no later seal lists it`, { seal });
    else log.add('further_version', key, `${which}; the next seal may list it as abandoned`, { seal });
    return;
  }
  for (const file of files) {
    if (file === listed) continue;
    const message = `a copy of an abandoned seal with other bytes (SHA-256 ${file})`;
    log.add('further_version', key, message, { seal });
  }
}
