/**
 * How far a trail reaches now, behind the head at which a walk of it ended: a trail grows while it is read. What holds a
 * checkpoint beyond the head is only a sign of lost seals once this has looked for them. It must never count a seal that
 * does not follow from the one before it.
 */
import { listKeys } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { sealNumber, sealPath } from '../../trail/names.ts';
import type { FindingLog } from '../findings/findings.ts';
import { endsKnownKeys, type Keys, keysBehind } from './keys.ts';
import { chooseSeal, type Link } from './seals.ts';

export interface Growth {
  /**
   * Looks again, unless it reaches so many leaves already: what was listed before has its seal now. `unknown` where the
   * store did not hand over what would tell; that is logged.
   */
  reaches(size: number): Promise<'yes' | 'no' | 'unknown'>;
  /** Number and leaves of the newest seal that was found; −1 and 0 without any. */
  number(): number;
  size(): number;
}

/** `head` null: nothing is authentic, from seal `from` on. */
export function createGrowth(
  reader: TrailReader,
  start: { readonly head: Link | null; readonly from: number; readonly keys: Keys },
  log: FindingLog,
): Growth {
  let { keys } = start;
  let number = start.head?.number ?? start.from - 1;
  let file = start.head?.file ?? null;
  let ended = file !== null && endsKnownKeys(file);

  /** Goes on for as long as each seal follows from the one before. */
  const look = async (size: number): Promise<'yes' | 'no' | 'unknown'> => {
    for await (const listed of listKeys(reader, 'seals/', number < 0 ? undefined : sealPath(number))) {
      if (ended || sealNumber(listed.key) !== number + 1) break;
      const { link, unread } = await chooseSeal(reader, number + 1, listed, keys);
      for (const problem of unread) log.add('not_read', listed.key, problem, { seal: number + 1 });
      if (link === null) return unread.length > 0 ? 'unknown' : 'no';
      if (file !== null && link.file.seal.previous !== file.digest) return 'no';
      ({ number, file } = link);
      keys = keysBehind(keys, file);
      ended = endsKnownKeys(file);
      if (file.checkpoint.size >= size) return 'yes';
    }
    // Behind such a seal are others, by rules that are not known.
    return ended ? 'unknown' : 'no';
  };

  const sizeNow = () => file?.checkpoint.size ?? 0;
  return {
    number: () => number,
    size: sizeNow,
    reaches: async (size) => (sizeNow() >= size ? 'yes' : await look(size)),
  };
}
