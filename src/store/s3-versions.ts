/**
 * The versions of one key, which S3 lists newest first, given back oldest first. There is no asking for the oldest:
 * the whole list has to be walked. Its newest page and its last few are kept; of those between, only where they
 * begin, and they are asked for again when it is their turn. So a million versions cost two thousand requests at
 * most and the memory of nine pages.
 */
import type { ObjectVersion } from './store.ts';

/** Where a page begins: behind this version of this key, or behind all of the key's. */
export interface Marker {
  readonly key: string;
  readonly version: string | undefined;
}

/** Newest first within a key, as the store lists. */
export interface Page {
  readonly entries: readonly Dated[];
  readonly next: Marker | null;
}

export interface Dated extends ObjectVersion {
  readonly at: number;
}

export interface VersionStack {
  readonly key: string;
  /** Takes the next older version, listed in the page that begins at `page`. */
  push(entry: Dated, page: Marker | null): void;
  oldestFirst(): AsyncGenerator<ObjectVersion>;
}

/** What one page held of the key. */
interface Chunk {
  readonly page: Marker | null;
  /** Newest first; null where it has to be asked for again. */
  entries: Dated[] | null;
  count: number;
  /** Its oldest version. */
  last: string | null;
}

/** Pages kept beside the newest. */
const KEPT = 8;

export function createVersionStack(
  key: string,
  pageAt: (marker: Marker | null) => Promise<Page>,
): VersionStack {
  const chunks: Chunk[] = [];
  const chunkOf = (page: Marker | null): Chunk => {
    const top = chunks.at(-1);
    if (top !== undefined && top.page === page) return top;
    const chunk: Chunk = { page, entries: [], count: 0, last: null };
    chunks.push(chunk);
    // Never the newest page: what is put meanwhile comes before it, and its beginning would not be found again.
    const dropped = chunks.length - 1 - KEPT;
    if (dropped > 0) chunks[dropped]!.entries = null;
    return chunk;
  };
  return {
    key,
    push(entry, page) {
      const chunk = chunkOf(page);
      chunk.entries?.push({ ...entry, key });
      chunk.count += 1;
      chunk.last = entry.version;
    },
    async *oldestFirst() {
      for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) {
        const entries = chunk.entries ?? (await askAgain(chunk, key, pageAt));
        for (const { version, deleteMarker, bytes } of entries.toReversed()) {
          yield { key, version, deleteMarker, bytes };
        }
      }
    },
  };
}

/**
 * The versions of a chunk once more. Behind its marker nothing can have been put since; versions that were deleted
 * meanwhile make it reach into the next chunk, whose versions then come twice, which harms nobody.
 */
async function askAgain(
  { page, count, last }: Chunk,
  key: string,
  pageAt: (marker: Marker | null) => Promise<Page>,
): Promise<Dated[]> {
  const found: Dated[] = [];
  let marker = page;
  do {
    const { entries, next } = await pageAt(marker);
    for (const entry of entries) {
      if (entry.key !== key) return found;
      found.push(entry);
      if (entry.version === last || found.length === count) return found;
    }
    marker = next;
  } while (marker !== null);
  return found;
}
