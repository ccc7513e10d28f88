/**
 * What the server's WAL and our slot in it look like now: one question, no judgement but of what the answer means. That
 * a slot is missing is no error here: before the first stream there is none.
 */
import type { SideSession } from '../wire/sessions.ts';
import { type CaptureProblem, captureProblem } from './capture.ts';

export interface Wal {
  /** Where it ends; null where the server doesn't say. */
  readonly position: string | null;
  readonly problems: readonly CaptureProblem[];
  /** Why the slot can't be streamed from; null where it can. */
  readonly fate: 'slot_missing' | 'slot_lost' | null;
  /** The slot's position, where the publication may have been made anew since; null where it wasn't. */
  readonly unseen: string | null;
}

export async function readWal(side: SideSession, slot: string, publication: string): Promise<Wal> {
  const [row] = await side.query(
    `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end as lsn,
            s.slot_name is not null as there, s.wal_status, s.confirmed_flush_lsn as confirmed,
            age(p.xmin) <= age(s.catalog_xmin) as younger
       from (values (1)) one left join pg_replication_slots s on s.slot_name = $1
         left join pg_publication p on p.pubname = $2`,
    [slot, publication],
  );
  const problems: CaptureProblem[] = [];
  const status = row?.['wal_status'] ?? null;
  if (row?.['there'] === 't' && (status === 'unreserved' || status === 'lost')) {
    problems.push(captureProblem('slot_at_risk', slot, `wal_status ${status}`));
  }
  const fate = row?.['there'] !== 't' ? 'slot_missing' : status === 'lost' ? 'slot_lost' : null;
  // Our slot's catalog_xmin isn't past its making, or its last ALTER: perhaps it was another at the slot's position.
  const unseen = row?.['younger'] === 't' ? (row['confirmed'] ?? null) : null;
  return { position: row?.['lsn'] ?? null, problems, fate, unseen };
}
