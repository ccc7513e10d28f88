/**
 * Inclusion proofs of RFC 6962 section 2.1.1: the hashes beside the way from a leaf up to the root. They come from the
 * compact ranges on both sides of the leaf, so that no other leaf is needed. Pure.
 */
import { nodeHash, type Range, rangeLength, rootOf } from '../merkle.ts';

/** A leaf's place in a tree of `size` leaves. */
export interface Place {
  readonly index: number;
  readonly size: number;
}

/**
 * The proof for the leaf, its sibling's hash first; `left` is the compact range of [0, index), `right` that of
 * [index + 1, size).
 */
export function inclusionProof({ index, size }: Place, left: Range, right: Range): Buffer[] {
  if (left.length !== rangeLength(0, index) || right.length !== rangeLength(index + 1, size - index - 1)) {
    throw new RangeError('these are not the ranges beside the leaf');
  }
  let before = left.length;
  let behind = 0;
  return steps({ index, size }).map((step) => {
    if (step === 'left') return left[--before]!;
    if (step === 'right') return right[behind++]!;
    // The ragged end of the tree: what is left of the range is what it consists of.
    return rootOf(right.slice(behind));
  });
}

/** The root that this proof leads to from a leaf's hash; null where it has not the number of hashes that it must have. */
export function provenRoot({ index, size }: Place, leaf: Buffer, proof: Range): Buffer | null {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  const way = steps({ index, size });
  if (way.length !== proof.length) return null;
  return way.reduce((node, step, i) => {
    const sibling = proof[i]!;
    return step === 'left' ? nodeHash(sibling, node) : nodeHash(node, sibling);
  }, leaf);
}

/** On which side of the way each sibling stands, from the leaf up; `end`: on the right, and not a perfect subtree. */
type Step = 'left' | 'right' | 'end';

function steps({ index, size }: Place): Step[] {
  const way: Step[] = [];
  let start = index;
  for (let width = 1; start > 0 || width < size; width *= 2) {
    if (start % (width * 2) !== 0) {
      way.push('left');
      start -= width;
    } else if (start + width < size) {
      way.push(start + width * 2 <= size ? 'right' : 'end');
    }
  }
  return way;
}
