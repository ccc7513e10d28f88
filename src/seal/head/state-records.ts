/**
 * Reads the records that the head points at (FORMAT.md section 7, State): what the daemon before knew. The head may
 * stand far above them, so the seal that holds one is searched by its leaf, downwards. What is gone, or is not what it
 * should be, is not known: a trail goes on without, as one that never had it. It must never believe bytes that no seal names.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Known, KnownRecord } from '../../change/known.ts';
import type { Mark } from '../../change/sink.ts';
import { lookUp, versionsOf } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { sealPath, segmentPath, TRAIL_CLASS } from '../../trail/names.ts';
import { findingOf } from '../../trail/refuse.ts';
import type { Seal, SegmentEntry } from '../../trail/seal.ts';
import { STATE_EVENTS } from '../../trail/seal-source.ts';
import { decompressSegment } from '../../trail/segment.ts';
import type { Head } from './head.ts';
import { oldestSeal, type SealCheck } from './oldest.ts';

interface Parts {
  readonly store: TrailReader;
  readonly isSeal: SealCheck;
}

/** Throws what the store throws, save where something is missing. */
export async function readState(parts: Parts, head: Head, log: Log): Promise<Known> {
  const read = async (mark: Mark): Promise<KnownRecord | null> => {
    const leaf = head.state[mark];
    if (leaf === undefined) return null;
    const seal = await sealOf(leaf, head.number, parts);
    const record = seal === null ? null : knownOf(await lineOf(leaf, seal, parts), STATE_EVENTS[mark]);
    if (record === null)
      log.warn({ leaf, mark }, 'what the trail knew is not there any more: going on without');
    return record;
  };
  return { policy: await read('policy'), capture: await read('capture') };
}

/**
 * The seal among 0…`newest` that has this leaf: the last whose `first` is not above it. The first seals may have expired:
 * one that is gone stands below. Null where it is gone itself.
 */
async function sealOf(leaf: number, newest: number, parts: Parts): Promise<Seal | null> {
  let above = newest + 1;
  let below = -1;
  let found: Seal | null = null;
  const look = async (number: number) => {
    const listed = await lookUp(parts.store, sealPath(number));
    const seal = (await oldestSeal(parts.store, listed, parts.isSeal)).found?.file.seal ?? null;
    if (seal !== null && seal.first > leaf) above = number;
    else [below, found] = [number, seal];
  };
  for (let step = 1; below < 0 && above > 0; step *= 2) await look(Math.max(0, above - step));
  while (below + 1 < above) await look(below + Math.floor((above - below) / 2));
  return found;
}

/** The record's line in its segment of class `trail`; null where the segment does not have it. */
async function lineOf(leaf: number, seal: Seal, { store }: Parts): Promise<Buffer | null> {
  const entry = seal.segments.find(({ class: name, first, count }) => {
    return name === TRAIL_CLASS && leaf >= first && leaf < first + count;
  });
  const object = entry === undefined ? null : await objectOf(entry, seal, store);
  if (entry === undefined || object === null) return null;
  const plain = plainOf(object, entry);
  let start = 0;
  for (let i = entry.first; i < leaf && plain !== null; i++) start = plain.indexOf(0x0a, start) + 1;
  return plain === null ? null : plain.subarray(start, plain.indexOf(0x0a, start));
}

/** The version that the seal names by its hash, under the path that it must have. */
async function objectOf(entry: SegmentEntry, seal: Seal, store: TrailReader): Promise<Buffer | null> {
  const path = segmentPath(entry.class, seal.sealed_at, seal.number, entry.sha256);
  for await (const { deleteMarker, bytes, key, version } of versionsOf(store, await lookUp(store, path))) {
    if (deleteMarker || bytes !== entry.bytes) continue;
    const object = await store.read(key, version, entry.bytes).catch(unlessMissing);
    if (object !== null && hash('sha256', object) === entry.sha256) return object;
  }
  return null;
}

function unlessMissing(error: unknown): null {
  if (error instanceof RowsealError && error.code === 'object_missing') return null;
  throw error;
}

function plainOf(object: Buffer, entry: SegmentEntry): Buffer | null {
  try {
    return decompressSegment(object, entry.plain_bytes);
  } catch (error) {
    if (findingOf(error) === null) throw error;
    return null;
  }
}

/** Null where it is no lifecycle record of one of these events. */
function knownOf(line: Buffer | null, events: ReadonlySet<unknown>): KnownRecord | null {
  const record = line === null ? null : (JSON.parse(line.toString()) as Partial<Record<string, unknown>>);
  if (record?.['kind'] !== 'lifecycle' || !events.has(record['event'])) return null;
  const { time, details } = record;
  if (typeof time !== 'string' || typeof details !== 'object' || details === null) return null;
  return { time, details: details as KnownRecord['details'] };
}
