/**
 * From the versions of a seal's key to the one that counts: the oldest that is authentic. A version is authentic
 * for its number when the key signed its checkpoint and the signed root covers its JSON. Whatever else is wrong
 * with an authentic seal was signed by the operator, and is for chain.ts to name.
 */
import { hash } from 'node:crypto';
import { RowsealError } from '../../base/errors.ts';
import { readAhead } from '../../base/read-ahead.ts';
import { type Listed, versionsOf } from '../../store/keys.ts';
import type { ObjectVersion, TrailReader } from '../../store/store.ts';
import { rootOf } from '../../trail/merkle.ts';
import { parseVerifierKey, type VerifierKey, verifyNote } from '../../trail/note.ts';
import { findingOf as codeOf } from '../../trail/refuse.ts';
import {
  MAX_SEAL_BYTES,
  MIN_SEAL_BYTES,
  parseSealFile,
  rangeThrough,
  type SealFile,
} from '../../trail/seal.ts';
import { type Fault, isFindingCode } from '../findings/findings.ts';
import type { Keys } from './keys.ts';
import { fewestBytes, MAX_SEARCHED_BYTES, signedSizeIn } from './signed-size.ts';

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
  /** Whose signatures it bears, unchecked, where the key's is missing; the first few. */
  readonly signers: readonly SignerName[];
}

/** A key as a signature line names it; the name may be cut. */
export interface SignerName {
  readonly name: string;
  readonly id: string;
}

export interface Candidate extends Refusal {
  readonly version: ObjectVersion;
  /** The largest size of a checkpoint in it that a key of the trail signed, whatever else it holds; else null. */
  readonly signedSize: number | null;
}

/** A version behind the chosen one with other bytes. */
export interface Further {
  /** Of the file, in hex. */
  readonly sha256: string;
  /** What it says, where it is authentic too and says something else, which only a holder of the key can make; or null. */
  readonly fork: string | null;
}

export interface Chosen {
  readonly link: Link | null;
  readonly refused: Refused;
  /** Each bytes once. */
  readonly further: readonly Further[];
  /** Whether there are versions behind the chosen one that were not looked at. */
  readonly unseen: boolean;
  readonly deleteMarkers: number;
  /** Errors of the store. */
  readonly unread: readonly string[];
}

/** Reads the versions of one seal, oldest first, however many come before the first authentic one. */
export async function chooseSeal(
  reader: TrailReader,
  number: number,
  listed: Listed,
  { present, all }: Keys,
): Promise<Chosen> {
  const refused = createRefused();
  // By far the most that an outsider can put: names without anything behind them.
  if (!listed.more && listed.versions.every((version) => isTooSmall(version, present))) {
    for (const version of listed.versions) {
      refused.add({ version, signedSize: null, signers: [], fault: tooSmall(version) });
    }
    return { link: null, refused, further: [], unseen: false, deleteMarkers: 0, unread: [] };
  }
  const further = new Map<string, Further>();
  const unread: string[] = [];
  let link: Link | null = null;
  let deleteMarkers = 0;
  let behind = 0;
  let unseen = false;
  const objects = async function* () {
    for await (const version of versionsOf(reader, listed)) {
      if (version.deleteMarker) deleteMarkers += 1;
      else yield version;
    }
  };
  const read = async (version: ObjectVersion) => ({
    version,
    read: await readSeal(reader, version, present),
  });
  for await (const { version, read: seal } of readAhead(objects(), AHEAD, read)) {
    if (link !== null) {
      behind += 1;
      unseen = behind > MAX_BEHIND;
      if (unseen) break;
    }
    if ('problem' in seal) {
      unread.push(seal.problem);
      // What was not read may be the oldest authentic one: nothing behind it counts.
      if (link === null) break;
      continue;
    }
    if (link !== null) {
      if (seal.fault !== null) refused.add({ version, signedSize: null, signers: [], fault: seal.fault });
      else noteFurther(further, seal.bytes, link, present);
      continue;
    }
    const judged = seal.fault !== null ? null : judgeSeal(seal.bytes, number, present.name, present);
    if (judged !== null && 'file' in judged) link = { number, key: listed.key, version, ...judged };
    else {
      const { fault, signers } = judged ?? { fault: seal.fault!, signers: [] };
      const signedSize = seal.bytes === null ? null : signedSizeIn(seal.bytes, all);
      refused.add({ version, fault, signers, signedSize });
    }
  }
  return { link, refused, further: [...further.values()], unseen, deleteMarkers, unread };
}

