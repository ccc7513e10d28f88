/**
 * What lies in the store beside the evidence: segments that no seal names, further versions of seals. Seals list
 * what a crash or a lost race left behind; the rest is reported, as a notice, for it altered nothing.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../../base/errors.ts';
import { lookUp } from '../../store/keys.ts';
import type { Seal } from '../../trail/seal.ts';
import { MAX_OBJECT_BYTES } from '../../trail/segment.ts';
import type { SegmentListing } from '../seals/listing.ts';
import type { FurtherVersion } from '../seals/walk.ts';
import type { EvidenceContext } from './evidence.ts';

/** What seals have listed as abandoned. Bounded: beyond it, what was listed is reported all the same. */
export interface Abandoned {
  note(seal: Seal): void;
  has(pathOrHash: string): boolean;
  readonly hashes: () => boolean;
}

const MAX_ABANDONED = 200_000;
const HASH = /^[0-9a-f]{64}$/;

export function createAbandoned(): Abandoned {
  const listed = new Set<string>();
  let hashes = false;
  return {
    note(seal) {
      for (const each of seal.abandoned ?? []) {
        if (listed.size >= MAX_ABANDONED || each.length > 200) return;
        listed.add(each);
        hashes ||= HASH.test(each);
      }
    },
    has: (each) => listed.has(each),
    hashes: () => hashes,
  };
}

/** Numbers that have an authentic seal, as they come: ascending. */
export interface AuthenticNumbers {
  note(number: number): void;
  has(number: number): boolean;
}

export function createAuthenticNumbers(): AuthenticNumbers {
  /** First and last number of each run, in order. */
  const starts: number[] = [];
  const ends: number[] = [];
  return {
    note(number) {
      if (ends.at(-1) === number - 1) ends[ends.length - 1] = number;
      else {
        starts.push(number);
        ends.push(number);
      }
    },
    has(number) {
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (starts[middle]! <= number) low = middle;
        else high = middle - 1;
      }
      return starts.length > 0 && starts[low]! <= number && number <= ends[low]!;
    },
  };
}

/**
 * Strays that no seal has listed. Only a number with an authentic seal can tell: segments above the head are in
 * flight, those of first seals that have expired outlive them, those of a missing seal are explained by its finding.
 */
export async function reportStrays(
  further: readonly FurtherVersion[],
  run: {
    readonly context: EvidenceContext;
    readonly listing: SegmentListing;
    readonly abandoned: Abandoned;
    readonly authentic: AuthenticNumbers;
    readonly options: { readonly since: number; readonly sealsOnly: boolean };
  },
): Promise<void> {
  const { context, abandoned, options } = run;
  for (const { key, seal, sha256 } of further) {
    if (abandoned.has(sha256)) continue;
    context.log.add('further_version', key, `a further version with other bytes (SHA-256 ${sha256})`, {
      seal,
    });
  }
  if (options.sealsOnly) return;
  const strays = await run.listing.strays();
  for (const key of strays.odd) context.log.add('stray_object', key, NO_NAME);
  if (strays.moreOdd > 0) context.log.add('stray_object', 'segments/', `${strays.moreOdd} more: ${NO_NAME}`);
  let hashed = 0;
  for (const { key, number } of strays.segments) {
    if (!run.authentic.has(number) || number < options.since || abandoned.has(key)) continue;
    if (abandoned.hashes() && hashed < MAX_HASHED) {
      hashed += 1;
      if (await isListedByHash(key, run)) continue;
    }
    context.log.add('stray_segment', key, 'no seal names it', { seal: number });
  }
  if (strays.moreSegments > 0) {
    const message = `${strays.moreSegments} more segments that no seal names were not looked at`;
    context.log.add('stray_segment', 'segments/', message);
  }
}

const NO_NAME = 'it has no segment’s name';
/** Strays that are read to find their hash among the abandoned ones; our writer lists segments by their paths. */
const MAX_HASHED = 1000;

async function isListedByHash(
  key: string,
  { context: { reader }, abandoned }: { readonly context: EvidenceContext; readonly abandoned: Abandoned },
): Promise<boolean> {
  const listed = await lookUp(reader, key);
  if (listed.more) return false;
  for (const { version, deleteMarker } of listed.versions) {
    if (deleteMarker) continue;
    try {
      const bytes = await reader.read(key, version, MAX_OBJECT_BYTES);
      if (!abandoned.has(hash('sha256', bytes, 'hex'))) return false;
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
      return false;
    }
  }
  return true;
}
