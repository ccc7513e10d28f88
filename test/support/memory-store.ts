/**
 * A store in memory with versions, as a bucket has them, for what a real server can't be made to show on demand:
 * an order of writes, a loss of the race, junk at an exact moment. Everything else is tested on real stores.
 */
import { RowsealError } from '../../src/base/errors.ts';
import type { ObjectVersion, TrailStore } from '../../src/store/store.ts';

interface Stored {
  readonly key: string;
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

/** `versioned`: like a bucket, which takes further versions; else like a folder, where a name is taken for good. */
export function createMemoryStore(options: { versioned?: boolean } = {}): MemoryStore {
  const objects: Stored[] = [];
  let versions = 0;
  const of = (key: string) => objects.filter((object) => object.key === key && object.bytes !== null);
  const put = (key: string, bytes: Buffer | null) => {
    versions += 1;
    objects.push({ key, version: String(versions), bytes });
  };
  const store: MemoryStore = {
    location: 'memory',
    locks: false,
    beforeCreate: () => {},
    afterCreate: () => {},
    put,
    keys: () => [...new Set(objects.map(({ key }) => key))].sort(),
    async *list(prefix, after) {
      const keys = [...new Set(objects.map(({ key }) => key))].sort();
      for (const key of keys.filter(
        (each) => each.startsWith(prefix) && (after === undefined || each > after),
      )) {
        for (const { version, bytes } of objects.filter((object) => object.key === key)) {
          const listed: ObjectVersion = {
            key,
            version,
            deleteMarker: bytes === null,
            bytes: bytes?.length ?? 0,
          };
          yield listed;
        }
      }
    },
    async read(key, version) {
      const found = objects.find(
        (object) => object.key === key && (version === null || object.version === version),
      );
      if (!found?.bytes) throw new RowsealError('object_missing', key);
      return found.bytes;
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
