/** What the Postgres server and the daemon say of a trail right now. Asks, changes nothing, waits for no one long. */
import { Client } from 'pg';
import type { ConnectionTarget } from '../source/postgres/connection.ts';
import { watchLogin } from '../source/postgres/login.ts';

export interface ServerWord {
  /** End of the server's log: where it has flushed (a standby: replayed) to. */
  readonly position: string;
  /** Null where there is no such slot. */
  readonly slot: {
    readonly active: boolean;
    readonly walStatus: string | null;
    readonly confirmed: string | null;
    /** Log that the server keeps because of it. */
    readonly retainedBytes: number | null;
  } | null;
}

/** Throws what connecting throws: `source_unreachable`, `source_refused`, `tls_failed`. */
export async function askServer(target: ConnectionTarget, slot: string): Promise<ServerWord> {
  const client = new Client({ ...target.config, application_name: 'rowseal status', query_timeout: 10_000 });
  client.on('error', () => undefined);
  const login = watchLogin(client, target, 'capture role');
  try {
    await client.connect();
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
    return {
      position: row.position,
      slot: !row.there
        ? null
        : {
            active: row.active,
            walStatus: row.wal_status,
            confirmed: row.confirmed,
            retainedBytes: row.retained === null ? null : Number(row.retained),
          },
    };
  } catch (error) {
    throw login.explain(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export interface DaemonWord {
  readonly state: string;
  readonly healthy: boolean;
  readonly complaints: readonly string[];
}

/** What /healthz at `listen` says of the trail; null where no daemon of this trail answers there. */
export async function askDaemon(listen: string, trail: string): Promise<DaemonWord | null> {
  // What is listened on everywhere is asked here.
  const place = listen.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, (any) =>
    any === '[::]' ? '[::1]' : '127.0.0.1',
  );
  try {
    const response = await fetch(`http://${place}/healthz`, { signal: AbortSignal.timeout(2000) });
    const report = (await response.json()) as { trails?: ({ name?: string } & DaemonWord)[] };
    const found = report.trails?.find(({ name }) => name === trail);
    return found === undefined
      ? null
      : { state: String(found.state), healthy: found.healthy === true, complaints: [...found.complaints] };
  } catch {
    return null; // nobody, or somebody else
  }
}
