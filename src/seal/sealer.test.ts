import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryStore, type MemoryStore } from '../../test/support/memory-store.ts';
import { systemClock } from '../base/clock.ts';
import { RowsealError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import type { Mark, Progress } from '../change/sink.ts';
import { signerOf } from '../trail/note.ts';
import type { Seal } from '../trail/seal.ts';
import { emptyHead, type Head } from './head/head.ts';
import { sealCheck } from './head/oldest.ts';
import { recover, strays } from './head/recover.ts';
import { createSealer, type Sealer, type SealerOptions } from './sealer.ts';

const TRAIL = 'audit.example.com/t';
const { signer } = signerOf(TRAIL, randomBytes(32));
const isSeal = sealCheck(TRAIL, signer.key);
const retention = { count: 1, unit: 'd' } as const;
const open: Sealer[] = [];
afterEach(async () => {
  for (const sealer of open.splice(0)) await sealer.close();
});

function start(store: MemoryStore, overrides: Partial<SealerOptions> = {}) {
  const sealed: Seal[] = [];
  const pressure: boolean[] = [];
  const state: { progress: Progress } = { progress: { through: '0/1', transactions: 0, partial: null } };
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
    progress: () => state.progress,
    onSealed: (seal) => sealed.push(seal),
    onPressure: (full) => pressure.push(full),
    ...overrides,
  });
  open.push(sealer);
  const record = (className: string, text: string, mark?: Mark) => {
    const buffer = sealer.sink.buffer(className);
    const start = buffer.length;
    buffer.json(text);
    sealer.sink.recorded(className, start, mark);
  };
  return { sealer, sealed, pressure, state, record };
}

const headOf = async (store: MemoryStore): Promise<Head> =>
  (await recover(store, isSeal, ['trail', 'default', 'other'], silentLog))!.head;

