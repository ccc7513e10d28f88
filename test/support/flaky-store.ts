/**
 * A store that misbehaves by a seeded schedule, for crash tests: every call to the store beneath may fail, fail
 * although it took effect, hang, or be late. The same seed and the same order of calls give the same faults.
 * What it throws is what a real store throws when its own retries are exhausted: `store_unavailable`.
 */
import { systemClock } from '../../src/base/clock.ts';
import { RowsealError } from '../../src/base/errors.ts';
import type { TrailStore } from '../../src/store/store.ts';

export type StoreFault = 'none' | 'fail' | 'persist' | 'hang' | 'delay';

export interface FlakyOptions {
  readonly seed: number;
  /** Share of the calls, 0 to 1, that meets each fault; the rest pass. */
  readonly rates: Readonly<Partial<Record<Exclude<StoreFault, 'none'>, number>>>;
  /** How long a hanging call hangs before it fails; `close` ends it at once. */
  readonly hangMs?: number;
  readonly delayMs?: number;
}

export interface FlakyStore extends TrailStore {
  /** Every call so far and the fault it met. */
  readonly calls: readonly { readonly call: string; readonly key: string; readonly fault: StoreFault }[];
  /** From here on, no faults; and with true again as scheduled. */
  calm(calm: boolean): void;
}

export function createFlakyStore(store: TrailStore, options: FlakyOptions): FlakyStore {
  const closed = new AbortController();
  const calls: { call: string; key: string; fault: StoreFault }[] = [];
  const random = createRandom(options.seed);
  let isCalm = false;

  const meet = async <T>(call: string, key: string, run: () => Promise<T>): Promise<T> => {
    // Drawn also while calm, so that the schedule does not depend on when it was.
    const drawn = draw(random(), options.rates);
    const fault = isCalm ? 'none' : drawn;
    calls.push({ call, key, fault });
    if (fault === 'fail') throw unavailable(call, key, 'failed');
    if (fault === 'hang') {
      await systemClock.sleep(options.hangMs ?? 2000, closed.signal).catch(() => {});
      throw unavailable(call, key, 'hung');
    }
    if (fault === 'delay') await systemClock.sleep(random() * (options.delayMs ?? 200), closed.signal);
    const result = await run();
    if (fault === 'persist') throw unavailable(call, key, 'failed after it took effect');
    return result;
  };

  return {
    ...store,
    calls,
    calm: (calm) => {
      isCalm = calm;
    },
    create: (key, bytes, retainUntil, more) =>
      meet('create', key, () => store.create(key, bytes, retainUntil, more)),
    read: (key, version, maxBytes) => meet('read', key, () => store.read(key, version, maxBytes)),
    lock: (key, version) => meet('lock', key, () => store.lock(key, version)),
    async *list(prefix, after) {
      await meet('list', prefix, async () => {});
      yield* store.list(prefix, after);
    },
    async close() {
      closed.abort();
      await store.close();
    },
  };
}

function draw(at: number, rates: FlakyOptions['rates']): StoreFault {
  let edge = 0;
  for (const fault of ['fail', 'persist', 'hang', 'delay'] as const) {
    edge += rates[fault] ?? 0;
    if (at < edge) return fault;
  }
  return 'none';
}

function unavailable(call: string, key: string, what: string): RowsealError {
  return new RowsealError('store_unavailable', `flaky store: ${call} ${key} ${what}`);
}

/** Mulberry32: small, seeded, good enough to schedule faults. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
