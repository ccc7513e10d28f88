/**
 * Walks the listings of a trail: the versions of each key together, and for segments a cursor per class that
 * moves along with the seals, so that no listing is ever held in memory. What the cursor passes without a seal
 * having asked for it is a stray.
 */
import type { ObjectVersion, TrailReader } from '../store/store.ts';
import { parseSegmentPath } from '../trail/names.ts';

export interface Listed {
  readonly key: string;
  /** Oldest first; delete markers too. At most MAX_VERSIONS. */
  readonly versions: readonly ObjectVersion[];
}

/** Versions of one key that are looked at; a store may hold any number. */
const MAX_VERSIONS = 64;
/** Strays remembered until the end, when every list of abandoned objects is known. */
const MAX_STRAYS = 50_000;

/** The keys under a prefix with their versions. */
export async function* listKeys(reader: TrailReader, prefix: string, after?: string): AsyncGenerator<Listed> {
  let key: string | null = null;
  let versions: ObjectVersion[] = [];
  for await (const version of reader.list(prefix, after)) {
    if (key !== null && version.key !== key) {
      yield { key, versions };
      versions = [];
    }
    key = version.key;
    if (versions.length < MAX_VERSIONS) versions.push(version);
  }
  if (key !== null) yield { key, versions };
}

export interface SegmentListing {
  /** The versions of a segment that a seal names; empty where it is not there. */
  locate(className: string, key: string): Promise<readonly ObjectVersion[]>;
  /** Walks what is left, and gives what no seal has named; `dropped` where there were more than are kept. */
  strays(): Promise<{ readonly strays: readonly Listed[]; readonly dropped: number }>;
}

interface Cursor {
  readonly keys: AsyncGenerator<Listed>;
  current: Listed | null;
  /** Where the cursor is at least; keys up to here have been seen. */
  passed: string;
}

export function createSegmentListing(reader: TrailReader): SegmentListing {
  const cursors = new Map<string, Cursor>();
  const strays: Listed[] = [];
  let dropped = 0;

  const stray = (listed: Listed): void => {
    if (strays.length < MAX_STRAYS) strays.push(listed);
    else dropped += 1;
  };
  const advance = async (cursor: Cursor): Promise<void> => {
    const { value, done } = await cursor.keys.next();
    cursor.current = done === true ? null : value;
  };
  const cursorOf = async (className: string): Promise<Cursor> => {
    const known = cursors.get(className);
    if (known !== undefined) return known;
    const keys = listKeys(reader, `segments/${className}/`);
    const cursor: Cursor = { keys, current: null, passed: '' };
    cursors.set(className, cursor);
    await advance(cursor);
    return cursor;
  };

  return {
    async locate(className, key) {
      const cursor = await cursorOf(className);
      // Seals out of order, a finding of their own: look the key up by itself.
      if (key <= cursor.passed) return await lookUp(reader, key);
      while (cursor.current !== null && cursor.current.key < key) {
        stray(cursor.current);
        await advance(cursor);
      }
      cursor.passed = key;
      if (cursor.current?.key !== key) return [];
      const { versions } = cursor.current;
      await advance(cursor);
      return versions;
    },
    async strays() {
      for (const cursor of cursors.values()) {
        for (; cursor.current !== null; await advance(cursor)) stray(cursor.current);
      }
      for await (const listed of listUnknown(reader, cursors)) stray(listed);
      return { strays, dropped };
    },
  };
}

/** The versions of one key. */
export async function lookUp(reader: TrailReader, key: string): Promise<readonly ObjectVersion[]> {
  for await (const listed of listKeys(reader, key)) {
    if (listed.key === key) return listed.versions;
    if (listed.key > key) break;
  }
  return [];
}

/** Everything under `segments/` but the classes that have a cursor, whose listings are jumped over. */
async function* listUnknown(
  reader: TrailReader,
  cursors: ReadonlyMap<string, unknown>,
): AsyncGenerator<Listed> {
  let after: string | undefined;
  for (let more = true; more; ) {
    more = false;
    for await (const listed of listKeys(reader, 'segments/', after)) {
      const className = listed.key.split('/')[1] ?? '';
      if (cursors.has(className) && listed.key.startsWith(`segments/${className}/`)) {
        after = `segments/${className}/\u{10ffff}`;
        more = true;
        break;
      }
      yield listed;
    }
  }
}

/** Seal number of a segment's key, or null where it is no such key. */
export function numberOf(key: string): number | null {
  return parseSegmentPath(key)?.number ?? null;
}
