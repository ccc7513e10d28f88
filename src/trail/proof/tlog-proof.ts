/**
 * Proofs as text, as https://c2sp.org/tlog-proof defines them: that one leaf is in the tree of a signed checkpoint. It reads
 * and writes the text, and says whether the hashes lead from a leaf to the checkpoint's root; who signed the checkpoint is
 * for the caller to see. It must never accept two texts for one proof, nor believe `extra`, which nobody signed.
 */
import { decodeBase64, decodeHash } from '../base64.ts';
import { type Checkpoint, parseCheckpoint } from '../checkpoint.ts';
import type { Range } from '../merkle.ts';
import { type Note, parseNote } from '../note.ts';
import { refusal } from '../refuse.ts';
import { provenRoot } from './inclusion.ts';

/** At most 1 MiB in a proof: 100 signatures of 5 kB, and what stands before them. */
export const MAX_PROOF_BYTES = 1024 * 1024;

export interface TlogProof {
  /** Whatever the writer put there; null where there is none. */
  readonly extra: Buffer | null;
  readonly index: number;
  /** From the leaf's sibling up. */
  readonly hashes: Range;
  /** The signed note of the checkpoint, verbatim. */
  readonly signed: string;
}

export interface ParsedProof extends TlogProof {
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

const HEADER = 'c2sp.org/tlog-proof@v1';

/** The proof's text. */
export function formatTlogProof({ extra, index, hashes, signed }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === null || extra.length === 0 ? [] : [`extra ${extra.toString('base64')}`]),
    `index ${index}`,
    ...hashes.map((hash) => hash.toString('base64')),
  ];
  return `${lines.join('\n')}\n\n${signed}`;
}

/** Parses a proof's text. Throws refusals `proof_malformed`, `note_malformed`, `checkpoint_malformed`. */
export function parseTlogProof(bytes: Buffer): ParsedProof {
  if (bytes.length > MAX_PROOF_BYTES) throw malformed('it is over 1 MiB');
  const blank = bytes.indexOf('\n\n');
  if (blank === -1) throw malformed('no blank line before the checkpoint');
  const [header, ...lines] = bytes.toString('utf8', 0, blank).split('\n');
  if (header !== HEADER) throw malformed(`its first line is not ${HEADER}`);
  const extra = lines[0]?.startsWith(EXTRA) ? decodeExtra(lines.shift()!) : null;
  const index = decodeIndex(lines.shift());
  const hashes = lines.map((line) => {
    const hash = decodeHash(line);
    if (hash === null) throw malformed('a hash is not 32 bytes in canonical base64');
    return hash;
  });
  const signed = bytes.toString('utf8', blank + 2);
  const note = parseNote(signed);
  return { extra, index, hashes, signed, note, checkpoint: parseCheckpoint(note.text) };
}

/** Whether the proof leads from this leaf's hash to the root in its checkpoint. */
export function provesLeaf({ index, hashes, checkpoint }: ParsedProof, leaf: Buffer): boolean {
  const root = provenRoot({ index, size: checkpoint.size }, leaf, hashes);
  return root?.equals(checkpoint.root) ?? false;
}

const EXTRA = 'extra ';
const INDEX = /^index (0|[1-9][0-9]*)$/;

function decodeExtra(line: string): Buffer {
  const bytes = decodeBase64(line.slice(EXTRA.length));
  if (bytes === null || bytes.length === 0) throw malformed('its extra data is not canonical base64');
  return bytes;
}

function decodeIndex(line: string | undefined): number {
  const index = Number(INDEX.exec(line ?? '')?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(index)) throw malformed('its index');
  return index;
}

function malformed(what: string): Error {
  return refusal('proof_malformed', `the proof is malformed: ${what}`);
}
