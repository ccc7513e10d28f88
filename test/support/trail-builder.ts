/**
 * Makes small trails with a key of its own, honest or not: an operator who lies signs and chains whatever a draft
 * says. It must stay independent of the sealer, so that verifier and writer are not tested against themselves.
 */
import { hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { RowsealError } from '../../src/base/errors.ts';
import type { Lock, ObjectVersion, TrailReader } from '../../src/store/store.ts';
import { formatCheckpoint } from '../../src/trail/checkpoint.ts';
import { createRange, rootOf } from '../../src/trail/merkle.ts';
import { sealPath, segmentPath } from '../../src/trail/names.ts';
import { type Signer, signerOf, signNote } from '../../src/trail/note.ts';
import { formatSealFile, rangeThrough, type Seal, sealLeaf } from '../../src/trail/seal.ts';
import { compressOptions } from '../../src/trail/segment.ts';

/** A seal or entry on its way to be written: anything goes. */
// biome-ignore lint/suspicious/noExplicitAny: a lying operator writes values of any type
export type Loose = Record<string, any>;

export interface SealDraft {
  /** Records by class, in order; no class, no segment. */
  readonly records: Readonly<Record<string, readonly string[]>>;
  readonly source?: Loose;
  readonly reason?: string;
  /** Bytes of the object from the plain bytes. */
  readonly compress?: (plain: Buffer) => Buffer;
  /** Plain bytes from the lines. */
  readonly plain?: (lines: readonly string[]) => Buffer;
  /** Changes the seal before it is signed. */
  readonly lie?: (seal: Loose) => void;
  /** Changes the leaf's text before it is signed. */
  readonly lieText?: (text: string) => string;
  readonly sealedAt?: string;
  readonly signer?: Signer;
  /** Who signs the same checkpoint beside the signer. */
  readonly also?: readonly Signer[];
}

export const NAME = 'audit.example.com/made';
export const SIGNER: Signer = signerOf(NAME, Buffer.alloc(32, 1)).signer;
export const OTHER_SIGNER: Signer = signerOf(NAME, Buffer.alloc(32, 2)).signer;
const KEEP = '2099-01-01T00:00:00Z';

/** `more` goes over its members: from level 2 on it has `log_keys`. */
export const genesis = (vkey: string = SIGNER.key.vkey, more: Loose = {}): string =>
  JSON.stringify({
    kind: 'genesis',
    trail: NAME,
    format: 'rowseal/1',
    created_at: '2026-11-21T20:00:00.000Z',
    source: { type: 'made' },
    log_key: vkey,
    ...more,
  });

/** A change record; `more` goes over its members. */
export function change(number: number, index: number, more: Loose = {}): string {
  return JSON.stringify({
    kind: 'change',
    id: `made:${number}:${index}`,
    time: '2026-11-21T20:00:01.000000Z',
    actor: { type: 'user', id: 'u_1' },
    attribution: { tier: 'asserted', via: 'message' },
    action: 'update',
    target: { schema: 'public', table: 'orders', key: { id: '42' } },
    outcome: 'success',
    transaction: { id: `7${number}`, position: `0/${number}`, number, index },
    image: 'full',
    patch: [
      { op: 'test', path: '/status', value: 'open' },
      { op: 'replace', path: '/status', value: 'paid' },
    ],
    ...more,
  });
}

/** Four seals: genesis and two classes, an idle one, a transaction cut in two. */
export function honestDrafts(): SealDraft[] {
  return [
    {
      records: {
        trail: [genesis()],
        default: [change(1, 1), change(1, 2), change(2, 1)],
        money: [change(1, 3), change(2, 2)],
      },
      source: { from: 'p0', through: 'p2', transactions: 2 },
      reason: 'start',
    },
    { records: {}, source: { from: 'p2', through: 'p2', transactions: 2 }, reason: 'idle' },
    {
      records: { default: [change(3, 1), change(3, 2), change(3, 3)] },
      source: { from: 'p2', through: 'p2', transactions: 3, partial: { position: '0/3', next: 4 } },
      reason: 'size',
    },
    {
      records: { default: [change(3, 4)], money: [change(3, 5), change(4, 1)] },
      source: { from: 'p2', through: 'p4', transactions: 4 },
      reason: 'age',
    },
    {
      records: { default: [change(5, 1)] },
      source: { from: 'p4', through: 'p5', transactions: 5 },
      reason: 'stop',
    },
  ];
}

/** A record that tells of the log's next keys. */
export const keyRecord = (...vkeys: string[]): string =>
  JSON.stringify({ kind: 'key', time: '2026-11-21T20:01:00.000Z', log_keys: vkeys });

/** A draft of level 2 whose seal hands over to the next key, by the rules. */
export function handingOver(draft: SealDraft, from: Signer, to: Signer): SealDraft {
  const { trail = [], ...records } = draft.records;
  return {
    ...draft,
    records: { trail: [...trail, keyRecord(to.key.vkey)], ...records },
    source: { ...draft.source, level: 2 },
    reason: 'rotate',
    signer: from,
    also: [to],
    lie: (seal) => {
      seal['next_key'] = to.key.vkey;
      draft.lie?.(seal);
    },
  };
}

/** The honest trail, whose seal 2 hands over to another key: seals 3 and 4 are signed by that one alone. */
export function rotatedDrafts(): SealDraft[] {
  return honestDrafts().map((draft, number) => {
    if (number === 2) return handingOver(draft, SIGNER, OTHER_SIGNER);
    if (number < 2) return draft;
    return { ...draft, source: { ...draft.source, level: 2 }, signer: OTHER_SIGNER };
  });
}

/** These drafts as seals of level 2; a genesis record is brought there, too. */
export function ofLevel2(drafts: readonly SealDraft[]): SealDraft[] {
  return drafts.map((draft) => {
    const { source = { from: 'p', through: 'p', transactions: 0 }, records } = draft;
    const trail = records['trail']?.map((line) => (line === genesis() ? laterGenesis() : line));
    return {
      ...draft,
      records: trail === undefined ? records : { ...records, trail },
      source: { ...source, level: 2 },
    };
  });
}

export const laterGenesis = (more: Loose = {}): string =>
  genesis(SIGNER.key.vkey, { log_keys: [SIGNER.key.vkey], ...more });

/** The objects of a trail by path. */
export async function buildTrail(drafts: readonly SealDraft[]): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  const tree = createRange(0);
  let previous: string | null = null;
  for (const [number, draft] of drafts.entries()) {
    const first = tree.count();
    const before = tree.range().map((node) => node.toString('base64'));
    const sealedAt = draft.sealedAt ?? `2026-11-21T20:01:${String(number).padStart(2, '0')}.000Z`;
    const segments: Loose[] = [];
    for (const [className, lines] of Object.entries(draft.records)) {
      const { entry, object } = buildSegment(className, lines, tree.count(), number, sealedAt, draft);
      for (const line of lines) tree.append(Buffer.from(line));
      segments.push(entry);
      objects.set(entry['object'] as string, object);
    }
    const seal: Loose = {
      kind: 'seal',
      trail: NAME,
      number,
      previous,
      sealed_at: sealedAt,
      reason: draft.reason ?? 'age',
      first,
      count: tree.count() - first,
      before,
      segments,
      source: draft.source ?? { from: 'p', through: 'p', transactions: 0 },
      retain_until: KEEP,
      ...(number === 0 ? { log_key: SIGNER.key.vkey } : {}),
    };
    draft.lie?.(seal);
    const file = await sign(seal, tree, draft);
    objects.set(sealPath(number), file);
    previous = hash('sha256', file, 'base64');
  }
  return objects;
}

