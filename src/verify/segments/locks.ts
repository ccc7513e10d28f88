/**
 * Retention locks, and what has expired. A lock that is not there, or not to be had, must never pass for a good one.
 */
import { RowsealError } from '../../base/errors.ts';
import type { ObjectVersion, TrailReader } from '../../store/store.ts';
import { parseMidnight } from '../../trail/retention.ts';
import type { Fault, FindingLog } from '../findings/findings.ts';

interface LockContext {
  readonly reader: TrailReader;
  readonly log: FindingLog;
  readonly now: Date;
}

/** Whether the object's retention has ended, so that it may be gone. */
export function hasExpired(retainUntil: string, now: Date): boolean {
  return now.getTime() > parseMidnight(retainUntil)!;
}

/** Holds the lock of one version to its retention. What is wrong is named by `code`, where that is given. */
export async function checkLock(
  { key, version }: ObjectVersion,
  retainUntil: string,
  seal: number,
  { reader, log, now }: LockContext,
  code?: Fault['code'],
): Promise<void> {
  if (!reader.locks || hasExpired(retainUntil, now)) return;
  try {
    const lock = await reader.lock(key, version);
    if (lock === null) log.add(code ?? 'lock_missing', key, 'it has no retention lock', { seal });
    else {
      if (lock.mode !== 'COMPLIANCE') {
        log.add(code ?? 'lock_mode', key, `its lock is in mode ${lock.mode}`, { seal });
      }
      if (lock.until.getTime() < parseMidnight(retainUntil)!) {
        const message = `locked until ${lock.until.toISOString()}, not ${retainUntil}`;
        log.add(code ?? 'lock_short', key, message, { seal });
      }
    }
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    log.add('not_read', key, `its lock: ${error.message}`, { seal });
  }
}
