/** What a MySQL or MariaDB source is told: the server it reads, as which replica, how often it looks, and whom it tells. */
import type { Flavor } from './bytes/flavor.ts';
import type { OverflowParts } from './transactions/overflow.ts';
import type { Watch } from './watch/watch.ts';

/** Structured logging as pino does it; never given a secret. */
export interface SourceLog {
  info(details: object, text: string): void;
  warn(details: object, text: string): void;
}

export interface MysqlSourceOptions {
  /** What the configuration says that the server is; another kind is refused. */
  readonly flavor?: Flavor;
  /** `mysql://user@host:3306/?ssl-mode=VERIFY_IDENTITY&ssl-ca=…` */
  readonly url: string;
  /** Instead of the URL's. */
  readonly password?: string;
  /** Ours as a replica: no server and no replica of the topology may have it. */
  readonly serverId: number;
  /** Milliseconds of quiet after which the server sends a heartbeat (3,000); three missed mean that it is gone. */
  readonly heartbeatMs?: number;
  /** Milliseconds between looks at the settings (10,000). */
  readonly watchMs?: number;
  /** Whether the configuration wants this table; `foldsNames`: of a server that compares their names without case. */
  readonly matches: (schema: string, table: string, foldsNames: boolean) => boolean;
  /** Share one between the sources of a trail, and what happens while none is connected is noticed too. */
  readonly watch?: Watch;
  /** Where prepared transactions go that memory does not hold; where it is not given, they stop. */
  readonly overflow?: OverflowParts;
  readonly log: SourceLog;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}
