/**
 * Checkpoints signed by a key of the trail, found where the seal that they belong to may not be: each claims that the tree
 * had so many leaves. They are judged at the end, when the head is known and was looked for once more, and so are all keys
 * of the trail: a later one may have signed what stands under an early seal.
 */
import { RowsealError } from '../../base/errors.ts';
import type { TrailReader } from '../../store/store.ts';
import type { FindingLog } from '../findings/findings.ts';
import type { Growth } from '../seals/growth.ts';
import type { Keys } from '../seals/keys.ts';
import { signedSizeIn } from '../seals/signed-size.ts';

/** Where bytes were found. */
export interface Place {
  readonly key: string;
  readonly version: string | null;
  /** By its name; null where it has no such name. */
  readonly seal: number | null;
}

export interface Claims {
  /** Searches bytes for a checkpoint of more than `leaves`. */
  search(bytes: Buffer, place: Place, leaves: number, keys: Keys): void;
  /** A finding for each that the trail does not reach. */
  report(keys: Keys, growth: Growth, context: { reader: TrailReader; log: FindingLog }): Promise<void>;
}

/** Of any number, the largest. */
const KEPT = 16;
/** Objects that bear the trail's name in a signature, by no key so far; they are read twice. */
const MAX_SUSPECTS = 1000;
const MAX_BYTES = 64 * 1024;

export function createClaims(): Claims {
  const kept: (Place & { readonly size: number })[] = [];
  const suspects: (Place & { readonly keys: number })[] = [];

  const add = (place: Place, size: number): void => {
    if (kept.length === KEPT && size <= kept[KEPT - 1]!.size) return;
    kept.push({ ...place, size });
    kept.sort((a, b) => b.size - a.size);
    kept.length = Math.min(kept.length, KEPT);
  };
  const searchAgain = async (keys: Keys, reader: TrailReader, log: FindingLog): Promise<void> => {
    for (const { keys: known, ...place } of suspects) {
      if (known === keys.all.length) continue;
      try {
        const size = signedSizeIn(await reader.read(place.key, place.version, MAX_BYTES), keys.all);
        if (size !== null) add(place, size);
      } catch (error) {
        if (!(error instanceof RowsealError)) throw error;
        log.add('not_read', place.key, error.message, of(place));
      }
    }
  };

  return {
    search(bytes, place, leaves, { present, all }) {
      const size = signedSizeIn(bytes, all);
      if (size !== null && size > leaves) add(place, size);
      const isNamed = size === null && bytes.length <= MAX_BYTES && bytes.includes(`\u2014 ${present.name} `);
      if (isNamed && suspects.length < MAX_SUSPECTS) suspects.push({ ...place, keys: all.length });
    },
    async report(keys, growth, { reader, log }) {
      await searchAgain(keys, reader, log);
      for (const { size, ...place } of kept) {
        if ((await growth.reaches(size)) !== 'no') continue;
        const message = `it holds a checkpoint of ${size} leaves that a key of the trail signed, the trail has ${growth.size()}`;
        log.add('head_behind', place.key, message, of(place));
      }
    },
  };
}

function of({ seal }: Place): { seal?: number } {
  return seal === null ? {} : { seal };
}
