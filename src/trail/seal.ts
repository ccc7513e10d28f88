/**
 * The seal file: its JSON line and its checkpoint, written and read. A seal is attacker-controlled until its
 * signature, tree and chain have been checked, so every member's type and range is checked here, and nothing
 * here believes what they say. Members that this version does not know are passed over.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../base/errors.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { createRange, type Range } from './merkle.ts';
import { isClassName, isTrailName, MAX_NAME_BYTES, MAX_SEAL_NUMBER } from './names.ts';
import { type Note, parseNote, parseVerifierKey } from './note.ts';
import { refusal } from './refuse.ts';
import { parseSealedAt } from './retention.ts';
import {
  expect,
  isCount,
  isHash,
  isHex,
  isMidnight,
  isRange,
  isText,
  isTexts,
  type Members,
  members,
} from './seal-form.ts';
import { checkSource, levelOf, type SealSource } from './seal-source.ts';
import { MAX_OBJECT_BYTES, MAX_PLAIN_BYTES } from './segment.ts';
import { JsonRefusal, parseJson } from './strict-json.ts';

export const MAX_SEAL_BYTES = 1024 * 1024;
/** No seal has fewer: its members and its checkpoint alone are some 400. */
export const MIN_SEAL_BYTES = 256;
export const SEAL_REASONS = ['start', 'age', 'size', 'count', 'idle', 'stop', 'gap', 'rotate'] as const;
/** The highest level whose record rules this version knows (FORMAT.md section 7, `source.level`). */
export const KNOWN_LEVEL = 2;
export type SealReason = (typeof SEAL_REASONS)[number];

/** The seal's JSON, members in the order in which they are written. Hashes are base64 unless said otherwise. */
export interface Seal {
  readonly kind: 'seal';
  readonly trail: string;
  readonly number: number;
  /** SHA-256 of the whole previous seal file; null in seal 0. */
  readonly previous: string | null;
  /** `YYYY-MM-DDThh:mm:ss.mmmZ`. */
  readonly sealed_at: string;
  readonly reason: SealReason;
  /** Tree size before this seal. */
  readonly first: number;
  /** Records in this seal. */
  readonly count: number;
  /** Compact range of [0, first). */
  readonly before: readonly string[];
  readonly segments: readonly SegmentEntry[];
  /** Holes between the previous seal's `through` and `source.from`, one after another. */
  readonly gaps?: readonly { readonly from: string; readonly to: string }[];
  readonly source: SealSource;
  /** Midnight UTC. */
  readonly retain_until: string;
  /** The previous seal's `retain_until`; never in seal 0, nor in trails older than this member. */
  readonly previous_retain_until?: string;
  /** Seal 0 only: the vkey, equal to the genesis record's. */
  readonly log_key?: string;
  /** From level 2 on, meaningless at level 1: the vkey of the key that signs from the next seal on. */
  readonly next_key?: string;
  /** Paths, or SHA-256 in hex, of objects that a crash or a lost race left behind. */
  readonly abandoned?: readonly string[];
}

export interface SegmentEntry {
  readonly class: string;
  readonly object: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly plain_bytes: number;
  readonly first: number;
  readonly count: number;
  readonly range: readonly string[];
  readonly retain_until: string;
}

export interface SealFile {
  readonly seal: Seal;
  /** The JSON line without its LF: the seal's leaf. */
  readonly leaf: Buffer;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
  /** SHA-256 of the whole file in base64: the next seal's `previous`. */
  readonly digest: string;
}

const HEADER = 'rowseal/seal@v1\n';

/** The JSON line of a seal, without LF. */
export function sealLeaf(seal: Seal): Buffer {
  return Buffer.from(JSON.stringify(seal));
}

/** The file's bytes from the JSON line and the signed checkpoint. */
export function formatSealFile(leaf: Buffer, note: string): Buffer {
  return Buffer.concat([Buffer.from(HEADER), leaf, Buffer.from(`\n\n${note}`)]);
}

/** The level whose rules the records of a seal follow. */
export function sealLevel({ source }: Seal): number {
  return levelOf(source);
}

/** Whether the records of a seal follow rules that this version does not know. */
export function isOfLaterLevel(seal: Seal): boolean {
  return sealLevel(seal) > KNOWN_LEVEL;
}

/** SHA-256 of a whole seal file, as the next seal's `previous`. */
export function sealDigest(file: Buffer): string {
  return hash('sha256', file, 'base64');
}

/** Parses a seal file. Throws refusals `seal_…`, `note_malformed`, `checkpoint_malformed`. */
export function parseSealFile(file: Buffer): SealFile {
  if (file.length > MAX_SEAL_BYTES) throw refusal('seal_too_large', 'the seal file is over 1 MiB');
  if (file.toString('latin1', 0, HEADER.length) !== HEADER) throw malformed('its first line');
  const lf = file.indexOf(0x0a, HEADER.length);
  if (lf === -1 || file[lf + 1] !== 0x0a) throw malformed('no blank line behind its JSON');
  const leaf = file.subarray(HEADER.length, lf);
  const seal = checkSeal(parseLine(leaf));
  const text = file.subarray(lf + 2);
  const note = parseNote(text.toString('utf8'));
  // Bad UTF-8 would decode to U+FFFD, which no note of ours holds; see parseNote.
  return { seal, leaf, note, checkpoint: parseCheckpoint(note.text), digest: sealDigest(file) };
}

