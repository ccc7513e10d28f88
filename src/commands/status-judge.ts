/** What the facts about a trail come to: pure, so that each rule is tested without a server. */
import { parseLsn } from '../source/postgres/lsn.ts';
import type { DaemonWord, ServerWord } from './status-source.ts';
import type { Tail } from './status-trail.ts';

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
    readonly seconds: number;
    readonly server: string | null;
  } | null;
  readonly slot: ServerWord['slot'] | 'unknown';
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
  readonly slot: string;
  readonly broken: string | null;
}

/** Pure: what is wrong, in words for people. */
export function judge(facts: Facts): string[] {
  const { head, tail, server, daemon, listen, now, staleAfterMs, slot, broken } = facts;
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
  if (head && server !== undefined) wrong.push(...judgeSlot(head.through, server.slot, slot));
  // Where somebody streams, it may be a daemon on another host.
  if (head && daemon === null && server !== undefined && server.slot?.active !== true)
    wrong.push(
      `daemon: nothing answers for this trail at ${listen}, and nobody streams from the slot: rowseal run is not running`,
    );
  if (daemon !== null && !daemon.healthy) wrong.push(...daemon.complaints.map((text) => `daemon: ${text}`));
  return wrong;
}

function judgeSlot(through: string, slot: ServerWord['slot'], name: string): string[] {
  if (slot === null) return [`the slot ${name} is gone: changes since ${through} are missing`];
  if (slot.walStatus === 'lost') return [`the slot ${name} is lost: the server removed log that it needed`];
  const wrong: string[] = [];
  if (slot.walStatus === 'unreserved') {
    wrong.push(`the slot ${name} will be lost at the next checkpoint: max_slot_wal_keep_size is used up`);
  }
  const ahead = slot.confirmed === null ? 0 : (bytesBetween(through, slot.confirmed) ?? 0);
  if (ahead > 0) wrong.push(`the slot ${name} stands ${ahead} B ahead of the trail: somebody moved it`);
  return wrong;
}

/** How far `to` lies behind `from` in the log; 0 where it is not. A difference of two LSNs fits a double up to 8 PB. */
export function bytesBetween(from: string, to: string): number | null {
  try {
    const bytes = parseLsn(to) - parseLsn(from);
    return bytes > 0n ? Number(bytes) : 0;
  } catch {
    return null;
  }
}
