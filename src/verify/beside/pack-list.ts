/**
 * The names of a trail's packs, listed before any seal is looked at: whatever a pack of them holds was sealed by then. Anybody
 * can put any number: so many are held, and what no pack can be named is told at once.
 */
import { listKeys } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { parsePackPath } from '../../trail/names.ts';
import { MAX_PACK_SEALS } from '../../trail/packs/pack.ts';
import type { FindingLog } from '../findings/findings.ts';

export interface NamedPack {
  readonly key: string;
  /** Null: of seals. */
  readonly className: string | null;
  readonly first: number;
}

const MAX_NAMED = 50_000;

/** Those that may hold seal `since` or a later one (`sealsOnly`: of seals alone), by their first seals. */
export async function listPacks(
  reader: TrailReader,
  { since, sealsOnly }: { readonly since: number; readonly sealsOnly: boolean },
  log: FindingLog,
): Promise<NamedPack[]> {
  const packs: NamedPack[] = [];
  let more = 0;
  for await (const { key } of listKeys(reader, sealsOnly ? '_packs/seals/' : '_packs/')) {
    const path = parsePackPath(key);
    if (path === null) log.add('stray_pack', key, 'it has no pack’s name');
    else if (path.first + MAX_PACK_SEALS <= since) continue;
    else if (packs.length < MAX_NAMED) packs.push({ key, ...path });
    else more += 1;
  }
  if (more > 0) log.add('stray_pack', '_packs/', `${more} more names of packs, which were not looked at`);
  return packs.sort((a, b) => a.first - b.first);
}
