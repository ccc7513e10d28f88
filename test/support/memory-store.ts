/**
 * A store in memory with versions, as a bucket has them, for what a real server can't be made to show on demand:
 * an order of writes, a loss of the race, junk at an exact moment. Everything else is tested on real stores.
 */
import { RowsealError } from '../../src/base/errors.ts';
import type { ObjectVersion, TrailStore } from '../../src/store/store.ts';
import { parseSegmentPath, sealNumber } from '../../src/trail/names.ts';

interface Stored {
  readonly version: string;
  readonly bytes: Buffer | null;
}

export interface MemoryStore extends TrailStore {
  /** Puts a version as anybody with access could; null bytes are a delete marker. */
  put(key: string, bytes: Buffer | null): void;
  keys(): string[];
  /** Called at each create, before anything is written; may throw, write or wait. */
  beforeCreate: (key: string) => void | Promise<void>;
  /** Called behind each create, when the bytes are there; may throw: failed, but persisted. */
  afterCreate: (key: string) => void | Promise<void>;
}

/** Whether this prefix is a whole key, which no other begins with. */
const isKey = (prefix: string) => sealNumber(prefix) !== null || parseSegmentPath(prefix) !== null;

/** `versioned`: like a bucket, which takes further versions; else like a folder, where a name is taken for good. */
export function createMemoryStore(options: { versioned?: boolean } = {}): MemoryStore {
  const objects = new Map<string, Stored[]>();
  const byVersion = new Map<string, Buffer | null>();
  let sorted: string[] | null = null;
  let versions = 0;
  const of = (key: string) => (objects.get(key) ?? []).filter(({ bytes }) => bytes !== null);
  const keys = () => {
    sorted ??= [...objects.keys()].sort();
    return sorted;
  };
  const put = (key: string, bytes: Buffer | null) => {
    versions += 1;
    const stored = { version: String(versions), bytes };
    byVersion.set(`${key} ${versions}`, bytes);
    const there = objects.get(key);
    if (there !== undefined) return void there.push(stored);
    objects.set(key, [stored]);
    sorted = null;
  };
  const store: MemoryStore = {
    location: 'memory',
    locks: false,
    beforeCreate: () => {},
    afterCreate: () => {},
    put,
    keys: () => [...keys()],
    async *list(prefix, after) {
      for (const key of isKey(prefix) ? [prefix] : keys()) {
        if (!key.startsWith(prefix) || (after !== undefined && key <= after)) continue;
        // As it is now: what is put while somebody lists comes with the next listing.
        const stored = [...(objects.get(key) ?? [])];
        const isAlone = !options.versioned && stored.length === 1;
        for (const { version, bytes } of stored) {
          const listed: ObjectVersion = {
            key,
            version: isAlone ? null : version,
            deleteMarker: bytes === null,
            bytes: bytes?.length ?? 0,
          };
          yield listed;
        }
      }
    },
    async read(key, version) {
      const found = version === null ? objects.get(key)?.[0]?.bytes : byVersion.get(`${key} ${version}`);
      if (!found) throw new RowsealError('object_missing', key);
      return found;
    },
    lock: async () => null,
    close: async () => {},
    async create(key, bytes, _retainUntil, { behind = false } = {}) {
      await store.beforeCreate(key);
      const there = of(key);
      if (there.some((object) => object.bytes?.equals(bytes))) return 'same';
      if (there.length > 0 && !(behind && options.versioned)) return 'taken';
      put(key, Buffer.from(bytes));
      await store.afterCreate(key);
      return 'created';
    },
    skewMs: () => null,
  };
  return store;
}
