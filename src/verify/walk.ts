/**
 * Walks the seals in the order of their numbers and yields the authentic ones. What is not authentic below a later
 * authentic seal is a finding; above the head it is junk that anybody may have put there, unless it holds a
 * checkpoint that the key signed for a larger tree. The listing is read once, as a stream.
 */
import type { TrailReader } from '../store/store.ts';
import { MAX_SEAL_NUMBER, sealNumber, sealPath } from '../trail/names.ts';
import type { VerifierKey } from '../trail/note.ts';
import { parseMidnight } from '../trail/retention.ts';
import type { Seal } from '../trail/seal.ts';
import type { FindingLog } from './findings.ts';
import { type Listed, listKeys } from './listing.ts';
import { type Chosen, chooseSeal, type Link } from './seals.ts';

const DAY_MS = 86_400_000;
/** Seals read ahead. */
const AHEAD = 8;
/** Unauthentic seals remembered while no authentic one has followed. */
const MAX_PENDING = 2000;
const MAX_SIGNERS = 10;
/** Longer ones are no trail's. */
const MAX_NAME = 1000;

export interface WalkOptions {
  readonly verifier: VerifierKey;
  /** The first seal to look at. */
  readonly from: number;
  readonly now: Date;
  readonly log: FindingLog;
}

/** Further versions of seals, for the lists of abandoned objects to explain. */
export interface FurtherVersion {
  readonly key: string;
  readonly seal: number;
  readonly sha256: string;
}

export interface Walk {
  readonly links: AsyncGenerator<Link>;
  /** Complete when the generator has ended. */
  readonly further: readonly FurtherVersion[];
  /** Whether any key was listed. */
  readonly any: () => boolean;
  /** Complete when the generator has ended: what bears other signatures only, where there is no authentic seal. */
  readonly foreign: ForeignSeals;
}

/** Seals that bear no signature by the key, but ones by other keys. */
export interface ForeignSeals {
  /** How many. */
  seals: number;
  /** Their keys as the signatures name them, `name+id`, unchecked; the first few. */
  readonly signers: Set<string>;
}

interface Pending {
  readonly number: number;
  readonly key: string;
  readonly chosen: Chosen;
}

export function walkSeals(reader: TrailReader, options: WalkOptions): Walk {
  const further: FurtherVersion[] = [];
  const seen = { any: false };
  const foreign = { seals: 0, signers: new Set<string>() };
  return { links: links(reader, options, further, seen, foreign), further, any: () => seen.any, foreign };
}

async function* links(
  reader: TrailReader,
  options: WalkOptions,
  further: FurtherVersion[],
  seen: { any: boolean },
  foreign: ForeignSeals,
): AsyncGenerator<Link> {
  const { from, log } = options;
  let pending: Pending[] = [];
  let head: Link | null = null;
  for await (const { number, listed, chosen } of chosenSeals(reader, options, seen)) {
    for (const problem of chosen.unread) log.add('not_read', listed.key, problem, { seal: number });
    if (chosen.link === null) {
      if (pending.length < MAX_PENDING) pending.push({ number, key: listed.key, chosen });
      continue;
    }
    reportBelow(pending, head, from, chosen.link, options);
    reportVersions(listed, number, chosen, further, options);
    pending = [];
    head = chosen.link;
    yield chosen.link;
  }
  reportAbove(pending, head, log);
  if (head === null) for (const { chosen } of pending) countForeign(chosen, foreign);
}

/** Every key of a seal's form, with the version that counts, a few read ahead. */
async function* chosenSeals(
  reader: TrailReader,
  { verifier, from, log }: WalkOptions,
  seen: { any: boolean },
): AsyncGenerator<{ number: number; listed: Listed; chosen: Chosen }> {
  const ahead: Promise<{ number: number; listed: Listed; chosen: Chosen }>[] = [];
  const after = from > 0 ? sealPath(from - 1) : undefined;
  for await (const listed of listKeys(reader, 'seals/', after)) {
    seen.any = true;
    const number = sealNumber(listed.key);
    if (number === null) {
      log.add('stray_object', listed.key, 'it has no seal’s name');
      continue;
    }
    const { key, versions } = listed;
    const chosen = chooseSeal(reader, number, key, versions, verifier.name, verifier);
    // It is awaited later: until then a rejection is nobody's.
    chosen.catch(() => {});
    ahead.push(chosen.then((choice) => ({ number, listed, chosen: choice })));
    ahead.at(-1)!.catch(() => {});
    if (ahead.length >= AHEAD) yield await ahead.shift()!;
  }
  for (const each of ahead) yield await each;
}

