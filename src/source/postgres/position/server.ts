/**
 * What the server says of itself and of the slot, and the making and dropping of slots. Decides nothing: the
 * cases are judged in slot.ts.
 */
import type pg from 'pg';
import { RowsealError } from '../../../base/errors.ts';
import { asRowsealError } from '../wire/failure.ts';
import type { SideSession, TextRow } from '../wire/sessions.ts';
import type { ServerState, SlotState } from './slot.ts';

/** Facts that stay as long as the server runs. */
export interface ServerFacts {
  readonly versionNumber: number;
  readonly version: string;
  readonly encoding: string;
  /** 0: the server doesn't give a silent peer up. */
  readonly walSenderTimeoutMs: number;
  readonly inRecovery: boolean;
  readonly lcMonetary: string;
  readonly database: string;
}

export async function readFacts(side: SideSession): Promise<ServerFacts> {
  const [row = {}] = await side.query(
    `select current_setting('server_version_num') as number, current_setting('server_version') as version,
            current_setting('server_encoding') as encoding, current_setting('lc_monetary') as lc_monetary,
            (select setting from pg_settings where name = 'wal_sender_timeout') as timeout,
            pg_is_in_recovery() as recovery, current_database() as database`,
  );
  const facts: ServerFacts = {
    versionNumber: Number(row['number']),
    version: row['version'] ?? '',
    encoding: row['encoding'] ?? '',
    walSenderTimeoutMs: Number(row['timeout']),
    inRecovery: row['recovery'] === 't',
    lcMonetary: row['lc_monetary'] ?? '',
    database: row['database'] ?? '',
  };
  const major = Math.trunc(facts.versionNumber / 10_000);
  if (major < 14)
    throw new RowsealError('source_misconfigured', `Postgres ${facts.version}: 14 is the oldest that works`);
  return facts;
}

/** pgoutput's newest protocol version that the server knows; more is an error. */
export function protocolVersion(versionNumber: number): number {
  const major = Math.trunc(versionNumber / 10_000);
  return major >= 16 ? 4 : major === 15 ? 3 : 2;
}

/** `knownTimeline`: the one that the trail last saw; its end is looked up where the server is on a later one. */
export async function identify(client: pg.Client, knownTimeline: number | null): Promise<ServerState> {
  const row = await one(client, 'IDENTIFY_SYSTEM');
  const timeline = Number(row['timeline']);
  const promoted = knownTimeline !== null && timeline > knownTimeline;
  return {
    systemIdentifier: row['systemid'] ?? '',
    timeline,
    flushed: row['xlogpos'] ?? '0/0',
    forkedAt: promoted ? await endOf(client, knownTimeline, timeline) : null,
  };
}

export async function readSlot(
  side: SideSession,
  slot: string,
  versionNumber: number,
): Promise<SlotState | null> {
  const reason = versionNumber >= 170_000 ? 'invalidation_reason' : 'null::text';
  const [row] = await side.query(
    `select plugin, slot_type, database, temporary, active, active_pid, two_phase, wal_status,
            ${reason} as invalidation_reason, confirmed_flush_lsn
       from pg_replication_slots where slot_name = $1`,
    [slot],
  );
  if (row === undefined) return null;
  return {
    plugin: row['plugin'] ?? null,
    slotType: row['slot_type'] ?? '',
    database: row['database'] ?? null,
    temporary: row['temporary'] === 't',
    active: row['active'] === 't',
    activePid: row['active_pid'] ?? null,
    twoPhase: row['two_phase'] === 't',
    walStatus: row['wal_status'] ?? null,
    invalidationReason: row['invalidation_reason'] ?? null,
    confirmedFlush: row['confirmed_flush_lsn'] ?? null,
  };
}

/** Resolves with its consistent point. Waits for every transaction that is open; `onWait` is called when that lasts. */
export async function createSlot(
  client: pg.Client,
  slot: string,
  options: { plugin: string; failover: boolean; onWait: () => void },
): Promise<string> {
  const extra = options.failover ? `(SNAPSHOT 'nothing', FAILOVER)` : 'NOEXPORT_SNAPSHOT';
  const patience = setTimeout(options.onWait, 3000);
  try {
    const row = await one(client, `CREATE_REPLICATION_SLOT "${slot}" LOGICAL ${options.plugin} ${extra}`);
    return row['consistent_point'] ?? '';
  } catch (error) {
    throw asRowsealError(error, `creating the slot ${slot}`);
  } finally {
    clearTimeout(patience);
  }
}

export async function dropSlot(client: pg.Client, slot: string): Promise<void> {
  await one(client, `DROP_REPLICATION_SLOT "${slot}"`);
}

/** Where a timeline was left, by the later one's history file: lines of timeline, LSN, reason. */
async function endOf(client: pg.Client, timeline: number, later: number): Promise<string> {
  const row = await one(client, `TIMELINE_HISTORY ${later}`);
  // The column is bytea, but comes as the file's text.
  for (const line of String(row['content'] ?? '').split('\n')) {
    const [number, lsn] = line.trim().split(/\s+/);
    if (Number(number) === timeline && lsn !== undefined) return lsn;
  }
  return '0/0'; // not an ancestor: nothing of what the trail saw is in this server's past
}

async function one(client: pg.Client, command: string): Promise<TextRow> {
  try {
    const result = await client.query(command);
    return (result.rows[0] ?? {}) as TextRow;
  } catch (error) {
    throw asRowsealError(error, command.split(' ')[0] ?? command);
  }
}
