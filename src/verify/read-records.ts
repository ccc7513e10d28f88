/**
 * Reads records out of a trail for showing them: only from seals that the key signed, and only from segments whose
 * SHA-256 is the one in such a seal. It is no verification of the trail (chain, completeness, removed seals): that
 * is verify.ts. It must never hand out a record of a segment that was changed.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../base/errors.ts';
import { lookUp, versionsOf } from '../store/keys.ts';
import type { TrailReader } from '../store/store.ts';
import { sealPath, segmentPath } from '../trail/names.ts';
import type { VerifierKey } from '../trail/note.ts';
import { findingOf } from '../trail/refuse.ts';
import type { Seal, SegmentEntry } from '../trail/seal.ts';
import { decompressSegment, MAX_OBJECT_BYTES } from '../trail/segment.ts';
import { validateJson } from '../trail/strict-json.ts';
import { createFindingLog } from './findings/findings.ts';
import { endsKnownKeys, firstKey } from './seals/keys.ts';
import { firstUseKey } from './seals/seals.ts';
import { walkSeals } from './seals/walk.ts';

/** A record as it lies in the trail, and its value. */
export interface StoredRecord {
  readonly bytes: Buffer;
  readonly value: Readonly<Record<string, unknown>>;
  readonly seal: number;
  /** Leaf index. */
  readonly leaf: number;
  readonly className: string;
}

export interface RecordQuery {
  /** Null: the key that seal 0 names. */
  readonly key: VerifierKey | null;
  /** Cheap test on a record's bytes, before they are parsed. */
  readonly mayMatch: (bytes: Buffer) => boolean;
  readonly matches: (value: Readonly<Record<string, unknown>>) => boolean;
  /** What was wrong on the way and could not be shown. */
  readonly onProblem: (message: string) => void;
  /** Each seal that was read, in order. */
  readonly onSeal?: (seal: Seal) => void;
}

/**
 * Matching records, seal after seal, those of one seal in the order of their transactions; what has none stays beside its
 * neighbours of the same segment: a relation before the change behind it, all else after what is before it. Throws
 * `trail_missing` where there is no trail, `key_invalid` where it names no key that signed it.
 */
export async function* readRecords(reader: TrailReader, query: RecordQuery): AsyncGenerator<StoredRecord> {
  const verifier = query.key ?? (await firstUseKey(reader, await lookUp(reader, sealPath(0))));
  if (verifier === null) {
    throw new RowsealError('trail_missing', `No seal 0 at ${reader.location} names a key that signed it.`);
  }
  const log = createFindingLog();
  const now = new Date();
  const walk = walkSeals(reader, { keys: firstKey(verifier), from: 0, now, log });
  let any = false;
  for await (const { file, key } of walk.links) {
    any = true;
    if (endsKnownKeys(file)) {
      query.onProblem(
        `${key}: it names the key that signs behind it by rules of a later version; nothing behind it is shown`,
      );
    }
    query.onSeal?.(file.seal);
    const found: Placed[] = [];
    for (const entry of file.seal.segments) {
      found.push(...(await readSegment(reader, file.seal, entry, query, now)));
    }
    for (const { record } of found.sort(byPlace)) yield record;
  }
  if (!any) throw new RowsealError('trail_missing', `No seal at ${reader.location} is signed by this key.`);
  for (const { code, object, message } of log.list('finding'))
    query.onProblem(`${code} ${object}: ${message}`);
  for (const { object, message } of log.list('unchecked')) query.onProblem(`${object}: ${message}`);
}

async function readSegment(
  reader: TrailReader,
  seal: Seal,
  entry: SegmentEntry,
  query: RecordQuery,
  now: Date,
): Promise<Placed[]> {
  const key = segmentPath(entry.class, seal.sealed_at, seal.number, entry.sha256);
  const plain = await openSegment(reader, key, entry);
  if (plain === null) {
    if (now.getTime() <= Date.parse(entry.retain_until))
      query.onProblem(`${key}: missing or changed; not shown`);
    return [];
  }
  const found: Placed[] = [];
  /** Relations whose change has not come yet. */
  let ahead: Placed[] = [];
  let last: Place = { number: 0, index: 0 };
  let leaf = entry.first;
  for (let at = 0; at < plain.length; leaf++) {
    const lf = plain.indexOf(0x0a, at);
    const end = lf === -1 ? plain.length : lf;
    const bytes = plain.subarray(at, end);
    at = end + 1;
    if (!query.mayMatch(bytes)) continue;
    try {
      validateJson(bytes);
    } catch {
      query.onProblem(`${key}: record ${leaf} is not strict JSON; not shown`);
      continue;
    }
    const parsed: unknown = JSON.parse(bytes.toString());
    if (typeof parsed !== 'object' || parsed === null) {
      query.onProblem(`${key}: record ${leaf} is no object; not shown`);
      continue;
    }
    const value = parsed as Readonly<Record<string, unknown>>;
    const place = placeOf(value);
    if (place !== null) {
      last = place;
      for (const relation of ahead) relation.place = place;
      ahead = [];
    }
    if (!query.matches(value)) continue;
    // A copy: the segment's memory is not kept for one record of it.
    const record = { bytes: Buffer.from(bytes), value, seal: seal.number, leaf, className: entry.class };
    const placed: Placed = { record, place: last };
    if (value['kind'] === 'relation') ahead.push(placed);
    found.push(placed);
  }
  return found;
}

/** Where a record stands among those of its seal. */
interface Place {
  readonly number: number;
  readonly index: number;
}

interface Placed {
  readonly record: StoredRecord;
  place: Place;
}

/** The plain bytes of the version with the seal's SHA-256; null where there is none. */
export async function openSegment(
  reader: TrailReader,
  key: string,
  entry: SegmentEntry,
): Promise<Buffer | null> {
  for await (const { version, deleteMarker, bytes } of versionsOf(reader, await lookUp(reader, key))) {
    if (deleteMarker || bytes !== entry.bytes) continue;
    const object = await reader.read(key, version, MAX_OBJECT_BYTES);
    if (hash('sha256', object, 'hex') !== entry.sha256) continue;
    try {
      return decompressSegment(object, entry.plain_bytes);
    } catch (error) {
      if (findingOf(error) === null) throw error;
    }
  }
  return null;
}

/** Transactions in commit order, and in them by index. */
function byPlace(a: Placed, b: Placed): number {
  return a.place.number - b.place.number || a.place.index - b.place.index || a.record.leaf - b.record.leaf;
}

function placeOf({ transaction }: StoredRecord['value']): Place | null {
  if (typeof transaction !== 'object' || transaction === null) return null;
  const { number, index } = transaction as { number?: unknown; index?: unknown };
  const counted = (given: unknown) =>
    typeof given === 'number' || typeof given === 'string' ? Number(given) || 0 : 0;
  return { number: counted(number), index: counted(index) };
}
