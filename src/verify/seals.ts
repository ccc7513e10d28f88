/**
 * From the versions of a seal's key to the one that counts: the oldest that is authentic. A version is authentic
 * for its number when the key signed its checkpoint and the signed root covers its JSON. Whatever else is wrong
 * with an authentic seal was signed by the operator, and is for chain.ts to name.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../base/errors.ts';
import type { ObjectVersion, TrailReader } from '../store/store.ts';
import { rootOf } from '../trail/merkle.ts';
import { parseVerifierKey, type VerifierKey, verifyNote } from '../trail/note.ts';
import { findingOf as codeOf } from '../trail/refuse.ts';
import { MAX_SEAL_BYTES, parseSealFile, rangeThrough, type SealFile } from '../trail/seal.ts';
import { type Fault, isFindingCode } from './findings.ts';
import { MAX_SEARCHED_BYTES, signedSizeIn } from './signed-size.ts';

/** An authentic seal and where it was found. */
export interface Link {
  readonly number: number;
  readonly key: string;
  readonly version: ObjectVersion;
  readonly file: SealFile;
  /** The compact range through its own leaf. */
  readonly range: readonly Buffer[];
}

/** Why bytes are no authentic seal. */
interface Refusal {
  readonly fault: Fault;
  /** The largest size of a checkpoint in it that the key signed, whatever else it holds; else null. */
  readonly signedSize: number | null;
  /** `name+id` of the keys whose signatures it bears, unchecked, where the key's is missing. */
  readonly signers?: readonly string[];
}

export interface Candidate extends Refusal {
  readonly version: ObjectVersion;
}

export interface Chosen {
  readonly link: Link | null;
  /** Why the versions before the chosen one (all, where there is none) are not authentic. */
  readonly refused: readonly Candidate[];
  /** Versions behind the chosen one with other bytes, by the SHA-256 of the file in hex. */
  readonly further: readonly { readonly version: ObjectVersion; readonly sha256: string }[];
  readonly deleteMarkers: number;
  /** Errors of the store. */
  readonly unread: readonly string[];
}

/** Reads the versions of one seal and chooses. `trail` null: any (the first seal read settles it). */
export async function chooseSeal(
  reader: TrailReader,
  number: number,
  key: string,
  versions: readonly ObjectVersion[],
  trail: string | null,
  verifier: VerifierKey,
): Promise<Chosen> {
  const refused: Candidate[] = [];
  const further: { version: ObjectVersion; sha256: string }[] = [];
  const unread: string[] = [];
  let link: Link | null = null;
  for (const version of versions) {
    if (version.deleteMarker) continue;
    const read = await readSeal(reader, version, verifier);
    if ('problem' in read) {
      unread.push(read.problem);
      // What was not read may be the oldest authentic one: nothing behind it counts.
      if (link === null) break;
      continue;
    }
    if ('fault' in read) {
      refused.push({ version, ...read });
      continue;
    }
    if (link !== null) {
      if (hash('sha256', read.bytes, 'base64') !== link.file.digest) {
        further.push({ version, sha256: hash('sha256', read.bytes, 'hex') });
      }
      continue;
    }
    const judged = judgeSeal(read.bytes, number, trail, verifier);
    if ('fault' in judged) refused.push({ version, ...judged });
    else link = { number, key, version, ...judged };
  }
  const deleteMarkers = versions.filter(({ deleteMarker }) => deleteMarker).length;
  return { link, refused, further, deleteMarkers, unread };
}

/**
 * The key that seal 0 names for itself, taken from its oldest version that this very key signed; null where there
 * is none. For trust on first use.
 */
export async function firstUseKey(
  reader: TrailReader,
  versions: readonly ObjectVersion[],
): Promise<VerifierKey | null> {
  for (const version of versions) {
    if (version.deleteMarker) continue;
    const read = await readSeal(reader, version, null);
    if (!('bytes' in read)) continue;
    try {
      const vkey = parseSealFile(read.bytes).seal.log_key;
      if (vkey === undefined) continue;
      const key = parseVerifierKey(vkey);
      if (key.vkey === vkey && 'file' in judgeSeal(read.bytes, 0, null, key)) return key;
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
    }
  }
  return null;
}

type Judged = { readonly file: SealFile; readonly range: readonly Buffer[] } | Refusal;

/** Whether these bytes are an authentic seal of this number. */
export function judgeSeal(
  bytes: Buffer,
  number: number,
  trail: string | null,
  verifier: VerifierKey,
): Judged {
  const refuse = (code: Fault['code'], message: string): Refusal => ({
    fault: { code, message },
    signedSize: signedSizeIn(bytes, verifier),
  });
  try {
    const file = parseSealFile(bytes);
    const { seal, checkpoint, note, leaf } = file;
    if (verifyNote(note, [verifier]).length === 0) {
      const signers = note.signatures.map(({ name, id }) => `${name}+${id}`);
      return { ...refuse('signature_missing', `no signature by ${verifier.vkey}`), signers };
    }
    if (seal.number !== number) return refuse('seal_number', `it is seal ${seal.number}`);
    const name = trail ?? seal.trail;
    if (seal.trail !== name) return refuse('seal_trail', `it belongs to the trail ${seal.trail}`);
    if (checkpoint.origin !== name) return refuse('seal_trail', `its checkpoint is of ${checkpoint.origin}`);
    const range = rangeThrough(seal, leaf);
    if (!rootOf(range).equals(checkpoint.root)) {
      return refuse(
        'checkpoint_root',
        'the signed root does not cover it: it, or its checkpoint, was changed',
      );
    }
    return { file, range };
  } catch (error) {
    const code = codeOf(error);
    if (code === null || !isFindingCode(code)) throw error;
    return refuse(code, (error as Error).message);
  }
}

type ReadSeal = { readonly bytes: Buffer } | Refusal | { readonly problem: string };

async function readSeal(
  reader: TrailReader,
  { key, version, bytes }: ObjectVersion,
  verifier: VerifierKey | null,
): Promise<ReadSeal> {
  const refuse = (code: Fault['code'], message: string, signedSize: number | null = null): Refusal => ({
    fault: { code, message },
    signedSize,
  });
  if (bytes > MAX_SEARCHED_BYTES) return refuse('seal_too_large', 'it is over 1 MiB');
  try {
    const read = await reader.read(key, version, MAX_SEARCHED_BYTES);
    if (read.length <= MAX_SEAL_BYTES) return { bytes: read };
    return refuse('seal_too_large', 'it is over 1 MiB', verifier && signedSizeIn(read, verifier));
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    if (error.code === 'object_too_large') return refuse('seal_too_large', 'it is over 1 MiB');
    if (error.code !== 'object_missing') return { problem: error.message };
    return refuse('seal_missing', `the store lists it but does not hand it over: ${error.message}`);
  }
}
