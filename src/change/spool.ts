/**
 * Where rows that wait for their context go when memory's share is full: a first-in first-out row of bytes.
 * What comes in is redacted already. It is no state: whoever opens a spool discards what it finds.
 */
export interface Spool {
  /** Bytes that wait in it: appended and not yet taken. */
  readonly bytes: number;
  /** Behind everything that is there. Synchronous; the bytes may be reused when it returns. May throw `spool_full`. */
  append(bytes: Buffer): void;
  /**
   * Takes the oldest bytes away: `maxBytes` of them, or fewer, at least one while any are there; empty when
   * there are none. Piece boundaries mean nothing. The result is valid until the next call.
   */
  take(maxBytes: number): Buffer;
  /** Forgets everything. Idempotent. */
  discard(): void;
}
