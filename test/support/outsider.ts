/** A trail of the real sealer on any store, and what somebody who may only write can put beside it. */
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Progress } from '../../src/change/sink.ts';
import { emptyHead, type Head } from '../../src/seal/head/head.ts';
import { sealCheck } from '../../src/seal/head/oldest.ts';
import { type Recovered, recover } from '../../src/seal/head/recover.ts';
import { createSealer } from '../../src/seal/sealer.ts';
import type { TrailReader, TrailStore } from '../../src/store/store.ts';
import type { Seal } from '../../src/trail/seal.ts';
import { change, laterGenesis, NAME, SIGNER } from './trail-builder.ts';

const retention = { count: 1, unit: 'd' } as const;
export const isOurs = sealCheck(NAME, SIGNER.key);

/** Appends seals with one change each, `before` each of them whatever the caller does; seal 0 begins the trail. */
export async function sealOn(
  store: TrailStore,
  count: number,
  from: Head = emptyHead('0/0'),
  before: (number: number) => Promise<void> = async () => {},
): Promise<{ head: Head; seals: Seal[] }> {
  const seals: Seal[] = [];
  let head = from;
  let progress: Progress = head;
  const sealer = createSealer({
    trail: NAME,
    store,
    signer: SIGNER,
    isSeal: isOurs,
    head,
    abandoned: [],
    limits: { maxAgeMs: 600_000, maxBytes: 1 << 20, maxRecords: 1000, idleMs: 600_000 },
    retentions: { of: () => retention, all: [retention] },
    clock: systemClock,
    log: silentLog,
    progress: () => progress,
    onSealed(seal, durable) {
      seals.push(seal);
      head = durable;
    },
    onPressure: () => {},
  });
  const record = (className: string, text: string) => {
    const buffer = sealer.sink.buffer(className);
    const start = buffer.length;
    buffer.json(text);
    sealer.sink.recorded(className, start);
  };
  try {
    for (let number = from.number + 1; number <= from.number + count; number++) {
      await before(number);
      if (number === 0) record('trail', laterGenesis());
      record('default', change(number + 1, 1));
      progress = { through: `0/${number + 1}`, transactions: number + 1, partial: null };
      sealer.cut('age');
      await sealer.drain();
    }
  } finally {
    await sealer.close();
  }
  return { head, seals };
}

/** What a reader was asked for. */
export interface Asked {
  lists: number;
  reads: number;
  /** Keys and versions that came out of listings. */
  listed: number;
}

export function counting<T extends TrailReader>(reader: T): { reader: T; asked: Asked } {
  const asked: Asked = { lists: 0, reads: 0, listed: 0 };
  return {
    asked,
    reader: {
      ...reader,
      async *list(prefix: string, after?: string) {
        asked.lists += 1;
        for await (const version of reader.list(prefix, after)) {
          asked.listed += 1;
          yield version;
        }
      },
      read(key: string, version: string | null, maxBytes: number) {
        asked.reads += 1;
        return reader.read(key, version, maxBytes);
      },
    },
  };
}

/** The head as the daemon finds it, what that cost, and what it logged. */
export async function recovered(
  reader: TrailReader,
): Promise<{ found: Recovered | null; asked: Asked; warnings: unknown[] }> {
  const warnings: unknown[] = [];
  const log = { ...silentLog, warn: (first: unknown) => void warnings.push(first) };
  const { reader: counted, asked } = counting(reader);
  const found = await recover(counted, isOurs, ['trail', 'default'], log as typeof silentLog);
  return { found, asked, warnings };
}

/** As many as wanted, some at once. */
export async function put(count: number, one: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let index = next++; index < count; index = next++) await one(index);
  };
  await Promise.all(Array.from({ length: 32 }, work));
}
