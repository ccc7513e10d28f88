/**
 * What the newest part of a trail says of itself: how well its changes are attributed, where it admits holes, what
 * crashes left. It looks back from the head and says how far; it is no verification, and passes nothing off as one.
 */
import { RowsealError } from '../../base/errors.ts';
import { oldestSeal, type SealCheck } from '../../seal/head/oldest.ts';
import { lookUp } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { sealPath, TRAIL_CLASS } from '../../trail/names.ts';
import { findingOf } from '../../trail/refuse.ts';
import type { Seal, SegmentEntry } from '../../trail/seal.ts';
import { openSegment } from '../../verify/read-records.ts';

export const TIERS = ['signed', 'asserted', 'session', 'annotated', 'connection', 'none'] as const;
export type TierName = (typeof TIERS)[number];

export interface Gap {
  readonly seal: number;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export interface Tail {
  /** First and last seal that was looked at. */
  readonly seals: readonly [number, number];
  /** Change records in them. */
  readonly changes: number;
  readonly tiers: Readonly<Record<TierName, number>>;
  /** From gap records: accepted holes, and what could not be read. */
  readonly gaps: readonly Gap[];
  readonly abandoned: number;
  /** Why looking back ended early, if it did: something that `rowseal verify` will name. */
  readonly broken: string | null;
}

export interface TailLimits {
  /** Looking back ends when so many changes were counted… */
  readonly changes: number;
  /** …or so many seals were read. */
  readonly seals: number;
}

/** Reads seals from `head` backwards. Throws what the store throws, save that an object is missing. */
export async function readTail(
  store: TrailReader,
  isSeal: SealCheck,
  head: number,
  limits: TailLimits,
): Promise<Tail> {
  const tiers: Record<TierName, number> = {
    signed: 0,
    asserted: 0,
    session: 0,
    annotated: 0,
    connection: 0,
    none: 0,
  };
  const gaps: Gap[] = [];
  let changes = 0;
  let abandoned = 0;
  let first = head + 1;
  let broken: string | null = null;
  while (first > 0 && head - first + 1 < limits.seals && changes < limits.changes) {
    const number = first - 1;
    try {
      const seal = await readSeal(store, isSeal, number);
      for (const entry of seal.segments) {
        const plain = await readSegment(store, entry);
        changes += countTiers(plain, tiers);
        if (entry.class === TRAIL_CLASS) gaps.push(...gapsIn(plain, number));
      }
      abandoned += seal.abandoned?.length ?? 0;
    } catch (error) {
      if (!isEvidenceFault(error)) throw error;
      broken = `seal ${number}: ${error.message}`;
      break;
    }
    first = number;
  }
  return { seals: [first, head], changes, tiers, gaps, abandoned, broken };
}

async function readSeal(store: TrailReader, isSeal: SealCheck, number: number): Promise<Seal> {
  const { found } = await oldestSeal(store, await lookUp(store, sealPath(number)), isSeal);
  if (found === null) throw new RowsealError('trail_invalid', 'it is not validly signed for its number');
  return found.file.seal;
}

async function readSegment(store: TrailReader, entry: SegmentEntry): Promise<Buffer> {
  const plain = await openSegment(store, entry.object, entry);
  if (plain === null) {
    throw new RowsealError(
      'trail_invalid',
      `${entry.object} is not there with the SHA-256 that the seal says`,
    );
  }
  return plain;
}

function countTiers(plain: Buffer, tiers: Record<TierName, number>): number {
  let changes = 0;
  for (const text of recordsOf(plain, 'change')) {
    changes += 1;
    const { attribution } = JSON.parse(text) as { attribution?: { tier?: string } };
    const tier = TIERS.find((name) => name === attribution?.tier);
    if (tier !== undefined) tiers[tier] += 1;
  }
  return changes;
}

function gapsIn(plain: Buffer, seal: number): Gap[] {
  return [...recordsOf(plain, 'gap')].map((text) => {
    const { from, to, reason } = JSON.parse(text) as Record<string, unknown>;
    return { seal, from: String(from), to: String(to), reason: String(reason) };
  });
}

/** Texts of the records of one kind. */
function* recordsOf(plain: Buffer, kind: string): Generator<string> {
  const head = Buffer.from(`{"kind":"${kind}",`);
  for (let at = 0; at < plain.length; ) {
    const lf = plain.indexOf(0x0a, at);
    const end = lf === -1 ? plain.length : lf;
    if (plain.compare(head, 0, head.length, at, Math.min(at + head.length, end)) === 0) {
      yield plain.toString('utf8', at, end);
    }
    at = end + 1;
  }
}

function isEvidenceFault(error: unknown): error is RowsealError {
  if (!(error instanceof RowsealError)) return false;
  const { code } = error;
  return (
    code === 'object_missing' ||
    code === 'object_too_large' ||
    code === 'trail_invalid' ||
    findingOf(error) !== null
  );
}