/** The 32-byte hashes of a range that `checkSeal` has accepted. */
export function decodeRange(range: readonly string[]): Range {
  return range.map((text) => Buffer.from(text, 'base64'));
}

/**
 * The range of [0, first + count + 1) that a seal spans: `before`, its segments' ranges, its own leaf. Throws a
 * refusal `segment_first` where its segments do not lie one after another.
 */
export function rangeThrough(seal: Seal, leaf: Buffer): Buffer[] {
  const range = createRange(0, decodeRange(seal.before), seal.first);
  for (const segment of seal.segments) {
    if (segment.first !== range.count()) {
      throw refusal(
        'segment_first',
        `the segment of class ${segment.class} does not begin at ${range.count()}`,
      );
    }
    range.merge(decodeRange(segment.range), segment.count);
  }
  range.append(leaf);
  return range.range();
}

function parseLine(leaf: Buffer): unknown {
  try {
    return parseJson(leaf);
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    throw refusal('seal_json', `the seal's JSON is refused: ${error.message} at byte ${error.at}`);
  }
}

/** Every member's type and range, and what one seal can be held to by itself. */
function checkSeal(value: unknown): Seal {
  const seal = members(value, 'the seal');
  expect(seal['kind'] === 'seal', 'kind');
  expect(typeof seal['trail'] === 'string' && isTrailName(seal['trail']), 'trail');
  expect(isCount(seal['number']) && seal['number'] <= MAX_SEAL_NUMBER, 'number');
  expect(seal['number'] === 0 ? seal['previous'] === null : isHash(seal['previous']), 'previous');
  expect(typeof seal['sealed_at'] === 'string' && parseSealedAt(seal['sealed_at']) !== null, 'sealed_at');
  expect(
    SEAL_REASONS.some((reason) => reason === seal['reason']),
    'reason',
  );
  expect(isCount(seal['first']), 'first');
  expect(isCount(seal['count']) && isCount(seal['first'] + seal['count'] + 1), 'count');
  expect(isMidnight(seal['retain_until']), 'retain_until');
  const before = seal['previous_retain_until'];
  expect(before === undefined || (isMidnight(before) && seal['number'] !== 0), 'previous_retain_until');
  expect(isRange(seal['before'], 0, seal['first']), 'before');
  expect(Array.isArray(seal['segments']), 'segments');
  (seal['segments'] as unknown[]).forEach(checkSegment);
  const source = members(seal['source'], 'source');
  checkSource(source);
  checkOfLevel(seal, levelOf(source));
  if (seal['gaps'] !== undefined) checkGaps(seal['gaps']);
  if (seal['number'] === 0) expect(typeof seal['log_key'] === 'string', 'log_key');
  if (seal['abandoned'] !== undefined) expect(isTexts(seal['abandoned']), 'abandoned');
  return value as Seal;
}

function checkSegment(value: unknown, index: number): void {
  const at = `segments[${index}]`;
  const entry = members(value, at);
  expect(typeof entry['class'] === 'string' && isClassName(entry['class']), `${at}.class`);
  expect(typeof entry['object'] === 'string', `${at}.object`);
  expect(isHex(entry['sha256']), `${at}.sha256`);
  const bytes = entry['bytes'];
  expect(isCount(bytes) && bytes > 0 && bytes <= MAX_OBJECT_BYTES, `${at}.bytes`);
  const plain = entry['plain_bytes'];
  expect(isCount(plain) && plain > 0 && plain <= MAX_PLAIN_BYTES, `${at}.plain_bytes`);
  expect(isCount(entry['first']), `${at}.first`);
  expect(isCount(entry['count']) && entry['count'] > 0, `${at}.count`);
  expect((entry['count'] as number) * 3 <= (plain as number), `${at}.count`);
  expect(isCount((entry['first'] as number) + (entry['count'] as number)), `${at}.count`);
  expect(isRange(entry['range'], entry['first'] as number, entry['count'] as number), `${at}.range`);
  expect(isMidnight(entry['retain_until']), `${at}.retain_until`);
}

/** What the form of a seal has from level 2 on. */
function checkOfLevel({ trail, next_key: nextKey }: Members, level: number): void {
  if (level < 2) return;
  expect((trail as string).length <= MAX_NAME_BYTES, 'trail');
  if (level === 2) expect(nextKey === undefined || isKeyOf(trail as string, nextKey), 'next_key');
}

function isKeyOf(trail: string, vkey: unknown): boolean {
  if (!isText(vkey)) return false;
  try {
    const key = parseVerifierKey(vkey);
    return key.vkey === vkey && key.name === trail;
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    return false;
  }
}

function checkGaps(value: unknown): void {
  expect(Array.isArray(value) && value.length > 0, 'gaps');
  for (const gap of value as unknown[]) {
    const { from, to } = members(gap, 'gaps');
    expect(typeof from === 'string' && typeof to === 'string', 'gaps');
  }
}

function malformed(what: string): Error {
  return refusal('seal_malformed', `the seal file is malformed: ${what}`);
}
