/**
 * Walks the seals in the order of their numbers and yields the authentic ones. What is not authentic below a later
 * authentic seal is a finding; above the head it is junk that anybody may have put there, unless it holds a
 * checkpoint that the key signed for a larger tree. The listing is read once, as a stream.
 */
import { readAhead } from '../../base/read-ahead.ts';
import { type Listed, listKeys } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { MAX_SEAL_NUMBER, sealNumber, sealPath } from '../../trail/names.ts';
import type { VerifierKey } from '../../trail/note.ts';
import { parseMidnight } from '../../trail/retention.ts';
import type { Seal } from '../../trail/seal.ts';
import type { FindingLog } from '../findings/findings.ts';
import { type Chosen, chooseSeal, type Link } from './seals.ts';

const DAY_MS = 86_400_000;
/** Seals read ahead. */
const AHEAD = 8;
/** Unauthentic seals remembered while no authentic one has followed. */
const MAX_PENDING = 2000;
const MAX_SIGNERS = 10;

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
  let pending = createPending();
  let head: Link | null = null;
  for await (const { number, listed, chosen } of chosenSeals(reader, options, seen)) {
    for (const problem of chosen.unread) log.add('not_read', listed.key, problem, { seal: number });
    if (chosen.link === null) {
      pending.add({ number, key: listed.key, chosen });
      continue;
    }
    reportBelow(pending.first, head, from, chosen.link, options);
    reportVersions(listed, number, chosen, further, options);
    pending = createPending();
    head = chosen.link;
    yield chosen.link;
  }
  reportAbove(pending, head, log);
  if (head === null) for (const { chosen } of pending.first) countForeign(chosen, foreign);
}

/** Unauthentic seals that no authentic one has followed yet: the first, and what must not be lost behind them. */
interface PendingSeals {
  readonly first: readonly Pending[];
  /** The one with the largest signed size, where it is not among the first. */
  readonly largest: Pending | null;
  readonly more: number;
}

function createPending(): PendingSeals & { add(pending: Pending): void } {
  const first: Pending[] = [];
  const rest: { largest: Pending | null; size: number; count: number } = {
    largest: null,
    size: -1,
    count: 0,
  };
  return {
    first,
    get largest() {
      return rest.largest;
    },
    get more() {
      return rest.largest === null ? rest.count : rest.count - 1;
    },
    add(pending) {
      if (first.length < MAX_PENDING) return void first.push(pending);
      rest.count += 1;
      const size = Math.max(-1, ...pending.chosen.refused.kept.map(({ signedSize }) => signedSize ?? -1));
      if (size > rest.size) [rest.largest, rest.size] = [pending, size];
    },
  };
}

/** Every key of a seal's form, with the version that counts, a few read ahead. */
async function* chosenSeals(
  reader: TrailReader,
  { verifier, from, log }: WalkOptions,
  seen: { any: boolean },
): AsyncGenerator<{ number: number; listed: Listed; chosen: Chosen }> {
  const seals = async function* () {
    for await (const listed of listKeys(reader, 'seals/', from > 0 ? sealPath(from - 1) : undefined)) {
      seen.any = true;
      const number = sealNumber(listed.key);
      if (number === null) log.add('stray_object', listed.key, 'it has no seal’s name');
      else yield { number, listed };
    }
  };
  yield* readAhead(seals(), AHEAD, async ({ number, listed }) => ({
    number,
    listed,
    chosen: await chooseSeal(reader, number, listed, verifier.name, verifier),
  }));
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
    const [oldest] = chosen.refused.kept;
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
  for (const { fault, version } of chosen.refused.kept) {
    log.add('seal_version_invalid', key, `version ${version.version}: ${fault.message}`, place);
  }
  if (chosen.refused.more > 0) {
    log.add('seal_version_invalid', key, `and ${chosen.refused.more} more versions`, place);
  }
  for (const sha256 of chosen.further) {
    if (further.length < MAX_PENDING) further.push({ key, seal: number, sha256 });
    else log.add('further_version', key, 'a further version with other bytes', place);
  }
  if (chosen.unseen) {
    log.add('further_version', key, 'still more versions behind it, which were not looked at', place);
  }
  const until = parseMidnight(chosen.link!.file.seal.retain_until)!;
  if (chosen.deleteMarkers > 0 && now.getTime() <= until) {
    log.add('delete_marker', key, 'a delete marker hides it', place);
  }
}

/** Behind the last authentic seal. */
function reportAbove({ first, largest, more }: PendingSeals, head: Link | null, log: FindingLog): void {
  for (const pending of largest === null ? first : [...first, largest]) reportJunk(pending, head, log);
  if (more > 0) {
    log.add(
      head === null ? 'seal_malformed' : 'seal_junk',
      'seals/',
      `${more} more names that hold no valid seal`,
    );
  }
}

function reportJunk({ number, key, chosen }: Pending, head: Link | null, log: FindingLog): void {
  const size = head?.file.checkpoint.size ?? 0;
  const place = { seal: number };
  const { kept, more } = chosen.refused;
  for (const { fault, signedSize } of kept) {
    if (signedSize !== null && signedSize > size) {
      const message = `it holds a checkpoint of ${signedSize} leaves that the key signed, but: ${fault.message}`;
      log.add('seal_beyond_head', key, message, place);
      log.add(fault.code, key, fault.message, place);
    } else if (head === null && number <= MAX_SEAL_NUMBER) log.add(fault.code, key, fault.message, place);
    else log.add('seal_junk', key, `no valid seal (${fault.code}): ${fault.message}`, place);
  }
  if (more > 0) {
    const code = head === null ? 'seal_malformed' : 'seal_junk';
    log.add(code, key, `and ${more} more versions that are no valid seal`, place);
  }
  if (kept.length === 0 && chosen.deleteMarkers > 0) {
    log.add('delete_marker', key, 'a delete marker, and no seal under it', place);
  }
}

function countForeign({ refused }: Chosen, foreign: ForeignSeals): void {
  const signers = refused.kept.flatMap(({ signers: named }) => named ?? []);
  if (signers.length > 0) foreign.seals += 1;
  for (const name of signers) {
    if (foreign.signers.size < MAX_SIGNERS) foreign.signers.add(name);
  }
}
