/** What a Postgres source is told: the server and slot it reads, how often it looks and speaks, and whom it tells. */
import type { Watch } from './watch/watch.ts';

/** Structured logging as pino does it; never given a secret. */
export interface SourceLog {
  info(details: object, text: string): void;
  warn(details: object, text: string): void;
}

export interface PostgresSourceOptions {
  /** As libpq writes it. */
  readonly url: string;
  /** Instead of the URL's. */
  readonly password?: string;
  readonly slot: string;
  readonly publication: string;
  /** Creates the slot as a failover slot (17+). */
  readonly failover?: boolean;
  /** Milliseconds without a transaction after which one is made (30,000); 0 for never. */
  readonly heartbeatMs?: number;
  /** Milliseconds between looks at publication, identities and triggers (10,000). */
  readonly watchMs?: number;
  /** Milliseconds between status updates at least (5,000); Postgres gives us up after wal_sender_timeout. */
  readonly statusMs?: number;
  /** Milliseconds of silence after which the server counts as gone (wal_sender_timeout, or 60,000). */
  readonly peerTimeoutMs?: number;
  /** Whether the configuration wants this table (a leaf, with everything that it is a partition of). */
  readonly matches: (schema: string, table: string, ancestors: readonly string[]) => boolean;
  /** Share one between the sources of a trail, and what happens while none is connected is noticed too. */
  readonly watch?: Watch;
  readonly log: SourceLog;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}
