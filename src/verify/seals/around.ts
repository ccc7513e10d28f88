/**
 * What lies around the authentic seals, as findings and notices: holes and spoiled seals between them, other versions
 * beside them, and what stands above the head. Whatever anybody may have put there must stay a notice; what only a key of
 * the trail can have made must not.
 */
import { sealPath } from '../../trail/names.ts';
import { parseMidnight } from '../../trail/retention.ts';
import type { Seal } from '../../trail/seal.ts';
import type { FindingLog } from '../findings/findings.ts';
import type { Growth } from './growth.ts';
import { largestSize, type Pending, type PendingSeals } from './pending.ts';
import type { Chosen, Link } from './seals.ts';

const DAY_MS = 86_400_000;

interface Options {
  readonly now: Date;
  readonly log: FindingLog;
}

/** Between the seal before `expected` (or the start) and the next authentic one; `isFirst`: there is none before. */
export function reportBelow(
  pending: readonly Pending[],
  expected: number,
  isFirst: boolean,
  next: Link,
  { log, now }: Options,
): void {
  const excused = isFirst && haveExpired(next.file.seal, now);
  let at = expected;
  const missing = (first: number, last: number): void => {
    if (first > last || excused) return;
    const what = first === last ? `seal ${first} is` : `seals ${first} to ${last} are`;
    log.add('seal_missing', sealPath(first), `${what} not there, though seal ${next.number} is`, {
      seal: first,
    });
  };
  for (const { number, key, chosen } of pending) {
    missing(at, number - 1);
    at = number + 1;
    const [oldest] = chosen.refused.kept;
    if (oldest !== undefined && excused) {
      // The seal there may be gone, and anybody may put something in its place.
      const message = `no valid seal (${oldest.fault.code}) where one has expired: ${oldest.fault.message}`;
      log.add('seal_junk', key, message, { seal: number });
    } else if (oldest !== undefined) log.add(oldest.fault.code, key, oldest.fault.message, { seal: number });
    else if (chosen.unread.length === 0) missing(number, number);
    if (chosen.deleteMarkers > 0 && !excused) {
      log.add('delete_marker', key, 'a delete marker hides it', { seal: number });
    }
  }
  missing(at, next.number - 1);
}

/** Seals before the one that hands over to the key that was given: it is a later one, and says nothing of them. */
export function reportEarlierKeys(
  { first, largest, more }: PendingSeals,
  { number, key }: Link,
  log: FindingLog,
): void {
  const count = first.length + more + (largest === null ? 0 : 1);
  const what = `${count} seals before it are not signed by the given key`;
  const message = `${what}, which signs from here on: give the trail's first key to check them`;
  log.add('key_missing', key, message, { seal: number });
}

/** Whether the seals before the first one present have expired. */
function haveExpired({ previous_retain_until: before, retain_until: own }: Seal, now: Date): boolean {
  if (before !== undefined) return now.getTime() > parseMidnight(before)!;
  // Seals of the first writers don't say: theirs have when the first one present is about to.
  return parseMidnight(own)! - now.getTime() <= DAY_MS;
}

/** What lies beside an authentic seal under its key, but for versions with other bytes behind it. */
export function reportVersions(
  { key, number, file }: Link,
  { refused, unseen, deleteMarkers }: Chosen,
  { log, now }: Options,
): void {
  const place = { seal: number };
  for (const { fault, version } of refused.kept) {
    log.add('seal_version_invalid', key, `version ${version.version}: ${fault.message}`, place);
  }
  if (refused.more > 0) {
    log.add('seal_version_invalid', key, `and ${refused.more} more versions`, place);
  }
  if (unseen) {
    log.add('further_version', key, 'still more versions behind it, which were not looked at', place);
  }
  if (deleteMarkers > 0 && now.getTime() <= parseMidnight(file.seal.retain_until)!) {
    log.add('delete_marker', key, 'a delete marker hides it', place);
  }
}

/** Behind the last authentic seal. */
export async function reportAbove(
  { first, largest, more }: PendingSeals,
  head: Link | null,
  growth: Growth,
  log: FindingLog,
): Promise<void> {
  const all = largest === null ? first : [...first, largest];
  let size = head?.file.checkpoint.size ?? 0;
  const signed = Math.max(-1, ...all.map(largestSize));
  // What was copied from seals that came while the listing was read is junk like any other.
  if (signed > size) size = (await growth.reaches(signed)) === 'unknown' ? signed : growth.size();
  for (const pending of all) reportJunk(pending, head !== null, size, log);
  if (more > 0) {
    log.add(
      head === null ? 'seal_malformed' : 'seal_junk',
      'seals/',
      `${more} more names that hold no valid seal`,
    );
  }
}

function reportJunk({ number, key, chosen }: Pending, any: boolean, size: number, log: FindingLog): void {
  const place = { seal: number };
  const { kept, more } = chosen.refused;
  for (const { fault, signedSize } of kept) {
    if (signedSize !== null && signedSize > size) {
      const message = `it holds a checkpoint of ${signedSize} leaves that a key of the trail signed, but: ${fault.message}`;
      log.add('head_behind', key, message, place);
      log.add(fault.code, key, fault.message, place);
    } else if (!any) log.add(fault.code, key, fault.message, place);
    else log.add('seal_junk', key, `no valid seal (${fault.code}): ${fault.message}`, place);
  }
  if (more > 0) {
    const code = any ? 'seal_junk' : 'seal_malformed';
    log.add(code, key, `and ${more} more versions that are no valid seal`, place);
  }
  if (kept.length === 0 && chosen.deleteMarkers > 0) {
    log.add('delete_marker', key, 'a delete marker, and no seal under it', place);
  }
}
