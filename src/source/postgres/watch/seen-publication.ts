/**
 * Whether the publication is still the one that was last seen. Where another of its name was made, from 18 on the server
 * passes over what was committed in between: a gap. Perhaps there was none; it must never be left out for that.
 */
import type { Observation } from '../../../change/change.ts';
import type { Wal } from './wal.ts';

export interface SeenPublication {
  /** Compares with the look before; `end`: where the log ends behind this one. The gap, if there may be one. */
  look(oid: string, wal: Wal, end: string | null, version: number): Observation | null;
}

export function createSeenPublication(publication: string): SeenPublication {
  /** As it was last seen, and where the log ended before that. */
  let seen: { readonly oid: string; readonly position: string } | null = null;

  return {
    look(oid, { position, unseen }, end, version) {
      const before = seen;
      if (position !== null) seen = { oid, position };
      // What is decoded where no publication of the name was fails before 18; since then its rows are passed over.
      if (version < 180_000 || end === null) return null;
      const from = before === null ? unseen : before.oid === oid ? null : before.position;
      if (from === null) return null;
      const reason = before === null ? 'publication_perhaps_recreated' : 'publication_recreated';
      return { kind: 'gap', from, to: end, reason, details: { publication }, within: true };
    },
  };
}
