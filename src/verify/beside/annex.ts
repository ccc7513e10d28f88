/**
 * Cosignatures and time-stamp tokens: what others said of seals, kept beside them. Whatever is none is a notice, since
 * anybody can put it there. A cosignature is searched for a checkpoint of a larger tree, whatever else it holds.
 */
import { RowsealError } from '../../base/errors.ts';
import { type Listed, versionsOf } from '../../store/keys.ts';
import type { ObjectVersion, TrailReader } from '../../store/store.ts';
import { parseCosignaturePath, parseTokenPath } from '../../trail/names.ts';
import type { FindingLog } from '../findings/findings.ts';
import type { Growth } from '../seals/growth.ts';
import type { Keys } from '../seals/keys.ts';
import type { Link } from '../seals/seals.ts';
import { fewestBytes } from '../seals/signed-size.ts';
import { checkLock, hasExpired } from '../segments/locks.ts';
import type { Claims } from './claims.ts';
import { cosignatureFault, MAX_COSIGNATURE_BYTES, MIN_COSIGNATURE_BYTES } from './cosignature.ts';
import { createFolder } from './folder.ts';
import { createLanes } from './lanes.ts';
import { MAX_TOKEN_BYTES, MIN_TOKEN_BYTES, tokenFault } from './token.ts';

export interface AnnexContext {
  readonly reader: TrailReader;
  readonly log: FindingLog;
  readonly now: Date;
  readonly claims: Claims;
}

export interface Annex {
  /** What belongs to this seal, and what stands before it; `keys` as they are behind it. */
  pass(link: Link, keys: Keys): Promise<void>;
  /** What stands above the last seal. Claims are complete behind it. */
  finish(keys: Keys, growth: Growth): Promise<void>;
}

/** One of the two folders. */
interface Kind {
  readonly folder: string;
  readonly stray: 'stray_cosignature' | 'stray_token';
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Seal number of a key, and the last part of its name; null where the key is no such object's. */
  parse(key: string): { readonly number: number; readonly name: string } | null;
  /** Why it is none of the seal with this checkpoint. */
  fault(bytes: Buffer, name: string, checkpoint: string): string | null;
  /** Whether it may hold a checkpoint. */
  readonly searched: boolean;
}

const COSIGNATURES: Kind = {
  folder: 'cosignatures',
  stray: 'stray_cosignature',
  minBytes: MIN_COSIGNATURE_BYTES,
  maxBytes: MAX_COSIGNATURE_BYTES,
  parse: (key) => {
    const path = parseCosignaturePath(key);
    return path && { number: path.number, name: path.keyId };
  },
  fault: cosignatureFault,
  searched: true,
};

const TOKENS: Kind = {
  folder: 'timestamps',
  stray: 'stray_token',
  minBytes: MIN_TOKEN_BYTES,
  maxBytes: MAX_TOKEN_BYTES,
  parse: (key) => {
    const path = parseTokenPath(key);
    return path && { number: path.number, name: path.digest };
  },
  fault: tokenFault,
  searched: false,
};

export function createCosignatures(context: AnnexContext, from: number): Annex {
  return createAnnex(COSIGNATURES, context, from);
}

export function createTokens(context: AnnexContext, from: number): Annex {
  return createAnnex(TOKENS, context, from);
}

/** Objects that are looked at at once. */
const AT_ONCE = 16;
/** Objects above the head that are remembered until the head was looked for again. */
const MAX_ABOVE = 1000;

