/**
 * Packs (FORMAT.md section 14), held to the trail while its seals go by. A pack is evidence of nothing: what is wrong with
 * one is a notice, and nothing that is missing at its own path is ever taken from it. One is in memory at a time; of the
 * others that reach over the present seal, their lists are.
 */
import { RowsealError } from '../../base/errors.ts';
import { lookUp, versionsOf } from '../../store/keys.ts';
import type { ObjectVersion, TrailReader } from '../../store/store.ts';
import {
  MAX_PACK_BYTES,
  type Pack,
  type PackEntry,
  packedObject,
  parsePack,
} from '../../trail/packs/pack.ts';
import { findingOf } from '../../trail/refuse.ts';
import type { FindingLog } from '../findings/findings.ts';
import type { Growth } from '../seals/growth.ts';
import type { Keys } from '../seals/keys.ts';
import type { Link } from '../seals/seals.ts';
import { checkLock } from '../segments/locks.ts';
import type { Claims } from './claims.ts';
import { listPacks, type NamedPack } from './pack-list.ts';

export interface PackContext {
  readonly reader: TrailReader;
  readonly log: FindingLog;
  readonly now: Date;
  readonly claims: Claims;
}

export interface Packs {
  begin(trail: string): Promise<void>;
  /** Each authentic seal, in order. */
  pass(link: Link): Promise<void>;
  /** Behind the last one. Claims are complete behind it. */
  finish(head: Link, keys: Keys, growth: Growth): Promise<void>;
}

/** A pack whose seals go by. */
interface Open {
  readonly version: ObjectVersion;
  readonly pack: Pack;
  /** Of the objects, the next one to be compared. */
  next: number;
  differs: boolean;
  /** The latest retention of what was compared. */
  retainUntil: string | null;
}

/** Packs that may reach over one seal: one of seals and one of each class, where nobody plays. */
const MAX_OPEN = 64;
/** Versions of one pack that are looked at. */
const MAX_VERSIONS = 16;
/** Packs above the head that are read. */
const MAX_ABOVE = 64;

export function createPacks(
  context: PackContext,
  options: { readonly since: number; readonly sealsOnly: boolean },
): Packs {
  const { log } = context;
  let trail = '';
  let named: NamedPack[] = [];
  let at = 0;
  let open: Open[] = [];

  const openNext = async (): Promise<void> => {
    const { key, first } = named[at]!;
    at += 1;
    for await (const each of readPacks(key, trail, first, context)) {
      if (open.length < MAX_OPEN) open.push({ ...each, next: 0, differs: false, retainUntil: null });
      else
        log.add('stray_pack', key, 'too many packs hold these seals: it was not compared', { seal: first });
    }
  };

  return {
    async begin(of) {
      trail = of;
      named = await listPacks(context.reader, options, log);
    },
    async pass(link) {
      while (at < named.length && named[at]!.first <= link.number) await openNext();
      for (const each of open) compare(each, link, log);
      const ended = open.filter(({ pack }) => pack.last <= link.number);
      if (ended.length > 0) open = open.filter(({ pack }) => pack.last > link.number);
      for (const each of ended) await checkPackLock(each, context);
    },
    async finish(head, keys, growth) {
      const above: (NamedPack & { last: number })[] = [
        ...open.map(({ version: { key }, pack }) => ({ ...pack, key })),
        ...named.slice(at).map((each) => ({ ...each, last: each.first })),
      ];
      for (const { key, className, first } of above.slice(0, MAX_ABOVE)) {
        if (className !== null) continue;
        for await (const { version, pack, file } of readPacks(key, trail, first, context)) {
          claimSeals(pack, file, version, head.number, keys, context.claims);
        }
      }
      if (above.length === 0 || (await growth.reaches(Number.MAX_SAFE_INTEGER)) === 'unknown') return;
      for (const { key, first, last } of above) {
        if (last <= growth.number()) continue;
        log.add('stray_pack', key, `it is of seals beyond the head, seal ${growth.number()}`, {
          seal: first,
        });
      }
    },
  };
}

/** The versions under a pack's name that are one. What is none is told. */
async function* readPacks(
  key: string,
  trail: string,
  first: number,
  { reader, log }: PackContext,
): AsyncGenerator<{ version: ObjectVersion; pack: Pack; file: Buffer }> {
  let versions = 0;
  for await (const version of versionsOf(reader, await lookUp(reader, key))) {
    if (version.deleteMarker) continue;
    versions += 1;
    if (versions > MAX_VERSIONS) {
      log.add('stray_pack', key, 'still more versions, which were not looked at', { seal: first });
      return;
    }
    try {
      if (version.bytes > MAX_PACK_BYTES) throw new RowsealError('object_too_large', 'it is over 128 MiB');
      const file = await reader.read(key, version.version, MAX_PACK_BYTES);
      const pack = parsePack(file, { trail, path: key });
      for (const { path } of pack.entries) packedObject(pack, file, path);
      yield { version, pack, file };
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
      const isStray = findingOf(error) !== null || error.code.startsWith('object_');
      log.add(isStray ? 'stray_pack' : 'not_read', key, error.message, { seal: first });
    }
  }
}

/** What a pack holds of this seal. */
function compare(open: Open, { number, key, version, file }: Link, log: FindingLog): void {
  const { pack } = open;
  const { entries, className } = pack;
  while ((entries[open.next]?.number ?? number) < number) open.next += 1;
  const entry = entries[open.next];
  if (entry === undefined || entry.number !== number) return;
  const own =
    className === null
      ? { path: key, bytes: version.bytes, sha256: hexOf(file.digest), retainUntil: file.seal.retain_until }
      : segmentOf(file.seal.segments, className);
  if (own !== null && isSame(entry, own)) {
    if (own.retainUntil > (open.retainUntil ?? '')) open.retainUntil = own.retainUntil;
  } else if (!open.differs) {
    open.differs = true;
    const message = `it holds ${entry.path} with other bytes than the trail`;
    log.add('stray_pack', open.version.key, message, { seal: number });
  }
}

interface Own {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly retainUntil: string;
}

function segmentOf(segments: Link['file']['seal']['segments'], className: string): Own | null {
  const entry = segments.find((each) => each.class === className);
  if (entry === undefined) return null;
  return { path: entry.object, bytes: entry.bytes, sha256: entry.sha256, retainUntil: entry.retain_until };
}

function isSame(entry: PackEntry, own: Own): boolean {
  return entry.path === own.path && entry.bytes === own.bytes && entry.sha256 === own.sha256;
}

function hexOf(digest: string): string {
  return Buffer.from(digest, 'base64').toString('hex');
}

async function checkPackLock(
  { version, pack, differs, retainUntil }: Open,
  context: PackContext,
): Promise<void> {
  if (differs || retainUntil === null) return;
  await checkLock(version, retainUntil, pack.first, context, 'lock_weak');
}

/** Seals above the head that a pack holds tell that they were there. */
function claimSeals(
  pack: Pack,
  file: Buffer,
  { key, version }: ObjectVersion,
  head: number,
  keys: Keys,
  claims: Claims,
): void {
  for (const { number, offset, bytes } of pack.entries) {
    if (number <= head) continue;
    claims.search(file.subarray(offset, offset + bytes), { key, version, seal: number }, 0, keys);
  }
}