/** What stands behind the seal that counts. Whoever may write can add lines of signatures to it: that is no fork. */
function noteFurther(
  further: Map<string, Further>,
  bytes: Buffer,
  { number, file }: Link,
  present: VerifierKey,
): void {
  if (hash('sha256', bytes, 'base64') === file.digest) return;
  const sha256 = hash('sha256', bytes, 'hex');
  if (further.has(sha256)) return;
  const judged = judgeSeal(bytes, number, present.name, present);
  const isFork =
    'file' in judged && !(judged.file.leaf.equals(file.leaf) && judged.file.note.text === file.note.text);
  const fork = isFork ? hash('sha256', `${judged.file.leaf}\n${judged.file.note.text}`, 'hex') : null;
  further.set(sha256, { sha256, fork });
}

/** Versions of one seal that are read at once, once the first was none. */
const AHEAD = 4;
/** Versions that are looked at behind the authentic one. */
const MAX_BEHIND = 1000;

/** What is not authentic among the versions of a key: anybody can put any number, so a few stand for all. */
export interface Refused {
  /** The oldest, and the one with the largest signed size. */
  readonly kept: readonly Candidate[];
  /** How many more there are. */
  readonly more: number;
}

const KEPT = 16;

function createRefused(): Refused & { add(candidate: Candidate): void } {
  const first: Candidate[] = [];
  let largest: Candidate | null = null;
  let count = 0;
  return {
    get kept() {
      return largest === null || first.includes(largest) ? first : [...first, largest];
    },
    get more() {
      return count - this.kept.length;
    },
    add(candidate) {
      count += 1;
      if (first.length < KEPT) first.push(candidate);
      if ((candidate.signedSize ?? -1) > (largest?.signedSize ?? -1)) largest = candidate;
    },
  };
}

/**
 * The key that seal 0 names for itself, taken from its oldest version that this very key signed; null where there
 * is none. For trust on first use.
 */
export async function firstUseKey(reader: TrailReader, listed: Listed): Promise<VerifierKey | null> {
  for await (const version of versionsOf(reader, listed)) {
    if (version.deleteMarker || version.bytes < MIN_SEAL_BYTES) continue;
    const read = await readSeal(reader, version, null);
    if ('problem' in read || read.fault !== null) continue;
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
    signers: [],
  });
  try {
    const file = parseSealFile(bytes);
    const { seal, checkpoint, note, leaf } = file;
    if (verifyNote(note, [verifier]).length === 0) {
      const signers = note.signatures
        .slice(0, MAX_SIGNERS)
        .map(({ name, id }) => ({ name: short(name), id }));
      return { ...refuse('signature_missing', `no signature by ${verifier.vkey}`), signers };
    }
    if (seal.number !== number) return refuse('seal_number', `it is seal ${seal.number}`);
    const name = trail ?? seal.trail;
    if (seal.trail !== name) return refuse('seal_trail', `it belongs to the trail ${short(seal.trail)}`);
    if (checkpoint.origin !== name) {
      return refuse('seal_trail', `its checkpoint is of ${short(checkpoint.origin)}`);
    }
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

const MAX_SIGNERS = 10;
/** Longer names are no trail's. */
const MAX_NAME = 1000;

/** A name of hostile bytes, cut, and copied: a part of a text keeps all of it in memory. */
function short(name: string): string {
  return Buffer.from(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name).toString();
}

/** Bytes that are no seal for their size alone may still be searched; null where they were not read. */
type ReadSeal =
  | { readonly bytes: Buffer; readonly fault: null }
  | { readonly bytes: Buffer | null; readonly fault: Fault }
  | { readonly problem: string };

/** Whether it can hold neither a seal nor a checkpoint that a key of this name signed. */
function isTooSmall({ deleteMarker, bytes }: ObjectVersion, key: VerifierKey): boolean {
  return !deleteMarker && bytes < fewestBytes(key);
}

function tooSmall({ bytes }: ObjectVersion): Fault {
  return { code: 'seal_malformed', message: `the seal file is malformed: it has ${bytes} bytes` };
}

async function readSeal(
  reader: TrailReader,
  listed: ObjectVersion,
  verifier: VerifierKey | null,
): Promise<ReadSeal> {
  const refuse = (code: Fault['code'], message: string, bytes: Buffer | null = null) => ({
    fault: { code, message },
    bytes,
  });
  const { key, version, bytes } = listed;
  if (verifier !== null && isTooSmall(listed, verifier)) return { fault: tooSmall(listed), bytes: null };
  if (bytes > MAX_SEARCHED_BYTES) return refuse('seal_too_large', 'it is over 1 MiB');
  try {
    const read = await reader.read(key, version, MAX_SEARCHED_BYTES);
    if (read.length <= MAX_SEAL_BYTES) return { bytes: read, fault: null };
    return refuse('seal_too_large', 'it is over 1 MiB', read);
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    if (error.code === 'object_too_large') return refuse('seal_too_large', 'it is over 1 MiB');
    if (error.code !== 'object_missing') return { problem: error.message };
    return refuse('seal_missing', `the store lists it but does not hand it over: ${error.message}`);
  }
}