/** Between the last authentic seal (or the start) and the next one. */
function reportBelow(
  pending: readonly Pending[],
  head: Link | null,
  from: number,
  next: Link,
  options: WalkOptions,
): void {
  const { log, now } = options;
  const start = head === null ? from : head.number + 1;
  const excused = head === null && haveExpired(next.file.seal, now);
  let expected = start;
  const missing = (first: number, last: number): void => {
    if (first > last || excused) return;
    const what = first === last ? `seal ${first} is` : `seals ${first} to ${last} are`;
    log.add('seal_missing', sealPath(first), `${what} not there, though seal ${next.number} is`, {
      seal: first,
    });
  };
  for (const { number, key, chosen } of pending) {
    missing(expected, number - 1);
    expected = number + 1;
    const [oldest] = chosen.refused;
    if (oldest !== undefined) log.add(oldest.fault.code, key, oldest.fault.message, { seal: number });
    else if (chosen.unread.length === 0) missing(number, number);
    if (chosen.deleteMarkers > 0 && !excused) {
      log.add('delete_marker', key, 'a delete marker hides it', { seal: number });
    }
  }
  missing(expected, next.number - 1);
}

/** Whether the seals before the first one present have expired. */
function haveExpired({ previous_retain_until: before, retain_until: own }: Seal, now: Date): boolean {
  if (before !== undefined) return now.getTime() > parseMidnight(before)!;
  // Seals of the first writers don't say: theirs have when the first one present is about to.
  return parseMidnight(own)! - now.getTime() <= DAY_MS;
}

/** What lies beside an authentic seal under its key. */
function reportVersions(
  { key }: Listed,
  number: number,
  chosen: Chosen,
  further: FurtherVersion[],
  { log, now }: WalkOptions,
): void {
  const place = { seal: number };
  for (const { fault, version } of chosen.refused) {
    log.add('seal_version_invalid', key, `version ${version.version}: ${fault.message}`, place);
  }
  for (const { sha256 } of chosen.further) {
    if (further.length < MAX_PENDING) further.push({ key, seal: number, sha256 });
    else log.add('further_version', key, 'a further version with other bytes', place);
  }
  const until = parseMidnight(chosen.link!.file.seal.retain_until)!;
  if (chosen.deleteMarkers > 0 && now.getTime() <= until) {
    log.add('delete_marker', key, 'a delete marker hides it', place);
  }
}

/** Behind the last authentic seal. */
function reportAbove(pending: readonly Pending[], head: Link | null, log: FindingLog): void {
  const size = head?.file.checkpoint.size ?? 0;
  for (const { number, key, chosen } of pending) {
    const place = { seal: number };
    for (const { fault, signedSize } of chosen.refused) {
      if (signedSize !== null && signedSize > size) {
        const message = `it holds a checkpoint of ${signedSize} leaves that the key signed, but: ${fault.message}`;
        log.add('seal_beyond_head', key, message, place);
        log.add(fault.code, key, fault.message, place);
      } else if (head === null && number <= MAX_SEAL_NUMBER) log.add(fault.code, key, fault.message, place);
      else log.add('seal_junk', key, `no valid seal (${fault.code}): ${fault.message}`, place);
    }
    if (chosen.refused.length === 0 && chosen.deleteMarkers > 0) {
      log.add('delete_marker', key, 'a delete marker, and no seal under it', place);
    }
  }
}

function countForeign({ refused }: Chosen, foreign: ForeignSeals): void {
  const signers = refused.flatMap(({ signers: named }) => named ?? []);
  if (signers.length > 0) foreign.seals += 1;
  for (const name of signers) {
    if (foreign.signers.size < MAX_SIGNERS && name.length <= MAX_NAME) foreign.signers.add(name);
  }
}
