/**
 * MariaDB's positions (manual: "Global Transaction ID"): the last GTID of each replication domain, `0-1-5,1-1-3`. Inside a
 * domain the order is the binlog's; the sequence number need not ascend, so that nothing may be decided by comparing it.
 */
import { RowsealError } from '../../../base/errors.ts';

export interface MariadbPosition {
  /** That transaction is the last of its domain now. */
  set(domain: number, serverId: number, sequence: bigint): void;
  /** `server-sequence` of a domain's last transaction; null where it has none. */
  last(domain: number): string | null;
  readonly domains: readonly number[];
  copy(): MariadbPosition;
  /** One GTID per domain, sorted by domain; empty text for the position before everything. */
  text(): string;
}

const GTID = /^([0-9]{1,10})-([0-9]{1,10}-[0-9]{1,20})$/;

/** Throws `stream_not_understood`. */
export function parseMariadbPosition(text: string): MariadbPosition {
  const lasts = new Map<number, string>();
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const found = GTID.exec(part);
    if (found === null || Number(found[1]) > 0xffff_ffff || lasts.has(Number(found[1]))) {
      throw new RowsealError('stream_not_understood', `not a position of MariaDB: ${text.slice(0, 200)}`);
    }
    lasts.set(Number(found[1]), found[2]!);
  }
  return position(lasts);
}

function position(lasts: Map<number, string>): MariadbPosition {
  let known: string | null = null;
  return {
    set(domain, serverId, sequence) {
      lasts.set(domain, `${serverId}-${sequence}`);
      known = null;
    },
    last: (domain) => lasts.get(domain) ?? null,
    get domains() {
      return [...lasts.keys()];
    },
    copy: () => position(new Map(lasts)),
    text() {
      known ??= [...lasts]
        .sort(([a], [b]) => a - b)
        .map(([domain, last]) => `${domain}-${last}`)
        .join(',');
      return known;
    },
  };
}
