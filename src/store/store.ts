/**
 * The contract of a trail's storage. A key is a path relative to the trail's root, such as
 * `seals/000000000042`. Objects are written once; there is no overwrite and no delete.
 *
 * Durability: when `create` resolves, the object survives a crash of this process and (file) of the machine.
 * Ambiguous failures (a timeout after the bytes left) are resolved inside the store by reading back and
 * comparing; what cannot be resolved throws `store_unavailable` (retryable) and may be called again with
 * the same bytes.
 */

/** One version of one key. A store without versions has one per key, with version null. */
export interface ObjectVersion {
  readonly key: string;
  readonly version: string | null;
  readonly deleteMarker: boolean;
  /** Size in bytes; 0 for a delete marker. */
  readonly bytes: number;
}

/** A retention lock as the store reports it. */
export interface Lock {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
  readonly until: Date;
}

/** What reading, recovering and verifying need. */
export interface TrailReader {
  /** For people: a folder's path or an s3:// URL, without credentials. */
  readonly location: string;
  /** Whether objects carry retention locks that can be checked (S3 yes, a folder no). */
  readonly locks: boolean;
  /**
   * Every version and delete marker whose key starts with `prefix`, in ascending key order (bytewise);
   * versions of one key oldest first. `after` (a key) starts behind that key. Where `prefix` is the whole key of a
   * seal or segment, a store may leave out longer keys: no such key begins with another.
   */
  list(prefix: string, after?: string): AsyncIterable<ObjectVersion>;
  /**
   * The bytes of one version (null: the only or current one). Throws `object_missing` where there is none,
   * `store_forbidden` on a 403, `object_too_large` when the object has more than `maxBytes`.
   */
  read(key: string, version: string | null, maxBytes: number): Promise<Buffer>;
  /** The lock of one version; null where it has none. Only called when `locks` is true. */
  lock(key: string, version: string | null): Promise<Lock | null>;
  /** Ends the connection; calls under way fail with `store_unavailable` where they can be ended. */
  close(): Promise<void>;
}

export interface TrailStore extends TrailReader {
  /**
   * Writes an object under a lock until `retainUntil` and checks the lock afterwards.
   * - `created`: it was not there before (as far as the store can tell).
   * - `same`: a version with these very bytes is there already; its lock was extended where shorter.
   * - `taken`: another object is there, as far as the store can tell beforehand. Nothing was written (save by an
   *   attempt of this call that failed ambiguously and arrives later still), unless `behind` is set, which writes
   *   a further version unconditionally where the store has versions.
   * Whoever writes a seal lists the key's versions afterwards to learn whether it won (FORMAT.md section 10: one writer).
   */
  create(
    key: string,
    bytes: Buffer,
    retainUntil: Date,
    options?: { behind?: boolean },
  ): Promise<'created' | 'same' | 'taken'>;
  /** The store's own clock minus ours in milliseconds, from its last answer; null where it has no other clock. */
  skewMs(): number | null;
}
