/**
 * Verifies a trail, from nothing but its objects and a key: named steps in call order, each yielding findings
 * and notices as data. It shares no code with the writer but the pure format module, trusts no member of any
 * object, and what it could not check is never 'ok'.
 */
import type { TrailReader } from '../store/store.ts';
import type { Checkpoint } from '../trail/checkpoint.ts';
import type { VerifierKey } from '../trail/note.ts';
import { isOfLaterLevel, type Seal } from '../trail/seal.ts';
import { type Beside, createBeside } from './beside/beside.ts';
import { createFindingLog, type Fault } from './findings/findings.ts';
import { type LaterLevel, noteLevel, reportLevel } from './later-level.ts';
import { createRememberedCheck, type RememberedCheck } from './remembered.ts';
import { sealFaults } from './seals/chain.ts';
import { type Keys, logKeyFault } from './seals/keys.ts';
import { createSegmentListing, type SegmentListing } from './seals/listing.ts';
import type { Link } from './seals/seals.ts';
import { keysAt, refusedByKey, type Start, settleTrust } from './seals/trust.ts';
import { type Walk, walkSeals } from './seals/walk.ts';
import {
  checkEvidence,
  type EvidenceContext,
  type LocatedSegment,
  type SealEvidence,
} from './segments/evidence.ts';
import { createPointers, type Pointers } from './segments/pointers.ts';
import { createPool } from './segments/pool.ts';
import {
  type Abandoned,
  type AuthenticNumbers,
  createAbandoned,
  createAuthenticNumbers,
  reportStrays,
} from './segments/residue.ts';
import { checkTransactions, type Place, recordFaults } from './segments/transactions.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface VerifyOptions {
  /** Null: trust the key that seal 0 names. */
  readonly key: VerifierKey | null;
  /** Signatures, chain and tree only; no segment is looked at. */
  readonly sealsOnly: boolean;
  /** The first seal to check; the one before it is read as its anchor. */
  readonly since: number;
  /** A head remembered from earlier, which the trail must contain. */
  readonly remembered: Checkpoint | null;
  readonly now: Date;
  /** Threads for checking segments. */
  readonly threads: number;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly seals: number;
  readonly records: number;
  readonly plainBytes: number;
}

/** Seals whose segments are under way at once. */
const UNDER_WAY = 16;

interface Run {
  readonly context: EvidenceContext;
  readonly options: VerifyOptions;
  readonly listing: SegmentListing;
  readonly abandoned: Abandoned;
  readonly authentic: AuthenticNumbers;
  readonly remembered: RememberedCheck;
  readonly beside: Beside;
  keys: Keys | null;
  head: Link | null;
  first: number | null;
  last: Place | null;
  readonly pointers: Pointers;
  seals: number;
  segments: number;
  records: number;
  plainBytes: number;
  expired: number;
  laterLevel: LaterLevel | null;
  signers: readonly string[];
}

/** Throws RowsealError where the store as a whole cannot be listed. */
export async function verify(reader: TrailReader, options: VerifyOptions): Promise<Verdict> {
  const log = createFindingLog();
  const verifier = await settleTrust(reader, options.key, log);
  const pool = createPool(options.threads);
  const context = { reader, pool, log, now: options.now };
  const run: Run = {
    context,
    options,
    listing: createSegmentListing(reader),
    abandoned: createAbandoned(),
    authentic: createAuthenticNumbers(),
    remembered: createRememberedCheck(options.remembered),
    beside: createBeside(context, options),
    keys: null,
    head: null,
    first: null,
    last: { number: 0, index: 0, text: null },
    pointers: createPointers(),
    seals: 0,
    segments: 0,
    records: 0,
    plainBytes: 0,
    expired: 0,
    laterLevel: null,
    signers: [],
  };
  try {
    if (verifier !== null) {
      const from = Math.max(0, options.since - 1);
      const start = await keysAt(reader, verifier, from, options.now);
      await run.beside.begin(verifier.name);
      const walk = walkSeals(reader, { keys: start.keys, from, now: options.now, log });
      await checkSeals(walk, verifier, run);
      run.keys = walk.keys();
      await settleHead(walk, start, run);
      await run.beside.finish(run.head, walk.keys(), walk.growth());
      if (run.head !== null) await reportStrays(walk.further, run);
    }
  } finally {
    await pool.close();
  }
  return verdictOf(reader, verifier, run, log);
}