function createAnnex(kind: Kind, context: AnnexContext, from: number): Annex {
  const folder = createFolder(context.reader, kind.folder, from);
  const lanes = createLanes(AT_ONCE);
  const above: { key: string; number: number }[] = [];
  let moreAbove = 0;

  /** Without the seal: it has expired, is a finding of its own, or is above the head. */
  const passAlone = (listed: Listed, keys: Keys): Promise<void> => {
    const path = kind.parse(listed.key);
    if (path === null) context.log.add(kind.stray, listed.key, 'it has no such object’s name');
    return lanes.run(() => search(kind, listed, path?.number ?? null, keys, context));
  };

  return {
    async pass(link, keys) {
      for await (const listed of folder.before(link.number)) await passAlone(listed, keys);
      for await (const listed of folder.at(link.number)) {
        const path = kind.parse(listed.key);
        if (path === null) await passAlone(listed, keys);
        else await lanes.run(() => check(kind, listed, path.name, link, keys, context));
      }
    },
    async finish(keys, growth) {
      for await (const listed of folder.rest()) {
        const path = kind.parse(listed.key);
        if (path !== null && above.length < MAX_ABOVE) above.push({ key: listed.key, number: path.number });
        else if (path !== null) moreAbove += 1;
        await passAlone(listed, keys);
      }
      await lanes.drain();
      if (above.length === 0 || (await growth.reaches(Number.MAX_SAFE_INTEGER)) === 'unknown') return;
      // Without any seal nobody can tell which of them there are.
      if (growth.number() < 0) return;
      // What was listed before the head was looked for again has its seal by now.
      for (const { key, number } of above) {
        if (number > growth.number())
          context.log.add(kind.stray, key, 'there is no such seal', { seal: number });
      }
      if (moreAbove > 0) {
        context.log.add(kind.stray, `${kind.folder}/`, `${moreAbove} more above the head, not looked at`);
      }
    },
  };
}

/** Versions that are looked at behind the one that counts. */
const MAX_BEHIND = 1000;

/** The versions under one name: the oldest that is what the name says counts. */
async function check(
  kind: Kind,
  listed: Listed,
  name: string,
  link: Link,
  keys: Keys,
  context: AnnexContext,
): Promise<void> {
  const { log, now } = context;
  const { seal, note, checkpoint } = link.file;
  const place = { seal: link.number };
  let counts: { readonly version: ObjectVersion; readonly bytes: Buffer } | null = null;
  let hidden = false;
  let behind = 0;
  for await (const version of versionsOf(context.reader, listed)) {
    hidden ||= version.deleteMarker;
    if (version.deleteMarker) continue;
    if (counts !== null && ++behind > MAX_BEHIND) {
      log.add('further_version', listed.key, 'still more versions, which were not looked at', place);
      break;
    }
    const bytes = await read(kind, version, link.number, context);
    if (bytes === 'unread') return;
    const fault = bytes === null ? `it has ${version.bytes} bytes` : kind.fault(bytes, name, note.text);
    if (fault !== null) {
      const which = version.version === null ? '' : `version ${version.version}: `;
      log.add(kind.stray, listed.key, `${which}${fault}`, place);
      if (bytes !== null && kind.searched) {
        const at = { key: listed.key, version: version.version, seal: link.number };
        context.claims.search(bytes, at, checkpoint.size, keys);
      }
    } else if (counts === null) counts = { version, bytes: bytes! };
    else if (!counts.bytes.equals(bytes!)) {
      log.add('further_version', listed.key, `version ${version.version} has other bytes`, place);
    }
  }
  if (counts === null) return;
  if (hidden && !hasExpired(seal.retain_until, now)) {
    log.add('delete_marker', listed.key, 'a delete marker hides it', place);
  }
  await checkLock(counts.version, seal.retain_until, link.number, context, 'lock_weak');
}

/** Every version, for a signed checkpoint alone. */
async function search(
  kind: Kind,
  listed: Listed,
  number: number | null,
  keys: Keys,
  context: AnnexContext,
): Promise<void> {
  if (!kind.searched) return;
  for await (const version of versionsOf(context.reader, listed)) {
    if (version.deleteMarker || version.bytes < fewestBytes(keys.present)) continue;
    const bytes = await read(kind, version, number, context);
    if (bytes === 'unread') return;
    const at = { key: listed.key, version: version.version, seal: number };
    if (bytes !== null) context.claims.search(bytes, at, 0, keys);
  }
}

/** Null where its size says that it is none; what the store keeps back is logged. */
async function read(
  { minBytes, maxBytes }: Kind,
  { key, version, bytes }: ObjectVersion,
  seal: number | null,
  { reader, log }: AnnexContext,
): Promise<Buffer | null | 'unread'> {
  if (bytes < minBytes || bytes > maxBytes) return null;
  try {
    return await reader.read(key, version, maxBytes);
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    if (error.code === 'object_missing' || error.code === 'object_too_large') return null;
    log.add('not_read', key, error.message, seal === null ? {} : { seal });
    return 'unread';
  }
}
