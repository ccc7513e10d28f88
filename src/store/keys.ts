/**
 * Listings by key: of each key the first versions, and the way to all of them. Anybody who may write can put any
 * number of versions under one key, so few are ever held, and a key with more is passed over in one step and
 * listed by itself by whoever wants the rest.
 */
import type { ObjectVersion, TrailReader } from './store.ts';

export interface Listed {
  readonly key: string;
  /** The oldest ones, oldest first; delete markers too. */
  readonly versions: readonly ObjectVersion[];
  /** Whether there are more than these. */
  readonly more: boolean;
}

/** Versions of a key that are held; evidence has one, or a few where writing it was interrupted. */
const HELD = 64;

/** The keys under a prefix, ascending. */
export async function* listKeys(reader: TrailReader, prefix: string, after?: string): AsyncGenerator<Listed> {
  let from = after;
  for (;;) {
    let key: string | null = null;
    let versions: ObjectVersion[] = [];
    let more = false;
    for await (const version of reader.list(prefix, from)) {
      if (key !== null && version.key !== key) {
        yield { key, versions, more: false };
        versions = [];
      }
      key = version.key;
      more = versions.length === HELD;
      if (more) break;
      versions.push(version);
    }
    if (key !== null) yield { key, versions, more };
    if (key === null || !more) return;
    from = key;
  }
}

/** One key; without versions where it is not there. */
export async function lookUp(reader: TrailReader, key: string): Promise<Listed> {
  for await (const listed of listKeys(reader, key)) {
    if (listed.key === key) return listed;
    break; // keys that merely begin with ours come after it
  }
  return { key, versions: [], more: false };
}

/** All versions of a key, oldest first, however many. */
export async function* versionsOf(
  reader: TrailReader,
  { key, versions, more }: Listed,
): AsyncGenerator<ObjectVersion> {
  if (!more) return yield* versions;
  for await (const version of reader.list(key)) {
    if (version.key !== key) return;
    yield version;
  }
}