/** Every authentic seal in order: the chain at once, its evidence a few seals behind. */
async function checkSeals(walk: Walk, verifier: VerifierKey, run: Run): Promise<void> {
  const { log } = run.context;
  const underWay: { link: Link; before: Seal | null; evidence: Promise<SealEvidence> }[] = [];
  const settleOne = async (): Promise<void> => {
    const { link, before, evidence } = underWay.shift()!;
    settleEvidence(link, before, await evidence, run);
  };
  for await (const link of walk.links) {
    const previous = run.head?.number === link.number - 1 ? run.head : null;
    run.head = link;
    run.remembered.pass(link);
    run.abandoned.note(link.file.seal);
    run.authentic.note(link.number);
    if (link.number < run.options.since) {
      run.last = endOf(link.file.seal);
      continue;
    }
    for (const { code, message } of sealFaults(link, previous)) {
      log.add(code, link.key, message, { seal: link.number });
    }
    const mismatch = link.number === 0 ? logKeyFault(link.file, verifier) : null;
    if (mismatch !== null) log.add('log_key_mismatch', link.key, mismatch, { seal: 0 });
    run.laterLevel = noteLevel(run.laterLevel, link);
    run.first ??= link.number;
    run.seals += 1;
    await run.beside.pass(link, walk.keys());
    const segments = run.options.sealsOnly ? [] : await locateSegments(link, run.listing);
    const evidence = checkEvidence(link, segments, run.context);
    evidence.catch(() => {});
    underWay.push({ link, before: previous?.file.seal ?? null, evidence });
    if (underWay.length >= UNDER_WAY) await settleOne();
  }
  while (underWay.length > 0) await settleOne();
}

/** Finds a seal's segments in the listing; must be called in the order of the seals. */
async function locateSegments(link: Link, listing: SegmentListing): Promise<LocatedSegment[]> {
  const located: LocatedSegment[] = [];
  for (const entry of link.file.seal.segments) {
    located.push({ entry, listed: await listing.locate(entry.class, entry.object) });
  }
  return located;
}

/** The rules over all records of a seal, once its segments are checked. */
function settleEvidence(link: Link, before: Seal | null, evidence: SealEvidence, run: Run): void {
  const { seal } = link.file;
  const { log } = run.context;
  const { reports, trail } = evidence;
  const add = ({ code, message, leaf }: Fault) =>
    log.add(code, link.key, message, { seal: link.number, ...(leaf === undefined ? {} : { leaf }) });
  run.segments += evidence.checked;
  run.expired += evidence.expired;
  if (reports === null || isOfLaterLevel(seal)) {
    run.last = endOf(seal);
  } else {
    const last = before === null && link.number > 0 ? null : run.last;
    const checked = checkTransactions(seal, before, last, reports);
    run.last = checked.last;
    checked.faults.forEach(add);
    run.records += seal.count;
    run.plainBytes += seal.segments.reduce((sum, entry) => sum + entry.plain_bytes, 0);
  }
  if (trail !== 'unknown' && !isOfLaterLevel(seal) && !run.options.sealsOnly) {
    recordFaults(seal, trail === 'none' ? null : trail).forEach(add);
  }
  run.pointers.settle(seal, before, evidence).forEach(add);
  run.options.onProgress?.({ seals: run.seals, records: run.records, plainBytes: run.plainBytes });
}

/** The last record's place as the seal itself has it, where its records were not read. */
function endOf({ source: { transactions, partial } }: Seal): Place {
  return { number: transactions, index: partial === undefined ? 0 : partial.next - 1, text: null };
}

/** What can only be said when the last seal is known. */
async function settleHead(walk: Walk, start: Start, run: Run): Promise<void> {
  const { log } = run.context;
  const { since } = run.options;
  if (run.head === null) {
    run.signers = walk.foreign().signers;
    await refusedByKey(run.context.reader, walk, start, since, log);
    return;
  }
  reportLevel(run.laterLevel, run.options, log);
  if (run.seals === 0) log.add('no_trail', '', `no seal from ${since} on; the head is ${run.head.number}`);
  run.remembered.report(run.head, run.first, log);
}
