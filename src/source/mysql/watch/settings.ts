/**
 * The state of the capture as the server has it now, and what changed between two looks at it: the global settings that
 * decide what comes into the binlog, our context table with its procedures and triggers, statements that switch the
 * binlog off for a session. It must never miss a way to make rows vanish from the stream that the server lets us see.
 */
import type { Observation } from '../../../change/change.ts';
import { isDenied } from '../wire/failure.ts';
import { readSettings, type ServerFacts, type Settings } from '../wire/server.ts';
import type { SideSession } from '../wire/sessions.ts';
import { compareKit, type Kit } from './kit.ts';

/** Something that keeps rows out of the trail, or out of attribution, right now. */
export interface CaptureProblem {
  readonly what: string;
  /** The setting's name, or what is concerned. */
  readonly object: string;
  readonly detail: string | null;
  /** For people. */
  readonly text: string;
}

export interface Capture {
  readonly settings: Settings;
  /** binlog_do_db and binlog_ignore_db: whole databases that are not logged. */
  readonly filters: string;
  /** Null where there is no kit that we may see. */
  readonly kit: Kit | null;
  /** How often statements set sql_log_bin since the server started; null where we may not see it. */
  readonly logBinUses: number | null;
}

/** What each setting must be, for nothing to be lost. */
const WANTED: Readonly<Record<string, string>> = {
  binlog_annotate_row_events: 'ON',
  binlog_checksum: 'CRC32',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  binlog_row_metadata: 'FULL',
  binlog_rows_query_log_events: 'ON',
  gtid_mode: 'ON',
  gtid_strict_mode: 'ON',
  innodb_native_foreign_keys: 'OFF',
  log_bin: 'ON',
  log_replica_updates: 'ON',
  log_slave_updates: 'ON',
};
/** Without these rows can't be recorded, or not whole; the others cost precision, attribution or convenience. */
const NEEDED = ['binlog_format', 'binlog_row_image', 'binlog_row_metadata', 'log_bin'];

const LOG_BIN_USES = `
  SELECT COALESCE(SUM(COUNT_STAR), 0) AS uses FROM performance_schema.events_statements_summary_by_digest
   WHERE LOWER(DIGEST_TEXT) LIKE 'set %sql_log_bin%'`;

export async function readCapture(
  side: SideSession,
  facts: ServerFacts,
  end: { readonly filters: string } | null,
  kit: Kit | null,
): Promise<Capture> {
  return {
    settings: await readSettings(side),
    filters: end?.filters ?? '',
    kit,
    logBinUses: facts.performanceSchema ? await readLogBinUses(side) : null,
  };
}

async function readLogBinUses(side: SideSession): Promise<number | null> {
  try {
    const [row] = await side.query(LOG_BIN_USES);
    return Number(row?.['uses']);
  } catch (error) {
    if (isDenied(error)) return null;
    throw error;
  }
}

export function problemsOf({ settings, filters }: Capture): CaptureProblem[] {
  const problems: CaptureProblem[] = [];
  for (const name of NEEDED) {
    const value = settings[name];
    if (value !== undefined && value !== WANTED[name]) {
      problems.push(captureProblem('setting_too_low', name, `${value}, not ${WANTED[name]}`));
    }
  }
  if (filters !== '')
    problems.push(captureProblem('binlog_filter', 'binlog_do_db, binlog_ignore_db', filters));
  return problems;
}

export function captureProblem(what: string, object: string, detail: string | null): CaptureProblem {
  const text = `${object}: ${what.replaceAll('_', ' ')}${detail === null ? '' : ` (${detail})`}`;
  return { what, object, detail, text };
}

/** What the trail has to say of the way from one state to the other. Empty where nothing changed. */
export function compareCapture(before: Capture, after: Capture): Observation[] {
  const told: Observation[] = [];
  const tamper = (what: string, details: Record<string, unknown>) =>
    told.push({ kind: 'tamper', what, details });
  const lifecycle = (event: string, details: Record<string, unknown>) =>
    told.push({ kind: 'lifecycle', event, details });

  for (const setting of new Set([...Object.keys(before.settings), ...Object.keys(after.settings)])) {
    const [was, is] = [before.settings[setting] ?? null, after.settings[setting] ?? null];
    if (was === is) continue;
    const details = { setting, before: was, after: is };
    if (was === WANTED[setting]) tamper('setting_lowered', details);
    else lifecycle('setting_changed', details);
  }
  if (before.filters !== after.filters) {
    tamper('binlog_filter_altered', { before: before.filters, after: after.filters });
  }
  told.push(...compareKit(before.kit, after.kit));
  const uses = (after.logBinUses ?? 0) - (before.logBinUses ?? after.logBinUses ?? 0);
  // Somebody switched the binlog off, or on again, for a session: what that session wrote is nowhere.
  if (uses > 0) tamper('sql_log_bin_set', { statements: uses });
  return told;
}

/** The command that mends a problem, or says more of it. Not sealed: it is advice. */
export function remedyOf({ what }: CaptureProblem, file: string): string {
  return `rowseal ${what === 'no_context_trigger' ? 'setup' : 'doctor'} -c ${file}`;
}
