/**
 * The S3 store when the network or the server fails: every ambiguous PUT is resolved by reading back, nothing
 * hangs, and the outcome is never a guess.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWN_S3, startS3, type TestS3 } from '../../test/support/ceph.ts';
import { until, withPatience } from '../../test/support/patience.ts';
import { createProxy, type Fault, type FaultyProxy, first } from '../../test/support/proxy.ts';
import { all, code, contents, keys, soon } from '../../test/support/store-contract.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { createS3Store } from './s3.ts';
import type { S3Limits } from './s3-link.ts';
import type { TrailStore } from './store.ts';

const SEAL = 'seals/000000000000';
/** Long enough for a request that meets no fault, on a machine that is busy with other things. */
const LIMITS: S3Limits = { requestMs: 2500, totalMs: 30_000, bytesPerSecond: 4 << 20 };
/** Where none is answered. */
const HOPELESS: S3Limits = { ...LIMITS, requestMs: 500, totalMs: 5000 };
const FAULTS: readonly Fault[] = ['refuse', 'cut', 'swallow', 'hang'];

/** A clock on which only pauses between attempts take time, and they at once. */
function pausesOnly(): Clock {
  let now = Date.now();
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
}

describe('S3 under faults', () => {
  let s3: TestS3;
  let proxy: FaultyProxy;
  let bucket: string;
  let trails = 0;
  const opened: TrailStore[] = [];

  beforeAll(async () => {
    s3 = await startS3({ store: 'bluestore' });
    bucket = await s3.createBucket();
    proxy = await createProxy(s3.endpoint);
  });
  afterAll(async () => {
    for (const store of opened) await store.close();
    await proxy?.[Symbol.asyncDispose]();
    await s3?.stop();
  });

  const open = (endpoint: string, limits = LIMITS, clock = systemClock) => {
    const trail = `audit.example.com/fault${trails}`;
    const place = { bucket, endpoint, forcePathStyle: true, credentials: s3 };
    const store = createS3Store({ ...place, trail, limits, clock });
    opened.push(store);
    return store;
  };
  /** One store through the proxy, one straight to the server, of the same new trail. */
  const pair = () => {
    trails += 1;
    proxy.decide = () => 'pass';
    proxy.seen.length = 0;
    return { store: open(proxy.endpoint), straight: open(s3.endpoint, { ...LIMITS, requestMs: 60_000 }) };
  };
  const puts = () => proxy.seen.filter(({ line }) => line.startsWith('PUT'));

  test.each(FAULTS)('a PUT that meets %s once ends in one object, locked', async (fault) => {
    const { store, straight } = pair();
    proxy.decide = first(1, /^PUT/, fault);
    const until = soon();
    expect(await store.create(SEAL, Buffer.from('one'), until)).toBe('created');
    const [entry, ...more] = await all(straight, '');
    expect(more).toEqual([]);
    expect(await straight.lock(SEAL, entry!.version)).toEqual({ mode: 'COMPLIANCE', until });
    // Delivered: found by reading back, not sent again.
    expect(puts().length).toBe(fault === 'cut' || fault === 'swallow' ? 1 : 2);
    // The request after the ambiguous one is a listing.
    const at = proxy.seen.findIndex(({ fault }) => fault !== 'pass');
    expect(proxy.seen[at + 1]?.line).toMatch(/^GET .*versions/);
  });

  test.each(FAULTS)('a large PUT that meets %s once ends in one object', async (fault) => {
    const { store, straight } = pair();
    const large = Buffer.alloc(3 << 20, 'rowseal ');
    proxy.decide = first(1, /^PUT/, fault);
    expect(await store.create('segments/large', large, soon())).toBe('created');
    const found = await all(straight, '');
    expect(found.length).toBe(1);
    expect((await straight.read('segments/large', found[0]!.version, large.length)).equals(large)).toBe(true);
  });

  test.each(FAULTS)('a listing, a read and a look at the lock that meet %s are repeated', async (fault) => {
    const { store } = pair();
    await store.create(SEAL, Buffer.from('one'), soon());
    proxy.decide = first(1, /^GET .*versions/, fault);
    const [entry] = await all(store, '');
    proxy.decide = first(1, /^GET .*seals%2F0|^GET .*seals\/0/, fault);
    expect((await store.read(SEAL, entry!.version, 100)).toString()).toBe('one');
    proxy.decide = first(1, /^GET .*retention/, fault);
    expect((await store.lock(SEAL, entry!.version))?.mode).toBe('COMPLIANCE');
    expect(proxy.seen.filter(({ fault }) => fault !== 'pass').length).toBe(3);
  });

  test('a lock that could not be looked at is looked at again, not assumed', async () => {
    const { store } = pair();
    proxy.decide = first(2, /^GET .*retention/, 'cut');
    expect(await store.create(SEAL, Buffer.from('one'), soon())).toBe('created');
    expect(proxy.seen.filter(({ line }) => line.includes('retention')).length).toBe(3);
    expect(puts().length).toBe(1);
  });

  test('somebody else who was first in between is found, and nothing forks silently', async () => {
    const { store, straight } = pair();
    // Our PUT never arrives; theirs does.
    proxy.decide = first(1, /^PUT/, 'refuse');
    const ours = store.create(SEAL, Buffer.from('ours'), soon());
    await straight.create(SEAL, Buffer.from('theirs'), soon());
    const outcome = await ours;
    const found = await contents(straight, '');
    expect(outcome === 'taken' ? found : found.toSorted()).toEqual(
      outcome === 'taken' ? ['theirs'] : ['ours', 'theirs'],
    );
  });

  test('faults without end: store_unavailable after a few attempts, and the same call works afterwards', async () => {
    const { store } = pair();
    proxy.decide = (line) => FAULTS.find((fault) => line.includes(`fault-${fault}`)) ?? 'pass';
    const errors = await Promise.all(
      FAULTS.flatMap((fault) => {
        const [one, other] = [1, 2].map(() => open(proxy.endpoint, HOPELESS, pausesOnly()));
        return [
          code(one!.create(`segments/fault-${fault}`, Buffer.from(fault), soon()), 'store_unavailable'),
          code(all(other!, `segments/fault-${fault}`), 'store_unavailable'),
        ];
      }),
    );
    // Pauses that double from a quarter of a second fill five seconds so often, or once more where each is short.
    for (const { details } of errors) expect([5, 6]).toContain(details['attempts']);
    proxy.decide = () => 'pass';
    for (const fault of FAULTS) {
      expect(await store.create(`segments/fault-${fault}`, Buffer.from(fault), soon())).toBe('created');
    }
    expect(await contents(store, '')).toEqual(FAULTS.toSorted());
  });

  test('PUTs that are delivered but never answered: the same call finds its bytes afterwards', async () => {
    const { straight } = pair();
    const store = open(proxy.endpoint, { ...LIMITS, totalMs: 500 }, pausesOnly());
    // Listings fail too once the PUT is out, so that the call itself cannot resolve it.
    let out = false;
    proxy.decide = (line) => {
      out ||= line.startsWith('PUT');
      return out ? 'swallow' : 'pass';
    };
    await code(store.create(SEAL, Buffer.from('one'), soon()), 'store_unavailable');
    proxy.decide = () => 'pass';
    expect(await store.create(SEAL, Buffer.from('one'), soon())).toBe('same');
    expect(await contents(straight, '')).toEqual(['one']);
  });

  test.runIf(OWN_S3)('a stopped gateway (SIGSTOP) times out, and is used again when it goes on', async () => {
    const { straight } = pair();
    const store = open(s3.endpoint, HOPELESS);
    await straight.create(SEAL, Buffer.from('one'), soon());
    s3.pause();
    try {
      await Promise.all([
        code(store.create('seals/000000000001', Buffer.from('two'), soon()), 'store_unavailable'),
        code(store.read(SEAL, null, 100), 'store_unavailable'),
      ]);
    } finally {
      s3.resume();
    }
    expect(await straight.create('seals/000000000001', Buffer.from('two'), soon())).toBe('created');
    expect(await keys(straight, '')).toEqual([SEAL, 'seals/000000000001']);
  });

  test('close ends what is under way', async () => {
    trails += 1;
    const store = open(proxy.endpoint, { ...LIMITS, requestMs: 3_600_000, totalMs: 3_600_000 });
    proxy.seen.length = 0;
    proxy.decide = () => 'hang';
    const call = code(store.create(SEAL, Buffer.from('one'), soon()), 'store_unavailable');
    await until(() => proxy.seen.length > 0);
    await store.close();
    await withPatience(call, 'the call to end');
    proxy.decide = () => 'pass';
  });

  test.runIf(OWN_S3)('what was created survives a server that is killed', async () => {
    const { straight } = pair();
    for (let i = 0; i < 5; i += 1)
      await straight.create(`seals/00000000000${i}`, Buffer.from(`${i}`), soon());
    await s3.kill('server');
    await code(
      open(s3.endpoint, HOPELESS).create('seals/000000000005', Buffer.from('5'), soon()),
      'store_unavailable',
    );
    await s3.restart();
    expect(await contents(straight, '')).toEqual(['0', '1', '2', '3', '4']);
    expect(await straight.create('seals/000000000005', Buffer.from('5'), soon())).toBe('created');
  });
});
