/** What the Postgres server says of a trail's slot right now, and what that means. Asks, changes nothing, waits for no one long. */
import { Client } from 'pg';
import type { ConnectionTarget } from '../../source/postgres/wire/connection.ts';
import { watchLogin } from '../../source/postgres/wire/login.ts';
import { parseLsn } from '../../source/postgres/wire/lsn.ts';
import type { ServerWord } from '../common/engine.ts';
import { size } from '../common/size.ts';

export interface SlotState {
  readonly active: boolean;
  readonly walStatus: string | null;
  readonly confirmed: string | null;
  /** Log that the server keeps because of it. */
  readonly retainedBytes: number | null;
}

/** Throws what connecting throws: `source_unreachable`, `source_refused`, `tls_failed`. */
export async function askSlot(target: ConnectionTarget, slot: string): Promise<ServerWord> {
  const client = new Client({ ...target.config, application_name: 'rowseal status', query_timeout: 10_000 });
  client.on('error', () => undefined);
  const login = watchLogin(client, target, 'capture role');
  try {
    await client.connect();
    // On a standby: where it has replayed to.
    const { rows } = await client.query(
      `WITH here AS (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END AS lsn)
       SELECT here.lsn::text AS position, s.slot_name IS NOT NULL AS there, s.active, s.wal_status,
              s.confirmed_flush_lsn::text AS confirmed, pg_wal_lsn_diff(here.lsn, s.restart_lsn)::text AS retained
         FROM here LEFT JOIN pg_replication_slots AS s ON s.slot_name = $1`,
      [slot],
    );
    const row = rows[0] as {
      position: string;
      there: boolean;
      active: boolean;
      wal_status: string | null;
      confirmed: string | null;
      retained: string | null;
    };
    const state = !row.there
      ? null
      : {
          active: row.active,
          walStatus: row.wal_status,
          confirmed: row.confirmed,
          retainedBytes: row.retained === null ? null : Number(row.retained),
        };
    return slotWord(row.position, state, slot);
  } catch (error) {
    throw login.explain(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Pure. `slot` null: there is none of that name. */
export function slotWord(position: string, slot: SlotState | null, name: string): ServerWord {
  const kept =
    slot === null || slot.retainedBytes === null ? '' : `, ${size(slot.retainedBytes)} of log kept for it`;
  return {
    position,
    streaming: slot?.active === true,
    from: 'the slot',
    facts: slot === null ? null : { ...slot },
    shown:
      slot === null
        ? null
        : `${slot.active ? 'in use' : 'not in use'}, ${slot.walStatus ?? 'no wal status'}${kept}`,
    behind: (through) => ({ bytes: bytesBetween(through, position) }),
    wrong: (through) => judgeSlot(through, slot, name),
  };
}

function judgeSlot(through: string, slot: SlotState | null, name: string): string[] {
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
function bytesBetween(from: string, to: string): number | null {
  try {
    const bytes = parseLsn(to) - parseLsn(from);
    return bytes > 0n ? Number(bytes) : 0;
  } catch {
    return null;
  }
}
