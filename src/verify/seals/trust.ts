/**
 * Which key a trail is checked with, and why it cannot be trusted as a whole: it gave no key to trust on first use, or other
 * keys than the given one signed it. It must never end in silence: every way out logs something.
 */
import { RowsealError } from '../../base/errors.ts';
import { type Listed, listKeys, lookUp } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { isTrailName, sealNumber, sealPath } from '../../trail/names.ts';
import { parseVerifierKey, type VerifierKey } from '../../trail/note.ts';
import { findingOf } from '../../trail/refuse.ts';
import { MAX_SEAL_BYTES, parseSealFile } from '../../trail/seal.ts';
import { createFindingLog, type Finding, type FindingLog, isFindingCode } from '../findings/findings.ts';
import { reportAbove } from './around.ts';
import { firstKey, type Keys } from './keys.ts';
import { chooseSeal, firstUseKey, judgeSeal } from './seals.ts';
import { type ForeignSeals, type Walk, walkSeals } from './walk.ts';

/** The key to check with: the given one, else the one that seal 0 names and is signed by. */
export async function settleTrust(
  reader: TrailReader,
  given: VerifierKey | null,
  log: FindingLog,
): Promise<VerifierKey | null> {
  if (given !== null) {
    if (isTrailName(given.name)) return given;
    log.add('key_name', '', `no trail can be named ${given.name}, as this key is`);
    return null;
  }
  const listed = await lookUp(reader, sealPath(0));
  const key = await firstUseKey(reader, listed);
  if (key !== null) return key;
  await refusedAtFirstUse(reader, listed, log);
  return null;
}

/** `versions` are those of seal 0, none of which named a key that signed it. */
async function refusedAtFirstUse(
  reader: TrailReader,
  { key, versions }: Listed,
  log: FindingLog,
): Promise<void> {
  const data = versions.filter(({ deleteMarker }) => !deleteMarker);
  if (data.length === 0) {
    for await (const _ of reader.list('seals/')) {
      log.add('no_anchor', key, 'it is not there, so the trail names no key: give one with --key');
      return;
    }
    log.add('no_trail', '', `no trail at ${reader.location}`);
    return;
  }
  log.add('no_signed_seal', key, 'seal 0 names no key that signed it', { seal: 0 });
  try {
    const bytes = await reader.read(key, data[0]!.version, MAX_SEAL_BYTES);
    const vkey = parseSealFile(bytes).seal.log_key ?? '';
    const judged = judgeSeal(bytes, 0, null, parseVerifierKey(vkey));
    if ('fault' in judged) log.add(judged.fault.code, key, judged.fault.message, { seal: 0 });
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    const code = findingOf(error);
    if (code !== null && isFindingCode(code)) log.add(code, key, error.message, { seal: 0 });
    else if (error.code === 'key_invalid') log.add('log_key_mismatch', key, error.message, { seal: 0 });
    else if (error.code === 'object_too_large') log.add('seal_too_large', key, error.message, { seal: 0 });
    else log.add('not_read', key, error.message, { seal: 0 });
  }
}

/** The keys in force at a seal, and what was met on the way there. */
export interface Start {
  readonly keys: Keys;
  /** Whether a seal before it is authentic; null where none was looked at. */
  readonly before: { readonly any: boolean; readonly foreign: ForeignSeals } | null;
  /** What the store did not hand over on the way. */
  readonly unread: readonly Finding[];
}

/** Follows the keys up to seal `from`, by the seals before it, where the given key is not the one that signs there. */
export async function keysAt(reader: TrailReader, key: VerifierKey, from: number, now: Date): Promise<Start> {
  const keys = firstKey(key);
  const none = { keys, before: null, unread: [] };
  if (from === 0) return none;
  for await (const listed of listKeys(reader, 'seals/', sealPath(from - 1))) {
    const number = sealNumber(listed.key);
    if (number === null) continue;
    if ((await chooseSeal(reader, number, listed, keys)).link !== null) return none;
    const log = createFindingLog();
    const walk = walkSeals(reader, { keys, from: 0, through: from - 1, now, log });
    let any = false;
    for await (const _ of walk.links) any = true;
    return { keys: walk.keys(), before: { any, foreign: walk.foreign() }, unread: log.list('unchecked') };
  }
  return none;
}

/** The walk from `since` on has ended and met no authentic seal. */
export async function refusedByKey(
  reader: TrailReader,
  walk: Walk,
  start: Start,
  since: number,
  log: FindingLog,
): Promise<void> {
  const { present } = start.keys;
  const foreign = walk.foreign();
  for (const { object, message } of start.unread) log.add('not_read', object, message);
  if (start.unread.length > 0) return;
  // Seals before `since` say whose trail it is, too.
  const first = start.before?.foreign.first ?? foreign.first;
  const isUnknown = (first ?? 0) > 0 || start.before?.any === true;
  if (!isUnknown) await reportAbove(walk.refused(), null, walk.growth(), log);
  if (walk.any() && start.before?.any === true) {
    log.add(
      'no_trail',
      'seals/',
      `no seal from ${since} on is signed by ${present.vkey}, the key that signs there`,
    );
  } else if (first !== null && first > 0) {
    log.add('key_missing', sealPath(first), missingMessage(first, foreign, present), { seal: first });
  } else if (foreign.signers.length > 0) {
    log.add('no_signed_seal', 'seals/', foreignMessage(foreign, present));
  } else if (walk.any()) {
    log.add('no_signed_seal', 'seals/', `no seal here is signed by ${present.vkey} and whole`);
  } else if (since === 0 && (await anySegment(reader))) {
    // A trail in its first second looks so, and one that a crash ended there.
    log.add(
      'no_trail',
      'seals/',
      'there are segments and not one seal: it has not begun, or its seals are gone',
    );
  } else log.add('no_trail', '', since > 0 ? `no seal from ${since} on` : `no trail at ${reader.location}`);
}

function missingMessage(first: number, { signers }: ForeignSeals, { id }: VerifierKey): string {
  return `the first seal here is ${first}, signed by other keys of the trail's name (${signers.join(', ')}) than the given one (key id ${id}): the seals that led from the one to the other are not here. Ask for the vkey of a later generation`;
}

function foreignMessage({ seals, signers }: ForeignSeals, { name, id }: VerifierKey): string {
  const what =
    seals === 1 ? 'the one seal here bears a signature' : `the ${seals} seals here bear signatures`;
  return `no seal is signed by the given key, ${name} (key id ${id}); ${what} of ${signers.join(', ')}. If that is not the trail that the key was handed to you for, ask for the vkey of this one; if it is, somebody signed it anew, and it proves nothing`;
}

async function anySegment(reader: TrailReader): Promise<boolean> {
  for await (const _ of reader.list('segments/')) return true;
  return false;
}
