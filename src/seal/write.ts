/**
 * The durable steps of one seal: segments, then the seal file, then the proof that it is ours that counts.
 * Nothing here is undone: objects are locked. A crash before the seal's PUT leaves segments that the next daemon
 * lists as abandoned; a crash after it leaves a seal that the next daemon finds as the head. Only when `writeSeal`
 * resolves may anything be acknowledged.
 */
import { RowsealError } from '../base/errors.ts';
import { lookUp, versionsOf } from '../store/keys.ts';
import type { TrailStore } from '../store/store.ts';
import { sealPath } from '../trail/names.ts';
import { isPlausible, LOST_LOOK, oldestSeal, type SealCheck } from './head/oldest.ts';

export interface SegmentObject {
  readonly path: string;
  readonly bytes: Buffer;
  readonly retainUntil: Date;
}

/**
 * Writes one segment. Bytes that are there already (of an earlier attempt) serve again.
 * Throws `trail_forked` where the name, which holds the object's hash, is taken by other bytes.
 */
export async function writeSegment(
  store: TrailStore,
  { path, bytes, retainUntil }: SegmentObject,
): Promise<void> {
  const outcome = await store.create(path, bytes, retainUntil);
  if (outcome !== 'taken') return;
  // A bucket keeps what others put there; ours goes behind it as a further version.
  if ((await store.create(path, bytes, retainUntil, { behind: true })) === 'taken') {
    throw new RowsealError('trail_forked', `${path} holds other bytes than its name says.`, {
      hint: 'Somebody wrote into the trail. Run rowseal verify, and move the object away if it is no evidence.',
    });
  }
}

/**
 * Writes seal `number` and makes sure that it won: that no other validly signed version of it is older.
 * Junk of others at its key is written behind and returned, so that it can be reported; and whether the store has
 * versions, so that others may still be put behind it.
 * Throws `trail_forked` where another writer sealed this number first.
 */
export async function writeSeal(
  store: TrailStore,
  number: number,
  bytes: Buffer,
  retainUntil: Date,
  isSeal: SealCheck,
): Promise<{ junk: number; versioned: boolean }> {
  const key = sealPath(number);
  const outcome = await store.create(key, bytes, retainUntil);
  const first = await oldestAt(store, number, isSeal);
  if (first.bytes?.equals(bytes)) return first;
  if (first.bytes !== null) throw forked(number);
  if (outcome !== 'taken')
    throw new RowsealError('store_unavailable', `${key} was written but is not listed.`);
  if ((await store.create(key, bytes, retainUntil, { behind: true })) === 'taken') {
    throw new RowsealError('trail_forked', `${key} is taken by something that is no seal of this trail.`, {
      hint: 'Somebody wrote into the trail. Move the object away: it is no evidence.',
    });
  }
  const second = await oldestAt(store, number, isSeal);
  if (!second.bytes?.equals(bytes)) throw forked(number);
  return second;
}

/**
 * Looks once more at seal `number`, which won: SHA-256 in hex of other seals behind it. Where If-None-Match is not
 * honoured, whoever raced us may have put one since, and what no later seal lists would be a finding for ever.
 */
export async function losersAt(
  store: TrailStore,
  number: number,
  isSeal: SealCheck,
): Promise<readonly string[]> {
  if (number < 0) return [];
  const listed = await lookUp(store, sealPath(number));
  let seals = 0;
  for await (const version of versionsOf(store, listed)) {
    if (isPlausible(version)) seals += 1;
    if (seals > 1) return (await oldestSeal(store, listed, isSeal, LOST_LOOK)).lost;
  }
  return [];
}

/** The oldest version of seal `number` that is validly signed for that number, and how much else lies before it. */
async function oldestAt(
  store: TrailStore,
  number: number,
  isSeal: SealCheck,
): Promise<{ bytes: Buffer | null; junk: number; versioned: boolean }> {
  const listed = await lookUp(store, sealPath(number));
  const { found, junk } = await oldestSeal(store, listed, isSeal);
  const versioned = listed.versions.some(({ version }) => version !== null);
  return { bytes: found?.bytes ?? null, junk, versioned };
}

function forked(number: number): RowsealError {
  return new RowsealError('trail_forked', `Another writer sealed number ${number} of this trail first.`, {
    details: { number },
  });
}
