/**
 * Packs (FORMAT.md section 14): the seals, or one class's segments, of consecutive seals in one file. Where a pack says that
 * an object lies is believed only as far as every bound goes, and an object is handed over only with the SHA-256 that the pack
 * names; whether it is the trail's is for the caller to see, as for one from its own path. It must never take more than
 * the bytes that are there.
 */
import { hash } from 'node:crypto';
import {
  isClassName,
  isTrailName,
  MAX_SEAL_NUMBER,
  packPath,
  parseSegmentPath,
  sealNumber,
} from '../names.ts';
import { refusal } from '../refuse.ts';
import { MAX_SEAL_BYTES, MIN_SEAL_BYTES } from '../seal.ts';
import { MAX_OBJECT_BYTES } from '../segment.ts';
import { JsonRefusal, parseJson } from '../strict-json.ts';

/** At most 128 MiB in a pack. */
export const MAX_PACK_BYTES = 128 * 1024 * 1024;
/** At most 1 MiB in its two lines. */
export const MAX_PACK_HEAD_BYTES = 1024 * 1024;
/** At most so many consecutive seals, and so many objects. */
export const MAX_PACK_SEALS = 1024;

/** Which objects a pack is of. */
export interface PackScope {
  readonly trail: string;
  /** Null: the seals themselves. */
  readonly className: string | null;
  /** First and last number of the seals. */
  readonly first: number;
  readonly last: number;
}

export interface PackEntry {
  readonly path: string;
  /** The seal's number that the path bears. */
  readonly number: number;
  /** Where the object begins in the file. */
  readonly offset: number;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface Pack extends PackScope {
  readonly entries: readonly PackEntry[];
  /** Length of the whole file. */
  readonly fileBytes: number;
}

const HEADER = 'rowseal/pack@v1\n';

/** A pack's bytes from objects in ascending order of their seals. Throws refusals `pack_…` for what would be no pack. */
export function formatPack(
  { trail, className, first, last }: PackScope,
  objects: readonly { readonly path: string; readonly bytes: Buffer }[],
): Buffer {
  const entries = objects.map(({ path, bytes }) => ({
    path,
    bytes: bytes.length,
    sha256: hash('sha256', bytes, 'hex'),
  }));
  const line = JSON.stringify({ kind: 'pack', trail, class: className, first, last, objects: entries });
  const head = Buffer.from(`${HEADER}${line}\n`);
  const fileBytes = entries.reduce((sum, { bytes }) => sum + bytes, head.length);
  parsePackHead(head, fileBytes, { trail, path: packPath(className, first) });
  return Buffer.concat([head, ...objects.map(({ bytes }) => bytes)], fileBytes);
}

/** Parses a whole pack that was read at `path` of that trail. Throws refusals `pack_…`. */
export function parsePack(file: Buffer, at: { readonly trail: string; readonly path: string }): Pack {
  return parsePackHead(file, file.length, at);
}

/**
 * The same from the beginning of a file of `fileBytes` alone: its two lines are in the first MAX_PACK_HEAD_BYTES. Throws
 * refusals `pack_…`.
 */
export function parsePackHead(
  head: Buffer,
  fileBytes: number,
  { trail, path }: { readonly trail: string; readonly path: string },
): Pack {
  if (fileBytes > MAX_PACK_BYTES) throw refusal('pack_too_large', 'the pack is over 128 MiB');
  if (head.toString('latin1', 0, HEADER.length) !== HEADER) throw malformed('its first line');
  const lf = head.subarray(0, MAX_PACK_HEAD_BYTES).indexOf(0x0a, HEADER.length);
  if (lf === -1) throw malformed('its two lines do not end within 1 MiB');
  const pack = checkPack(parseLine(head.subarray(HEADER.length, lf)), lf + 1);
  if (pack.fileBytes !== fileBytes) {
    throw malformed(`its objects end at ${pack.fileBytes}, the file has ${fileBytes} bytes`);
  }
  if (pack.trail !== trail) throw refusal('pack_place', 'the pack is of another trail');
  if (packPath(pack.className, pack.first) !== path) {
    throw refusal('pack_place', 'the pack belongs at another path');
  }
  return pack;
}

/**
 * The object of that path, as a view of the pack's file; null where the pack does not hold it. Throws a refusal
 * `pack_object` where its bytes are not those that the pack names.
 */
export function packedObject(pack: Pack, file: Buffer, path: string): Buffer | null {
  const entry = pack.entries.find((each) => each.path === path);
  if (entry === undefined) return null;
  const bytes = file.subarray(entry.offset, entry.offset + entry.bytes);
  if (bytes.length !== entry.bytes || hash('sha256', bytes, 'hex') !== entry.sha256) {
    throw refusal('pack_object', `the pack holds other bytes of ${path} than it says`, { path });
  }
  return bytes;
}

type Members = Readonly<Record<string, unknown>>;

/** Every member's type and range; `start` is where the first object begins. */
function checkPack(value: unknown, start: number): Pack {
  const pack = members(value, 'line');
  const { kind, trail, class: className, first, last, objects } = pack;
  expect(kind === 'pack', 'kind');
  expect(typeof trail === 'string' && isTrailName(trail), 'trail');
  expect(className === null || (typeof className === 'string' && isClassName(className)), 'class');
  expect(isCount(first, MAX_SEAL_NUMBER), 'first');
  expect(isCount(last, MAX_SEAL_NUMBER) && last >= first && last - first < MAX_PACK_SEALS, 'last');
  expect(Array.isArray(objects) && objects.length > 0 && objects.length <= MAX_PACK_SEALS, 'objects');
  const entries: PackEntry[] = [];
  let offset = start;
  for (const object of objects as unknown[]) {
    const entry = checkEntry(object, className, offset);
    const after = entries.at(-1)?.number ?? first - 1;
    expect(entry.number > after && entry.number <= last, 'objects');
    entries.push(entry);
    offset += entry.bytes;
  }
  expect(className !== null || entries.length === last - first + 1, 'objects');
  return { trail, className, first, last, entries, fileBytes: offset };
}

function checkEntry(value: unknown, className: string | null, offset: number): PackEntry {
  const { path, bytes, sha256 } = members(value, 'objects');
  expect(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256), 'objects[].sha256');
  expect(typeof path === 'string', 'objects[].path');
  if (className === null) {
    const number = sealNumber(path);
    expect(number !== null, 'objects[].path');
    expect(isCount(bytes, MAX_SEAL_BYTES) && bytes >= MIN_SEAL_BYTES, 'objects[].bytes');
    return { path, number, offset, bytes, sha256 };
  }
  const named = parseSegmentPath(path);
  expect(
    named?.className === className && path.endsWith(`-${sha256.slice(0, 16)}.jsonl.zst`),
    'objects[].path',
  );
  expect(isCount(bytes, MAX_OBJECT_BYTES) && bytes > 0, 'objects[].bytes');
  return { path, number: named.number, offset, bytes, sha256 };
}

function parseLine(line: Buffer): unknown {
  try {
    return parseJson(line);
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    throw refusal('pack_json', `the pack's JSON is refused: ${error.message} at byte ${error.at}`);
  }
}

function members(value: unknown, what: string): Members {
  expect(typeof value === 'object' && value !== null && !Array.isArray(value), what);
  return value as Members;
}

function expect(good: boolean, member: string): asserts good {
  if (!good) throw refusal('pack_member', `the pack's ${member} is missing or out of its range`, { member });
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function malformed(what: string): Error {
  return refusal('pack_malformed', `the pack is malformed: ${what}`);
}
