/** Seals of a hand-made trail, one after another, as drafts: it counts the leaves, so that a record can name another. */
import type { Signer } from '../../../src/trail/note.ts';
import type { Loose, SealDraft } from '../trail-builder.ts';
import { line } from './records.ts';
import { rawFrame } from './throwaway.ts';

export type Records = Readonly<Record<string, readonly Loose[]>>;

export interface DraftList {
  /** Puts a seal; returns the leaf of each class's first record. */
  put(records: Records, source: Loose, more: SealWords): Readonly<Record<string, number>>;
  readonly drafts: readonly SealDraft[];
}

export interface SealWords {
  readonly reason: string;
  readonly signer: Signer;
  readonly also?: readonly Signer[];
  /** Members that go over the seal's own. */
  readonly seal?: Loose;
}

/** `retained`: what each seal but the first says of the one before it. */
export function createDraftList(retained: string): DraftList {
  const drafts: SealDraft[] = [];
  let leaves = 0;
  return {
    drafts,
    put(records, source, { seal = {}, ...more }) {
      const first: Record<string, number> = {};
      const lines: Record<string, string[]> = {};
      for (const [className, list] of Object.entries(records)) {
        first[className] = leaves;
        lines[className] = list.map(line);
        leaves += list.length;
      }
      leaves += 1;
      const own = drafts.length === 0 ? seal : { previous_retain_until: retained, ...seal };
      drafts.push({
        ...more,
        records: lines,
        source,
        compress: rawFrame,
        lie: (draft) => void Object.assign(draft, own),
      });
      return first;
    },
  };
}
