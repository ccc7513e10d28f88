/** What the configuration asks of a server, as far as the preconditions go. */
import type { TableWish } from '../../preflight.ts';

export interface PreflightWish {
  readonly role: string;
  readonly slot: string;
  readonly publication: string;
  readonly plugin: string;
  readonly failover: boolean;
  readonly acceptUnboundedWal: boolean;
  readonly tables: readonly TableWish[];
  /** SHA-256 in hex of the functions that 01-kit.sql would install (`kitDigest`). */
  readonly kitDigest: string;
}

/** The kit's version in sql/postgres/01-kit.sql. */
export const KIT_VERSION = 2;
