/** What lies in the demo's trail: how much is sealed so far, and which objects hold a record. Reads only. */
import { silentLog } from '../../base/log.ts';
import { sealCheck } from '../../seal/head/oldest.ts';
import { recover } from '../../seal/head/recover.ts';
import { openReader } from '../../store/open.ts';
import type { TrailReader } from '../../store/store.ts';
import { sealPath } from '../../trail/names.ts';
import { parseVerifierKey } from '../../trail/note.ts';
import { MAX_SEAL_BYTES, parseSealFile } from '../../trail/seal.ts';
import { decompressSegment } from '../../trail/segment.ts';
import { readTail } from '../status/trail.ts';

export interface Sealed {
  /** Number of the newest seal; -1 before the first. */
  readonly head: number;
  readonly changes: number;
}

export async function sealedSoFar(path: string, vkey: string): Promise<Sealed> {
  const reader = await openReader(path);
  try {
    const key = parseVerifierKey(vkey);
    const isSeal = sealCheck(key.name, key);
    const recovered = await recover(reader, isSeal, [], silentLog);
    if (recovered === null) return { head: -1, changes: 0 };
    const head = recovered.head.number;
    const { changes } = await readTail(reader, isSeal, head, { changes: Infinity, seals: Infinity });
    return { head, changes };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'store_missing') return { head: -1, changes: 0 };
    throw error;
  } finally {
    await reader.close();
  }
}

export interface Place {
  readonly seal: string;
  readonly segment: string;
}

/** The seal and the segment that hold the record with this id; null where none does. */
export async function placeOf(path: string, head: number, id: string): Promise<Place | null> {
  const reader = await openReader(path);
  try {
    for (let number = head; number >= 0; number -= 1) {
      const segment = await segmentHolding(reader, number, `"id":${JSON.stringify(id)}`);
      if (segment !== null) return { seal: sealPath(number), segment };
    }
    return null;
  } finally {
    await reader.close();
  }
}

async function segmentHolding(reader: TrailReader, number: number, text: string): Promise<string | null> {
  const { seal } = parseSealFile(await reader.read(sealPath(number), null, MAX_SEAL_BYTES));
  for (const { object, bytes, plain_bytes } of seal.segments) {
    if (decompressSegment(await reader.read(object, null, bytes), plain_bytes).includes(text)) return object;
  }
  return null;
}
