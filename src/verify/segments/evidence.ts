/**
 * Checks the evidence of one authentic seal: its locks, its segments, and its records as a whole. Reads only paths
 * that it has computed itself. An object whose retention has ended may be gone; before that it is missing.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../../base/errors.ts';
import { type Listed, versionsOf } from '../../store/keys.ts';
import type { ObjectVersion, TrailReader } from '../../store/store.ts';
import { segmentPath, TRAIL_CLASS } from '../../trail/names.ts';
import { isOfLaterLevel, type Seal, type SegmentEntry, sealLevel } from '../../trail/seal.ts';
import { MAX_OBJECT_BYTES } from '../../trail/segment.ts';
import type { FindingLog } from '../findings/findings.ts';
import { NO_RUNS, RUN } from '../records/runs.ts';
import type { Link } from '../seals/seals.ts';
import { checkLock, hasExpired } from './locks.ts';
import type { SegmentPool } from './pool.ts';
import type { SegmentReport } from './segment-check.ts';
import { MAX_RUNS } from './transactions.ts';

export interface EvidenceContext {
  readonly reader: TrailReader;
  readonly pool: SegmentPool;
  readonly log: FindingLog;
  readonly now: Date;
}

export interface SealEvidence {
  /** Reports of all segments; null where one could not be had, so that nothing can be said of the whole. */
  readonly reports: readonly SegmentReport[] | null;
  /** That of class trail, which is known although others may not be; `none` where the seal has no such segment. */
  readonly trail: SegmentReport | 'none' | 'unknown';
  readonly checked: number;
  readonly expired: number;
}

/** An entry of a seal with what is listed under its path. */
export interface LocatedSegment {
  readonly entry: SegmentEntry;
  readonly listed: Listed;
}

/** `segments` are those of the seal, in its order; none where segments are not to be looked at. */
export async function checkEvidence(
  link: Link,
  segments: readonly LocatedSegment[],
  context: EvidenceContext,
): Promise<SealEvidence> {
  const { seal } = link.file;
  await checkLock(link.version, seal.retain_until, link.number, context);
  let runs = 0;
  const results = await Promise.all(
    segments.map(async ({ entry, listed }) => {
      const result = await checkEntry(seal, entry, listed, context);
      if (typeof result === 'string') return result;
      runs += result.runs.table.length / RUN;
      // Unbounded otherwise: a seal of a thousand segments, each of a million tiny records.
      return runs > MAX_RUNS ? { ...result, runs: NO_RUNS } : result;
    }),
  );
  if (runs > MAX_RUNS) {
    context.log.add('too_many', link.key, 'too many records to hold against each other', {
      seal: link.number,
    });
  }
  const reports = results.filter((result) => typeof result !== 'string');
  const whole = reports.length === seal.segments.length && reports.every(({ faults }) => faults.length === 0);
  return {
    reports: whole && runs <= MAX_RUNS ? reports : null,
    trail: trailOf(seal, results),
    checked: reports.length,
    expired: results.filter((result) => result === 'expired').length,
  };
}

function trailOf(
  { segments }: Seal,
  results: readonly (SegmentReport | 'expired' | 'unknown')[],
): SealEvidence['trail'] {
  const at = segments.findIndex((entry) => entry.class === TRAIL_CLASS);
  if (at === -1) return 'none';
  const result = results[at];
  return typeof result === 'object' && result.faults.length === 0 ? result : 'unknown';
}

async function checkEntry(
  seal: Seal,
  entry: SegmentEntry,
  listed: Listed,
  context: EvidenceContext,
): Promise<SegmentReport | 'expired' | 'unknown'> {
  const { log, now } = context;
  const place = { seal: seal.number };
  const key = segmentPath(entry.class, seal.sealed_at, seal.number, entry.sha256);
  // chain.ts has named it; a path of the seal's own is never followed.
  if (entry.object !== key) return 'unknown';
  const expired = hasExpired(entry.retain_until, now);
  try {
    const { chosen, hidden } = await chooseVersion(listed, entry, seal, context);
    if (hidden && !expired) log.add('delete_marker', key, 'a delete marker hides it', place);
    if (chosen === null) {
      if (expired) return 'expired';
      log.add('segment_missing', key, `it is not there, and to be kept until ${entry.retain_until}`, place);
      return 'unknown';
    }
    if (chosen.bytes !== entry.bytes) {
      log.add('bytes_mismatch', key, `it has ${chosen.bytes} bytes, the seal says ${entry.bytes}`, place);
      return 'unknown';
    }
    await checkLock(chosen, entry.retain_until, seal.number, context);
    const read = () => context.reader.read(key, chosen.version, MAX_OBJECT_BYTES);
    const job = { trail: seal.trail, entry, level: sealLevel(seal), leavesOnly: isOfLaterLevel(seal) };
    const report = await context.pool.check(job, read);
    for (const { code, message, leaf } of report.faults) {
      log.add(code, key, message, { ...place, ...(leaf === undefined ? {} : { leaf }) });
    }
    if (report.moreFaults > 0) {
      log.add(report.faults[0]!.code, key, `and ${report.moreFaults} more faults in this segment`, place);
    }
    return report;
  } catch (error) {
    if (!(error instanceof RowsealError) || error.code === 'internal') throw error;
    if (error.code === 'object_missing') log.add('segment_missing', key, error.message, place);
    else log.add('not_read', key, error.message, place);
    return 'unknown';
  }
}

/** Versions that are looked at behind the one that counts. */
const MAX_BEHIND = 1000;
/** Versions with other bytes that are named one by one. */
const MAX_NAMED = 16;

/**
 * The version with the seal's SHA-256, wherever it stands; the first one where there is none; null where the key holds
 * nothing but delete markers. Others are reported. Only versions of the seal's size are read, and a single one never.
 */
async function chooseVersion(
  listed: Listed,
  entry: SegmentEntry,
  seal: Seal,
  { reader, log }: EvidenceContext,
): Promise<{ chosen: ObjectVersion | null; hidden: boolean }> {
  const place = { seal: seal.number };
  const single = !listed.more && listed.versions.filter(({ deleteMarker }) => !deleteMarker).length === 1;
  let first: ObjectVersion | null = null;
  let chosen: ObjectVersion | null = null;
  let hidden = false;
  let others = 0;
  let behind = 0;
  for await (const version of versionsOf(reader, listed)) {
    hidden ||= version.deleteMarker;
    if (version.deleteMarker) continue;
    first ??= version;
    if (chosen !== null && ++behind > MAX_BEHIND) {
      const message = 'still more versions behind the seal’s, which were not looked at';
      log.add('further_version', version.key, message, place);
      break;
    }
    if (single || (await holds(reader, version, entry))) chosen ??= version;
    else if (++others <= MAX_NAMED) {
      const message = `version ${version.version} has other bytes than the seal says`;
      log.add('further_version', version.key, message, place);
    }
  }
  if (others > MAX_NAMED) {
    const message = `${others - MAX_NAMED} more versions have other bytes than the seal says`;
    log.add('further_version', listed.key, message, place);
  }
  return { chosen: chosen ?? first, hidden };
}

async function holds(
  reader: TrailReader,
  { key, version, bytes }: ObjectVersion,
  entry: SegmentEntry,
): Promise<boolean> {
  if (bytes !== entry.bytes) return false;
  return hash('sha256', await reader.read(key, version, MAX_OBJECT_BYTES), 'hex') === entry.sha256;
}
