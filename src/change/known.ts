/** What a trail remembers of what was captured so far: records of its class `trail`, read when a daemon begins. */

export interface KnownRecord {
  /** When it was written: `2026-11-21T20:18:33.123Z`. */
  readonly time: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Null where there is none, or it could not be read. */
export interface Known {
  /** The last lifecycle record `started`, `source_reincarnated` or `tables`: which tables, by which rules. */
  readonly policy: KnownRecord | null;
  /** The last lifecycle record `capture`: what the looks at the server found. */
  readonly capture: KnownRecord | null;
}

export const NOTHING_KNOWN: Known = { policy: null, capture: null };
