/** Turns a cut into the bytes of its segments and its seal file: names, ranges, retention, signature. */
import type { Progress } from '../change/sink.ts';
import { formatCheckpoint } from '../trail/checkpoint.ts';
import { createRange, rootOf } from '../trail/merkle.ts';
import { segmentPath, TRAIL_CLASS } from '../trail/names.ts';
import { type Signer, signNote } from '../trail/note.ts';
import { type Retention, retainUntil } from '../trail/retention.ts';
import {
  decodeRange,
  formatSealFile,
  parseSealFile,
  type Seal,
  type SealReason,
  type SegmentEntry,
  sealLeaf,
} from '../trail/seal.ts';
import type { SealState } from '../trail/seal-source.ts';
import { type Head, headAfter } from './head/head.ts';
import type { SegmentResult } from './segments/segment-worker.ts';
import type { SegmentObject } from './write.ts';

/** What the seals say of the source beside its progress; set when the source is opened. */
export interface SealSourceFacts {
  readonly incarnation: string;
  readonly stream: string;
}

/** What was open at a cut, its objects under way. */
export interface Cut {
  readonly number: number;
  readonly reason: SealReason;
  readonly sealedAt: string;
  readonly segments: readonly {
    readonly className: string;
    readonly first: number;
    readonly count: number;
    readonly plainBytes: number;
    readonly result: Promise<SegmentResult>;
  }[];
  readonly from: string;
  readonly gaps: readonly { readonly from: string; readonly to: string }[];
  readonly progress: Progress;
  readonly facts: SealSourceFacts | null;
  /** Where the records stand that the next daemon reads. */
  readonly state: SealState;
}

/** The level whose rules our records follow (FORMAT.md section 7). */
const LEVEL = 2;

export interface Retentions {
  readonly of: (className: string) => Retention;
  /** Of every class that the configuration knows; a seal is kept as long as the longest. */
  readonly all: readonly Retention[];
}

export interface BuiltSeal {
  readonly seal: Seal;
  readonly bytes: Buffer;
  readonly retainUntil: Date;
  readonly head: Head;
}

export interface BuiltSegments {
  readonly entries: readonly SegmentEntry[];
  readonly objects: readonly SegmentObject[];
  /** Of the seal. */
  readonly retainUntil: string;
}

/** The segments of the seal that follows `head`, as they are written and as it names them. */
export async function buildSegments(cut: Cut, head: Head, retentions: Retentions): Promise<BuiltSegments> {
  const results = await Promise.all(cut.segments.map(({ result }) => result));
  // Midnights in one form: the latest is the greatest text. Never earlier than the head's, so that seals expire in
  // the order of their numbers, whatever the configuration becomes.
  const longest = [
    ...retentions.all.map((each) => retainUntil(cut.sealedAt, each)),
    ...(head.retainUntil === null ? [] : [head.retainUntil]),
  ]
    .sort()
    .at(-1) as string;
  const entries = cut.segments.map((segment, i): SegmentEntry => {
    const { sha256, object, range } = results[i] as SegmentResult;
    const { className } = segment;
    return {
      class: className,
      object: segmentPath(className, cut.sealedAt, cut.number, sha256),
      sha256,
      bytes: object.length,
      plain_bytes: segment.plainBytes,
      first: segment.first,
      count: segment.count,
      range: range.map((node) => Buffer.from(node).toString('base64')),
      retain_until: className === TRAIL_CLASS ? longest : retainUntil(cut.sealedAt, retentions.of(className)),
    };
  });
  const objects = entries.map((entry, i) => ({
    path: entry.object,
    bytes: Buffer.from((results[i] as SegmentResult).object.buffer),
    retainUntil: new Date(entry.retain_until),
  }));
  return { entries, objects, retainUntil: longest };
}

/** Builds that seal. `abandoned` is what a crash or a lost race left; what this seal uses again is taken out. */
export async function buildSeal(
  cut: Cut,
  head: Head,
  { entries, retainUntil }: BuiltSegments,
  abandoned: readonly string[],
  { trail, signer }: { readonly trail: string; readonly signer: Signer },
): Promise<BuiltSeal> {
  const left = abandoned.filter((each) => !entries.some(({ object }) => object === each));
  const { through, transactions, partial } = cut.progress;
  const seal: Seal = {
    kind: 'seal',
    trail,
    number: cut.number,
    previous: head.previous,
    sealed_at: cut.sealedAt,
    reason: cut.reason,
    first: head.size,
    count: cut.segments.reduce((sum, { count }) => sum + count, 0),
    before: head.range.map((node) => node.toString('base64')),
    segments: entries,
    ...(cut.gaps.length > 0 ? { gaps: cut.gaps } : {}),
    source: {
      from: cut.from,
      through,
      transactions,
      ...(partial === null ? {} : { partial }),
      level: LEVEL,
      ...cut.facts,
      ...(Object.keys(cut.state).length > 0 ? { state: cut.state } : {}),
    },
    retain_until: retainUntil,
    ...(head.retainUntil === null ? {} : { previous_retain_until: head.retainUntil }),
    ...(cut.number === 0 ? { log_key: signer.key.vkey } : {}),
    ...(left.length > 0 ? { abandoned: left } : {}),
  };
  const bytes = await sign(seal, head, signer);
  return {
    seal,
    bytes,
    retainUntil: new Date(retainUntil),
    // Read back through the format's own door: what could not be recovered is never written.
    head: headAfter(parseSealFile(bytes)),
  };
}

async function sign(seal: Seal, head: Head, signer: Signer): Promise<Buffer> {
  const leaf = sealLeaf(seal);
  const tree = createRange(0, head.range, head.size);
  for (const segment of seal.segments) tree.merge(decodeRange(segment.range), segment.count);
  tree.append(leaf);
  const checkpoint = formatCheckpoint({ origin: seal.trail, size: tree.count(), root: rootOf(tree.range()) });
  return formatSealFile(leaf, await signNote(checkpoint, [signer]));
}
