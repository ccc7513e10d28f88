/**
 * Verifies a trail, from nothing but its objects and a key: named steps in call order, each yielding findings
 * and notices as data. It shares no code with the writer but the pure format module, trusts no member of any
 * object, and what it could not check is never 'ok'.
 */
import type { TrailReader } from '../store/store.ts';
import type { Checkpoint } from '../trail/checkpoint.ts';
import type { VerifierKey } from '../trail/note.ts';
import { isOfLaterLevel, type Seal } from '../trail/seal.ts';
import { createFindingLog, type Fault } from './findings/findings.ts';
import { type LaterLevel, noteLevel, reportLevel } from './later-level.ts';
import { sealFaults } from './seals/chain.ts';
import { createSegmentListing, type SegmentListing } from './seals/listing.ts';
import type { Link } from './seals/seals.ts';
import { refusedByKey, settleTrust } from './seals/trust.ts';
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
  head: Link | null;
  first: number | null;
  last: Place | null;
  readonly pointers: Pointers;
  seals: number;
  segments: number;
  records: number;
  plainBytes: number;
  expired: number;
  remembered: 'unseen' | 'good' | 'bad';
  laterLevel: LaterLevel | null;
  signers: readonly string[];
}

/** Throws RowsealError where the store as a whole cannot be listed. */
export async function verify(reader: TrailReader, options: VerifyOptions): Promise<Verdict> {
  const log = createFindingLog();
  const verifier = await settleTrust(reader, options.key, log);
  const pool = createPool(options.threads);
  const run: Run = {
    context: { reader, pool, log, now: options.now },
    options,
    listing: createSegmentListing(reader),
    abandoned: createAbandoned(),
    authentic: createAuthenticNumbers(),
    head: null,
    first: null,
    last: { number: 0, index: 0, text: null },
    pointers: createPointers(),
    seals: 0,
    segments: 0,
    records: 0,
    plainBytes: 0,
    expired: 0,
    remembered: 'unseen',
    laterLevel: null,
    signers: [],
  };
  try {
    if (verifier !== null) {
      const from = Math.max(0, options.since - 1);
      const walk = walkSeals(reader, { verifier, from, now: options.now, log });
      await checkSeals(walk, verifier, run);
      await settleHead(walk, reader, verifier, run);
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
    compareRemembered(link, run);
    run.abandoned.note(link.file.seal);
    run.authentic.note(link.number);
    if (link.number < run.options.since) {
      run.last = endOf(link.file.seal);
      continue;
    }
    for (const { code, message } of sealFaults(link, previous)) {
      log.add(code, link.key, message, { seal: link.number });
    }
    if (link.number === 0 && link.file.seal.log_key !== verifier.vkey) {
      log.add('log_key_mismatch', link.key, 'seal 0 names another key than the one checked with', {
        seal: 0,
      });
    }
    run.laterLevel = noteLevel(run.laterLevel, link);
    run.first ??= link.number;
    run.seals += 1;
    const segments = run.options.sealsOnly ? [] : await locateSegments(link, run.listing);
    const evidence = checkEvidence(link, segments, run.context);
    evidence.catch(() => {});
    underWay.push({ link, before: previous?.file.seal ?? null, evidence });
    if (underWay.length >= UNDER_WAY) await settleOne();
    if (run.laterLevel?.changesKey) break;
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
  const { reports } = evidence;
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
    recordFaults(seal, reports).forEach(add);
    run.records += seal.count;
    run.plainBytes += seal.segments.reduce((sum, entry) => sum + entry.plain_bytes, 0);
  }
  run.pointers.settle(seal, before, evidence).forEach(add);
  run.options.onProgress?.({ seals: run.seals, records: run.records, plainBytes: run.plainBytes });
}

/** The last record's place as the seal itself has it, where its records were not read. */
function endOf({ source: { transactions, partial } }: Seal): Place {
  return { number: transactions, index: partial === undefined ? 0 : partial.next - 1, text: null };
}

/** Whether the seal of the remembered size has the remembered root. */
function compareRemembered({ key, file: { checkpoint }, number }: Link, run: Run): void {
  const { remembered } = run.options;
  if (remembered === null || checkpoint.size !== remembered.size) return;
  const same = checkpoint.root.equals(remembered.root) && checkpoint.origin === remembered.origin;
  run.remembered = same ? 'good' : 'bad';
  if (same) return;
  run.context.log.add('head_mismatch', key, 'its root is not the one that you remembered', { seal: number });
}

/** What can only be said when the last seal is known. */
async function settleHead(walk: Walk, reader: TrailReader, verifier: VerifierKey, run: Run): Promise<void> {
  const { log } = run.context;
  const { remembered, since } = run.options;
  if (run.head === null) {
    run.signers = [...walk.foreign.signers];
    await refusedByKey(reader, walk, verifier, since, log);
    return;
  }
  reportLevel(run.laterLevel, run.options, log);
  if (run.seals === 0) log.add('no_trail', '', `no seal from ${since} on; the head is ${run.head.number}`);
  if (remembered === null || run.remembered !== 'unseen' || run.laterLevel?.changesKey) return;
  const size = run.head.file.checkpoint.size;
  if (size < remembered.size) {
    const message = `you remembered ${remembered.size} leaves, the trail has ${size}: its newest seals are gone`;
    log.add('head_mismatch', run.head.key, message, { seal: run.head.number });
  } else if (run.first === 0) {
    log.add('head_mismatch', '', `no seal ends at the ${remembered.size} leaves that you remembered`);
  } else log.add('no_anchor', '', 'the remembered head lies before the seals that were checked');
}