function buildSegment(
  className: string,
  lines: readonly string[],
  first: number,
  number: number,
  sealedAt: string,
  draft: SealDraft,
): { entry: Loose; object: Buffer } {
  const plain = draft.plain?.(lines) ?? Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const object = draft.compress?.(plain) ?? zstdCompressSync(plain, compressOptions());
  const sha256 = hash('sha256', object, 'hex');
  const range = createRange(first);
  for (const line of lines) range.append(Buffer.from(line));
  const entry: Loose = {
    class: className,
    object: segmentPath(className, sealedAt, number, sha256),
    sha256,
    bytes: object.length,
    plain_bytes: plain.length,
    first,
    count: lines.length,
    range: range.range().map((node) => node.toString('base64')),
    retain_until: className === 'trail' ? KEEP : '2098-01-01T00:00:00Z',
  };
  return { entry, object };
}

/** Signs what the seal claims, as far as a tree can be made of it, else the true tree. */
async function sign(seal: Loose, tree: ReturnType<typeof createRange>, draft: SealDraft): Promise<Buffer> {
  const json = sealLeaf(seal as unknown as Seal).toString();
  const leaf = Buffer.from(draft.lieText?.(json) ?? json);
  tree.append(leaf);
  let root = tree.root();
  try {
    root = rootOf(rangeThrough(seal as unknown as Seal, leaf));
  } catch {
    // Nothing sensible can be signed: the true root, then.
  }
  const claimed = Number(seal['first']) + Number(seal['count']) + 1;
  const size = Number.isSafeInteger(claimed) && claimed >= 0 ? claimed : tree.count();
  const text = formatCheckpoint({ origin: NAME, size, root });
  return formatSealFile(leaf, await signNote(text, [draft.signer ?? SIGNER, ...(draft.also ?? [])]));
}

/** One version in a store of versions. */
export interface StoredVersion {
  readonly version: string | null;
  readonly bytes: Buffer | null;
  readonly lock?: Lock | null;
}

/** A store with versions in memory; `locks` makes it one that is asked for locks. */
export function memoryReader(
  objects: ReadonlyMap<string, Buffer | readonly StoredVersion[]>,
  options: { locks?: boolean } = {},
): TrailReader {
  const versions = (key: string): readonly StoredVersion[] => {
    const found = objects.get(key);
    if (found === undefined) return [];
    return Buffer.isBuffer(found) ? [{ version: null, bytes: found }] : found;
  };
  const one = (key: string, version: string | null): StoredVersion => {
    const found = versions(key).find((each) => each.version === version && each.bytes !== null);
    if (found === undefined) throw new RowsealError('object_missing', `${key} is not there`);
    return found;
  };
  return {
    location: 'memory',
    locks: options.locks ?? false,
    async *list(prefix, after) {
      const keys = [...objects.keys()].filter(
        (key) => key.startsWith(prefix) && (after === undefined || key > after),
      );
      for (const key of keys.sort()) {
        for (const { version, bytes } of versions(key)) {
          yield {
            key,
            version,
            deleteMarker: bytes === null,
            bytes: bytes?.length ?? 0,
          } satisfies ObjectVersion;
        }
      }
    },
    async read(key, version, maxBytes) {
      const { bytes } = one(key, version);
      if (bytes!.length > maxBytes) throw new RowsealError('object_too_large', key);
      return Buffer.from(bytes!);
    },
    lock: async (key, version) => one(key, version).lock ?? null,
    close: async () => {},
  };
}
