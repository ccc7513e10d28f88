/** What the facts about a trail come to: pure, so that each rule is tested without a server. */
import type { ServerWord } from '../../engines/common/engine.ts';
import type { DaemonWord } from './daemon.ts';
import type { Tail } from './trail.ts';

export interface TrailStatus {
  readonly trail: string;
  readonly head: {
    readonly number: number;
    readonly sealed_at: string;
    readonly through: string;
    readonly signed_by: string;
  } | null;
  readonly lag: {
    readonly bytes: number | null;
    /** Where the server counts its log in transactions. */
    readonly transactions?: number;
    readonly seconds: number;
    readonly server: string | null;
  } | null;
  /** Postgres: the slot. */
  readonly slot?: ServerWord['facts'] | 'unknown';
  /** MySQL and MariaDB: the binlog. */
  readonly binlog?: ServerWord['facts'] | 'unknown';
  readonly recent: Tail | null;
  readonly daemon: DaemonWord | null;
  /** metrics.listen: where the daemon was asked. */
  readonly listen: string;
  /** What is wrong. */
  readonly problems: readonly string[];
  /** What could not be asked, and why. */
  readonly unknown: readonly string[];
}

interface Facts {
  /** Null: no trail yet. Undefined: could not be asked. */
  readonly head: TrailStatus['head'] | undefined;
  readonly tail: Pick<Tail, 'broken'> | null;
  readonly server: ServerWord | undefined;
  readonly daemon: DaemonWord | null;
  readonly listen: string;
  readonly now: number;
  readonly staleAfterMs: number;
  readonly broken: string | null;
}

/** Pure: what is wrong, in words for people. */
export function judge(facts: Facts): string[] {
  const { head, tail, server, daemon, listen, now, staleAfterMs, broken } = facts;
  const wrong: string[] = [];
  if (broken !== null) wrong.push(`${broken} Run rowseal verify.`);
  else if (head === null) wrong.push('there is no trail yet: rowseal run begins it');
  if (tail?.broken) wrong.push(`${tail.broken}. Run rowseal verify.`);
  if (head) {
    const age = now - Date.parse(head.sealed_at);
    if (age > staleAfterMs) {
      wrong.push(`stale: the newest seal is ${Math.round(age / 1000)} s old; is rowseal run at work?`);
    }
  }
  if (head && server !== undefined) wrong.push(...server.wrong(head.through));
  // Where somebody streams, it may be a daemon on another host.
  if (head && daemon === null && server !== undefined && server.streaming === false)
    wrong.push(
      `daemon: nothing answers for this trail at ${listen}, and nobody streams from ${server.from}: rowseal run is not running`,
    );
  if (daemon !== null && !daemon.healthy) wrong.push(...daemon.complaints.map((text) => `daemon: ${text}`));
  return wrong;
}
