import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../test/support/memory-store.ts';
import { systemClock } from '../../base/clock.ts';
import { RowsealError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { NOTHING_KNOWN } from '../../change/known.ts';
import type { Mark } from '../../change/sink.ts';
import { signerOf } from '../../trail/note.ts';
import { createSealer } from '../sealer.ts';
import { emptyHead } from './head.ts';
import { sealCheck } from './oldest.ts';
import { recover } from './recover.ts';
import { readState } from './state-records.ts';

const TRAIL = 'audit.example.com/t';
const { signer } = signerOf(TRAIL, randomBytes(32));
const isSeal = sealCheck(TRAIL, signer.key);
const retention = { count: 1, unit: 'd' } as const;
const lifecycle = (event: string, n: number) =>
  JSON.stringify({ kind: 'lifecycle', time: '2026-11-21T20:18:33.123Z', event, details: { n } });

/** A trail of so many seals; `write` is called before each is cut. */
async function trailOf(
  seals: number,
  write: (seal: number, record: (text: string, mark?: Mark) => void) => void,
) {
  const store = createMemoryStore({ versioned: true });
  const sealer = createSealer({
    trail: TRAIL,
    store,
    signer,
    isSeal,
    head: emptyHead('0/0'),
    abandoned: [],
    limits: { maxAgeMs: 10_000, maxBytes: 1 << 20, maxRecords: 1000, idleMs: 60_000 },
    retentions: { of: () => retention, all: [retention] },
    clock: systemClock,
    log: silentLog,
    progress: () => ({ through: '0/1', transactions: 0, partial: null }),
    onSealed: () => {},
    onPressure: () => {},
  });
  for (let seal = 0; seal < seals; seal++) {
    write(seal, (text, mark) => {
      const buffer = sealer.sink.buffer('trail');
      const start = buffer.length;
      buffer.json(text);
      sealer.sink.recorded('trail', start, mark);
    });
    sealer.cut('age');
  }
  await sealer.drain();
  await sealer.close();
  const known = async () =>
    readState({ store, isSeal }, (await recover(store, isSeal, [], silentLog))!.head, silentLog);
  return { store, known };
}

test('a trail without such records knows nothing', async () => {
  const { known } = await trailOf(2, () => {});
  expect(await known()).toEqual(NOTHING_KNOWN);
});

test.each([1, 2, 3, 9, 40])('found by their leaves, wherever they stand below %i seals', async (seals) => {
  for (const at of new Set([0, 1, 5, seals - 1]).values()) {
    const { known } = await trailOf(Math.max(seals, at + 1), (seal, record) => {
      record(lifecycle('disconnected', seal));
      if (seal === at) record(lifecycle('tables', seal), 'policy');
      if (seal === Math.floor(at / 2)) record(lifecycle('capture', seal), 'capture');
      record(lifecycle('disconnected', seal));
    });
    const { policy, capture } = await known();
    expect(policy).toEqual({ time: '2026-11-21T20:18:33.123Z', details: { n: at } });
    expect(capture?.details).toEqual({ n: Math.floor(at / 2) });
  }
});

test('what is gone, spoiled or something else is not known, and stops nothing', async () => {
  const made = () =>
    trailOf(3, (seal, record) => {
      if (seal === 1) record(lifecycle('started', seal), 'policy');
      if (seal === 1) record(lifecycle('stopped', seal), 'capture');
    });
  const { store, known } = await made();
  expect(await known()).toMatchObject({ policy: { details: { n: 1 } }, capture: null });
  const [path] = store.keys().filter((key) => key.startsWith('segments/trail'));
  const { read } = store;
  store.read = async (key, ...more) => {
    if (key === path) throw new RowsealError('object_missing', 'expired');
    return read(key, ...more);
  };
  expect(await known()).toEqual(NOTHING_KNOWN);
  store.read = async (key, ...more) => {
    const bytes = await read(key, ...more);
    return key === path ? Buffer.alloc(bytes.length) : bytes;
  };
  expect(await known()).toEqual(NOTHING_KNOWN);
  const expired = await made();
  const { list } = expired.store;
  expired.store.list = (prefix, after) =>
    list(prefix === 'seals/000000000001' ? 'seals/gone' : prefix, after);
  expect(await expired.known()).toEqual(NOTHING_KNOWN);
});

// A search that stepped onto an expired seal gave up, though the record stood above it.
test('found where the first seals have expired, wherever the search meets them', async () => {
  for (const at of [16, 20, 30, 39]) {
    const { store, known } = await trailOf(40, (seal, record) => {
      record(lifecycle('stopped', seal));
      if (seal === at) record(lifecycle('tables', seal), 'policy');
    });
    const { list } = store;
    store.list = (prefix, after) => {
      const number = Number(/^seals\/(\d{12})$/.exec(prefix)?.[1] ?? at);
      return list(number < 16 ? 'seals/gone' : prefix, after);
    };
    expect((await known()).policy?.details, `seal ${at}`).toEqual({ n: at });
  }
});

test('a store that does not answer is no loss: it is asked again', async () => {
  const { store, known } = await trailOf(2, (seal, record) => {
    if (seal === 0) record(lifecycle('started', seal), 'policy');
  });
  const { read } = store;
  store.read = async (key, ...more) => {
    if (key.startsWith('segments/')) throw new RowsealError('store_unavailable', 'timeout');
    return read(key, ...more);
  };
  await expect(known()).rejects.toMatchObject({ code: 'store_unavailable' });
});