describe('sealer', () => {
  it('chains seals whose head is recovered from the newest alone', async () => {
    const store = createMemoryStore();
    const { sealer, sealed, record, state } = start(store);
    record('default', '{"a":1}');
    record('trail', '{"kind":"genesis"}');
    sealer.cut('start');
    state.progress = { through: '0/9', transactions: 1, partial: { position: '0/A', next: 3 } };
    record('other', '{"b":1}');
    sealer.cut('age');
    await sealer.drain();
    expect(sealed.map(({ number, first, count }) => [number, first, count])).toEqual([
      [0, 0, 2],
      [1, 3, 1],
    ]);
    expect(sealed[0]?.segments.map((segment) => segment.class)).toEqual(['trail', 'default']);
    const head = await headOf(store);
    expect(head).toEqual(sealer.head);
    expect(head).toMatchObject({ number: 1, size: 5, through: '0/9', partial: { position: '0/A', next: 3 } });
    const { sealer: next, sealed: more, record: go } = start(store, { head });
    go('default', '{"c":1}');
    next.cut('age');
    await next.drain();
    expect(more[0]?.previous).toBe(head.previous);
    expect((await headOf(store)).number).toBe(2);
  });

  it('reports a seal only when it is durable, and tries a store again that failed after it persisted', async () => {
    const store = createMemoryStore();
    let failures = 0;
    store.afterCreate = () => {
      failures += 1;
      if (failures <= 2) throw new RowsealError('store_unavailable', 'the answer was lost');
    };
    const { sealer, sealed, record } = start(store);
    record('default', '{}');
    sealer.cut('age');
    expect(sealed).toEqual([]);
    await sealer.drain();
    expect(sealed).toHaveLength(1);
    expect(store.keys().filter((key) => key.startsWith('seals/'))).toHaveLength(1);
  });

  it('stops where another writer sealed the number first, and writes nothing over it', async () => {
    for (const versioned of [false, true]) {
      const store = createMemoryStore({ versioned });
      const first = start(store);
      first.record('default', '{"first":1}');
      first.sealer.cut('age');
      await first.sealer.drain();
      const second = start(store);
      second.record('default', '{"second":1}');
      second.sealer.cut('age');
      await expect(second.sealer.drain()).rejects.toMatchObject({ code: 'trail_forked' });
      expect(second.sealed).toEqual([]);
      expect((await headOf(store)).previous).toBe(first.sealer.head.previous);
    }
  });

  it('loses the race that a store without If-None-Match lets both enter, when the other version is older', async () => {
    const store = createMemoryStore({ versioned: true });
    const elsewhere = createMemoryStore();
    const winner = start(elsewhere);
    winner.record('default', '{"winner":1}');
    winner.sealer.cut('age');
    await winner.sealer.drain();
    const key = 'seals/000000000000';
    const loser = start(store);
    // The other's PUT lands between our look and our write.
    const winning = await elsewhere.read(key, null, 1 << 20);
    store.beforeCreate = (created) => {
      if (created === key) store.put(key, winning);
    };
    loser.record('default', '{"loser":1}');
    loser.sealer.cut('age');
    await expect(loser.sealer.drain()).rejects.toMatchObject({ code: 'trail_forked' });
  });

  it('writes behind junk in a bucket, and refuses in a folder', async () => {
    const bucket = createMemoryStore({ versioned: true });
    bucket.put('seals/000000000000', Buffer.from('junk'));
    const { sealer, sealed, record } = start(bucket);
    record('default', '{}');
    sealer.cut('age');
    await sealer.drain();
    expect(sealed).toHaveLength(1);
    expect((await headOf(bucket)).number).toBe(0);

    const folder = createMemoryStore();
    folder.put('seals/000000000000', Buffer.from('junk'));
    const refused = start(folder);
    refused.record('default', '{}');
    refused.sealer.cut('age');
    await expect(refused.sealer.drain()).rejects.toMatchObject({ code: 'trail_forked' });
  });

  // A seal that lost left the head where it was, and the empty seal cut behind it was written with its number one
  // higher: a seal whose `previous` is not the seal before it, in somebody else's trail.
  it('writes nothing behind a seal that lost, not even an empty one', async () => {
    const store = createMemoryStore();
    const before = start(store);
    before.sealer.cut('start');
    await before.sealer.drain();
    const [first, second] = [
      start(store, { head: before.sealer.head }),
      start(store, { head: before.sealer.head }),
    ];
    first.record('default', '{"first":1}');
    first.sealer.cut('age');
    await first.sealer.drain();
    second.record('default', '{"second":1}');
    second.sealer.cut('age');
    second.sealer.cut('stop');
    await expect(second.sealer.drain()).rejects.toMatchObject({ code: 'trail_forked' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const seals = store.keys().filter((key) => key.startsWith('seals/'));
    expect(seals).toEqual(['seals/000000000000', 'seals/000000000001']);
  });

  // A seal file holds at most 1 MiB. With 3,000 classes in one seal it had 1.2 MB, was refused by our own reader,
  // and the same again after every restart.
  it('cuts before a seal names more segments than its file can hold', async () => {
    const store = createMemoryStore();
    const { sealer, sealed, record } = start(store, {
      limits: { maxAgeMs: 10_000, maxBytes: 1 << 24, maxRecords: 100_000, idleMs: 60_000 },
    });
    for (let i = 0; i < 3000; i++) record(`a-class-with-a-long-name-${i}`, '{"kind":"change"}');
    sealer.cut('stop');
    await sealer.drain();
    expect(sealed.reduce((sum, { count }) => sum + count, 0)).toBe(3000);
  });

  it('asks for a pause while two seals are under way, and cuts by size', async () => {
    const store = createMemoryStore();
    const gate = Promise.withResolvers<void>();
    store.beforeCreate = () => gate.promise;
    const { sealer, sealed, pressure, record } = start(store, {
      limits: { maxAgeMs: 10_000, maxBytes: 100, maxRecords: 1000, idleMs: 60_000 },
    });
    const long = JSON.stringify({ text: 'x'.repeat(120) });
    record('default', long);
    expect(pressure).toEqual([]);
    record('default', long);
    expect(pressure).toEqual([true]);
    gate.resolve();
    await sealer.drain();
    expect(pressure).toEqual([true, false]);
    expect(sealed.map(({ reason }) => reason)).toEqual(['size', 'size']);
  });

  it('says where a hole is, and goes on behind it', async () => {
    const store = createMemoryStore();
    const { sealer, sealed, state, record } = start(store, { head: { ...emptyHead('0/0'), through: '0/5' } });
    record('trail', '{"kind":"gap"}');
    sealer.gap({ from: '0/5', to: '0/8' });
    state.progress = { through: '0/8', transactions: 0, partial: null };
    sealer.cut('gap');
    await sealer.drain();
    expect(sealed[0]).toMatchObject({
      gaps: [{ from: '0/5', to: '0/8' }],
      source: { from: '0/8', through: '0/8' },
    });
  });

  it('lists what an earlier crash left, once, and not what it uses again', async () => {
    const store = createMemoryStore();
    const first = start(store);
    first.record('default', '{}');
    first.sealer.cut('age');
    await first.sealer.drain();
    const date = first.sealed[0]!.sealed_at.slice(0, 10).replaceAll('-', '/');
    const stray = `segments/default/${date}/000000000001-0123456789abcdef.jsonl.zst`;
    store.put(stray, Buffer.from('left'));
    const recovered = (await recover(store, isSeal, ['default'], silentLog))!;
    expect(recovered.abandoned).toEqual([stray]);
    const second = start(store, { ...recovered });
    second.record('default', '{"x":1}');
    second.sealer.cut('age');
    second.sealer.cut('stop');
    await second.sealer.drain();
    expect(second.sealed.map(({ abandoned }) => abandoned)).toEqual([[stray], undefined]);
  });
});

// Where If-None-Match is ignored two racing daemons leave two signed seals under one number. The loser's PUT may land
// when the winner has looked already: named by no later seal, it was a fork for ever.
describe('a seal that lost', () => {
  async function other(): Promise<Buffer> {
    const elsewhere = createMemoryStore();
    const { sealer, record } = start(elsewhere);
    record('default', '{"loser":1}');
    sealer.cut('age');
    await sealer.drain();
    return elsewhere.read('seals/000000000000', null, 1 << 20);
  }
  it('is listed by the next seal, though it came behind the look that won', async () => {
    const store = createMemoryStore({ versioned: true });
    const { sealer, sealed, record } = start(store);
    record('default', '{"winner":1}');
    sealer.cut('age');
    await sealer.drain();
    const loser = await other();
    store.put('seals/000000000000', Buffer.alloc(400));
    store.put('seals/000000000000', loser);
    store.put('seals/000000000000', await store.read('seals/000000000000', null, 1 << 20));
    sealer.cut('idle');
    sealer.cut('stop');
    await sealer.drain();
    const digest = createHash('sha256').update(loser).digest('hex');
    expect(sealed.map(({ abandoned }) => abandoned)).toEqual([undefined, [digest], undefined]);
  });
  it('costs one listing a seal, and none where names are taken for good', async () => {
    for (const versioned of [true, false]) {
      const store = createMemoryStore({ versioned });
      const listed: string[] = [];
      const { list } = store;
      store.list = (prefix, after) => {
        listed.push(prefix);
        return list(prefix, after);
      };
      const { sealer } = start(store);
      for (const reason of ['start', 'idle', 'stop'] as const) sealer.cut(reason);
      await sealer.drain();
      const again = listed.filter((prefix, i) => listed.indexOf(prefix) !== i);
      expect(again).toEqual(versioned ? ['seals/000000000000', 'seals/000000000001'] : []);
    }
  });
});

describe('state', () => {
  const started =
    '{"kind":"lifecycle","time":"2026-11-21T20:18:33.123Z","event":"started","details":{"n":1}}';
  it('is where the last marked records stand, repeated until there are others', async () => {
    const store = createMemoryStore();
    const { sealer, sealed, record } = start(store);
    record('other', '{}');
    record('trail', '{}');
    record('trail', started, 'policy');
    record('trail', '{}', 'capture');
    sealer.cut('start');
    sealer.cut('idle');
    record('trail', '{}', 'capture');
    record('trail', '{}', 'capture');
    sealer.cut('stop');
    await sealer.drain();
    expect(sealed.map(({ first, source }) => [first, source.level, source.state])).toEqual([
      [0, 2, { policy: 1, capture: 2 }],
      [5, 2, { policy: 1, capture: 2 }],
      [6, 2, { policy: 1, capture: 7 }],
    ]);
    const head = await headOf(store);
    expect(head.state).toEqual({ policy: 1, capture: 7 });
    const next = start(store, { head });
    next.sealer.cut('idle');
    await next.sealer.drain();
    expect(next.sealed[0]?.source.state).toEqual(head.state);
  });
  it('has what is written when a seal is about to be cut, once, in that seal', async () => {
    const store = createMemoryStore();
    let due = ['tables'];
    const { sealer, sealed, record } = start(store, {
      limits: { maxAgeMs: 10_000, maxBytes: 50, maxRecords: 1000, idleMs: 60_000 },
      beforeCut: () => {
        for (const each of due.splice(0)) record('trail', JSON.stringify(each.repeat(20)), 'policy');
      },
    });
    record('default', JSON.stringify('x'.repeat(60)));
    due = ['tables'];
    sealer.cut('idle');
    sealer.cut('idle');
    await sealer.drain();
    expect(sealed.map(({ reason, count, source }) => [reason, count, source.state])).toEqual([
      ['size', 2, { policy: 0 }],
      ['age', 1, { policy: 3 }],
      ['idle', 0, { policy: 3 }],
    ]);
  });
});

describe('recover', () => {
  it('finds nothing in an empty store, and refuses a store whose seals are not ours', async () => {
    const store = createMemoryStore();
    expect(await recover(store, isSeal, [], silentLog)).toBeNull();
    store.put('seals/000000000000', Buffer.from('junk'));
    await expect(recover(store, isSeal, [], silentLog)).rejects.toMatchObject({ code: 'trail_invalid' });
  });

  // A daemon killed between the first segment and seal 0 left a segment that no later seal named.
  it('finds what a crash before seal 0 left', async () => {
    const store = createMemoryStore();
    const stray = 'segments/trail/2026/11/22/000000000000-0123456789abcdef.jsonl.zst';
    store.put(stray, Buffer.from('left'));
    expect(await strays(store, null, ['trail', 'default'])).toEqual([stray]);
  });

  it('passes over junk, copies of older seals and delete markers above and at the head', async () => {
    const store = createMemoryStore({ versioned: true });
    const { sealer, record } = start(store);
    for (let i = 0; i < 40; i++) {
      record('default', `{"i":${i}}`);
      sealer.cut('age');
    }
    await sealer.drain();
    const copy = await store.read('seals/000000000007', null, 1 << 20);
    store.put('seals/000000000040', copy);
    store.put('seals/000000000055', Buffer.from('junk'));
    store.put('seals/999999999999', copy);
    store.put('seals/000000000039', null);
    store.put('seals/not-a-number', Buffer.from('junk'));
    const { head } = (await recover(store, isSeal, [], silentLog))!;
    expect(head.number).toBe(39);
    expect(head).toEqual(sealer.head);
  });
});
