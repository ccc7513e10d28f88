/**
 * Walks the listings of a trail's segments: a cursor per class that moves along with the seals, so that no listing is
 * ever held in memory. What the cursor passes without a seal having asked for it is a stray.
 */
import { type Listed, listKeys, lookUp } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { parseSegmentPath } from '../../trail/names.ts';

/** Strays remembered until the end, when every list of abandoned objects is known. */
const MAX_STRAYS = 50_000;
/** Keys remembered of those that have no segment's name: as many as a verdict lists. */
const MAX_ODD = 1000;

/** What no seal has named. Anybody can put any number: what is not kept is counted. */
export interface Strays {
  /** By their names segments of a seal. */
  readonly segments: readonly { readonly key: string; readonly number: number }[];
  readonly moreSegments: number;
  /** Keys of no segment's form. */
  readonly odd: readonly string[];
  readonly moreOdd: number;
}

export interface SegmentListing {
  /** A segment that a seal names; without versions where it is not there. */
  locate(className: string, key: string): Promise<Listed>;
  /** Walks what is left, and gives what no seal has named. */
  strays(): Promise<Strays>;
}

interface Cursor {
  readonly keys: AsyncGenerator<Listed>;
  current: Listed | null;
  /** Where the cursor is at least; keys up to here have been seen. */
  passed: string;
}

export function createSegmentListing(reader: TrailReader): SegmentListing {
  const cursors = new Map<string, Cursor>();
  const segments: { key: string; number: number }[] = [];
  const odd: string[] = [];
  let moreSegments = 0;
  let moreOdd = 0;

  const stray = ({ key }: Listed): void => {
    const path = parseSegmentPath(key);
    if (path === null) {
      if (odd.length < MAX_ODD) odd.push(key);
      else moreOdd += 1;
    } else if (segments.length < MAX_STRAYS) segments.push({ key, number: path.number });
    else moreSegments += 1;
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
      if (cursor.current?.key !== key) return { key, versions: [], more: false };
      const found = cursor.current;
      await advance(cursor);
      return found;
    },
    async strays() {
      for (const cursor of cursors.values()) {
        for (; cursor.current !== null; await advance(cursor)) stray(cursor.current);
      }
      for await (const listed of listUnknown(reader, cursors)) stray(listed);
      return { segments, moreSegments, odd, moreOdd };
    },
  };
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
