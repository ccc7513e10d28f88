/**
 * Which of a transaction's changes its records are of. An update that left its row as it was may have a record or none:
 * triggers see it, and the server's log need not. How many have one, counting tells; which ones, only the whole
 * transaction does: an update of a dropped column alone has an empty patch too, and must not pass for an earlier one of
 * the same row that changed nothing, or it is missed itself.
 */

/** The changes so far that have a record, the last one first. */
interface Way<C> {
  readonly misfits: number;
  readonly taken: Taken<C> | null;
}

interface Taken<C> {
  readonly change: C;
  readonly before: Taken<C> | null;
}

/** `fits` is asked only where counting doesn't tell, and then of those whose places may be each other's. */
export function changesWithRecord<C extends { readonly unchanged?: boolean }, R>(
  changes: readonly C[],
  records: readonly R[],
  fits: (record: R, change: C) => boolean,
): readonly C[] {
  const certain = changes.filter(({ unchanged }) => unchanged !== true);
  const without = changes.length - records.length;
  if (without <= 0) return changes;
  if (records.length <= certain.length) return certain;
  // By how many were passed over, the way with the fewest misfits.
  let ways: (Way<C> | undefined)[] = [{ misfits: 0, taken: null }];
  for (const [at, change] of changes.entries()) {
    ways = Array.from({ length: Math.min(at + 1, without) + 1 }, (_, passed) => {
      const [way, record] = [ways[passed], records[at - passed]];
      const over = change.unchanged === true ? ways[passed - 1] : undefined;
      if (way === undefined || record === undefined) return over;
      const misfits = way.misfits + (fits(record, change) ? 0 : 1);
      if (over !== undefined && over.misfits < misfits) return over;
      return { misfits, taken: { change, before: way.taken } };
    });
  }
  const found: C[] = [];
  for (let each = ways[without]?.taken ?? null; each !== null; each = each.before) found.unshift(each.change);
  return found;
}
