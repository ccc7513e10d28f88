/**
 * Somebody who can put objects into a trail's store, any number of any names and bytes, and nothing else. He must
 * neither blind a verifier, nor make it cry tampering or give up, nor make it or recovery cost more than he spent. The
 * full numbers are on a store in memory and in a folder; test/integration/s3-outsider.test.ts has a real bucket.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryStore, type MemoryStore } from '../../test/support/memory-store.ts';
import { counting, put, recovered, sealOn } from '../../test/support/outsider.ts';
import { SIGNER } from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import type { Head } from '../seal/head/head.ts';
import { createFileStore } from '../store/file.ts';
import { createFolderReader } from '../store/folder.ts';
import type { TrailReader } from '../store/store.ts';
import { sealPath } from '../trail/names.ts';
import { MIN_SEAL_BYTES } from '../trail/seal.ts';
import { exitStatus } from './report.ts';

const TINY = Buffer.from('junk');
const LIKELY = Buffer.alloc(MIN_SEAL_BYTES + 500, 'j');
const EMPTY = Buffer.alloc(0);

async function looked(reader: TrailReader, options: { key?: null } = {}) {
  const { reader: counted, asked } = counting(reader);
  const verdict = await verified(counted, { now: new Date(), ...options });
  return { verdict, asked, exit: [exitStatus(verdict, false), exitStatus(verdict, true)] };
}

describe('junk versions of one seal', () => {
  // 64 PUTs at the number of a seal that did not exist yet: the daemon wrote behind them and won, while verifiers read
  // 64 versions: at the head they said OK with the newest seal unseen, below it they cried `seal_malformed` for ever.
  for (const count of [64, 65, 5000]) {
    for (const junk of [TINY, LIKELY]) {
      test(`${count} of ${junk.length} bytes below, at and above the head`, async () => {
        const store = createMemoryStore({ versioned: true });
        const { head } = await sealOn(store, 6, undefined, async (number) => {
          if (![0, 2, 5].includes(number)) return;
          for (let i = 0; i < count; i++) store.put(sealPath(number), i % 10 === 9 ? null : junk);
        });
        for (let i = 0; i < count; i++) store.put(sealPath(6), junk);
        for (const key of [undefined, null] as const) {
          const { verdict, asked, exit } = await looked(store, key === null ? { key } : {});
          expect(verdict.findings).toEqual([]);
          expect(verdict.head?.number).toBe(5);
          expect(exit).toEqual([0, 1]);
          // Once for the key that seal 0 names, once for all; none for what is too small.
          expect(asked.reads).toBeLessThan(40 + (junk === TINY ? 0 : 5 * count));
          expect(asked.lists).toBeLessThan(40);
        }
        const daemon = await recovered(store);
        expect(daemon.found?.head).toEqual(head);
        expect(daemon.warnings).toHaveLength(1);
        expect((await sealOn(store, 1, daemon.found!.head)).head.number).toBe(6);
      });
    }
  }

  test('a second one by the key on top changes nothing, and only a thousand behind are looked at', async () => {
    const store = createMemoryStore({ versioned: true });
    const { head } = await sealOn(store, 2);
    const elsewhere = createMemoryStore({ versioned: true });
    await sealOn(elsewhere, 3);
    const second = await elsewhere.read(sealPath(1), null, 1 << 20);
    for (let i = 0; i < 1500; i++) store.put(sealPath(1), LIKELY);
    store.put(sealPath(1), second);
    const { verdict, asked, exit } = await looked(store);
    expect(verdict.head?.root).toBe((await looked(store)).verdict.head?.root);
    expect(exit).toEqual([0, 1]);
    expect(asked.reads).toBeLessThan(1040);
    const messages = verdict.notices.filter(({ code }) => code === 'further_version');
    expect(messages.some(({ message }) => message.includes('not looked at'))).toBe(true);
    expect((await recovered(store)).found?.head).toEqual(head);
  });

  // Who lost a race stands right behind the winner.
  test('a seal that lost a race is listed as abandoned, and one behind much junk is not', async () => {
    const store = createMemoryStore({ versioned: true });
    await sealOn(store, 2);
    const elsewhere = createMemoryStore({ versioned: true });
    await sealOn(elsewhere, 2);
    const lost = await elsewhere.read(sealPath(1), null, 1 << 20);
    store.put(sealPath(1), TINY);
    store.put(sealPath(1), lost);
    expect((await recovered(store)).found?.abandoned).toHaveLength(1);
    for (let i = 0; i < 100; i++) store.put(sealPath(1), LIKELY);
    expect((await recovered(store)).asked.reads).toBeLessThan(40);
  });
});

test('junk versions of a segment: the one with the seal’s SHA-256 counts, wherever it stands', async () => {
  const store = createMemoryStore({ versioned: true });
  const { seals } = await sealOn(store, 3);
  const { object, bytes } = seals[1]!.segments[0]!;
  const evidence = await store.read(object, null, 1 << 20);
  const junked = createMemoryStore({ versioned: true });
  for (const key of store.keys()) {
    // Before it, of other sizes and of its own.
    if (key === object) {
      for (let i = 0; i < 5000; i++) junked.put(key, i % 100 === 0 ? Buffer.alloc(bytes) : TINY);
      for (let i = 0; i < 100; i++) junked.put(key, null);
    }
    junked.put(key, await store.read(key, null, 1 << 20));
  }
  const before = await looked(junked);
  expect(before.verdict).toMatchObject({ result: 'ok', findings: [], unchecked: [] });
  expect(before.exit).toEqual([0, 1]);
  expect(before.asked.reads).toBeLessThan(90);
  expect(before.verdict.counts.notices).toBeLessThan(30);
  for (let i = 0; i < 5000; i++) junked.put(object, TINY);
  const behind = await looked(junked);
  expect(behind.exit).toEqual([0, 1]);
  expect(behind.asked.reads).toBeLessThan(90);
  expect(evidence).toHaveLength(bytes);
});

describe('junk objects', () => {
  let store: MemoryStore;
  let head: Head;
  beforeAll(async () => {
    store = createMemoryStore({ versioned: true });
    ({ head } = await sealOn(store, 8));
  });

  // 50,001 objects below segments/ and every verify ended with `too_many`, exit 2.
  test('50,001 strays are notices', async () => {
    const junked = await copyOf(store);
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
    for (let i = 0; i < 50_001; i++) {
      junked.put(`segments/default/${day}/000000000003-${hex(i)}.jsonl.zst`, TINY);
      junked.put(`segments/junk-${i}`, TINY);
    }
    const { verdict, asked, exit } = await looked(junked);
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 7 } });
    expect(verdict.counts.notices).toBeGreaterThan(50_000);
    expect(exit).toEqual([0, 1]);
    expect(asked.lists).toBeLessThan(20);
    expect(asked.reads).toBeLessThan(40);
    expect((await recovered(junked)).asked.listed).toBeLessThan(6000);
  });

  // 200,000 empty objects above the head cost recovery a LIST, a GET and a line in the log each, at every reconnect.
  test('200,000 empty objects with seals’ names', async () => {
    const junked = await copyOf(store);
    for (let i = 0; i < 200_000; i++) junked.put(sealPath(8 + i * 3), EMPTY);
    junked.put('seals/readme', TINY);
    const { verdict, asked, exit } = await looked(junked);
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 7 } });
    expect(exit).toEqual([0, 1]);
    expect(asked.reads).toBeLessThan(40);
    expect(verdict.notices.length).toBeLessThanOrEqual(1000);
    const daemon = await recovered(junked);
    expect(daemon.found?.head).toEqual(head);
    expect(daemon.asked.lists).toBeLessThan(40);
    expect(daemon.asked.listed).toBeLessThan(3000);
    expect(daemon.warnings.length).toBeLessThanOrEqual(1);
  });

  // Only the first 2,000 names without a seal were remembered: a spoiled newest seal behind them was no finding.
  test('a spoiled seal behind 3,000 names of junk is found all the same', async () => {
    const junked = await copyOf(store);
    const { head: further } = await sealOn(junked, 1, head);
    const spoiled = createMemoryStore({ versioned: true });
    for (const key of junked.keys()) {
      const bytes = await junked.read(key, null, 1 << 24);
      spoiled.put(key, key === sealPath(further.number) ? Buffer.concat([TINY, bytes]) : bytes);
    }
    // Junk at lower numbers than the spoiled one, as its name was moved up.
    const moved = createMemoryStore({ versioned: true });
    for (const key of spoiled.keys()) {
      const to = key === sealPath(further.number) ? sealPath(5000) : key;
      moved.put(to, await spoiled.read(key, null, 1 << 24));
    }
    for (let i = 0; i < 3000; i++) moved.put(sealPath(9 + i), LIKELY);
    const { verdict } = await looked(moved);
    expect(verdict.codes).toContain('head_behind');
  });

  test('names and signatures of a megabyte are not kept', async () => {
    const junked = await copyOf(store);
    const seal = (await store.read(sealPath(7), null, 1 << 20)).toString();
    const long = 'a'.repeat(500_000);
    for (let i = 0; i < 200; i++) {
      junked.put(sealPath(8 + i), Buffer.from(seal.replace(/"trail":"[^"]*"/, `"trail":"${long}"`)));
    }
    const { verdict } = await looked(junked);
    expect(verdict.head?.number).toBe(7);
    for (const { message } of verdict.notices) expect(message.length).toBeLessThan(1300);
  });
});

describe('in a folder', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rowseal-outsider-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  // No versions here: junk lies at other names only, or in the place of a seal that is not there yet.
  test('strays and junk of seals’ names are notices, and recovery does not look at all of them', async () => {
    const store = createFileStore({ root, trail: 'audit.example.com/made' });
    const folder = join(root, 'audit.example.com/made');
    const { head, seals } = await sealOn(store, 5);
    const day = seals[0]!.segments[0]!.object.split('/').slice(0, -1).join('/');
    await mkdir(join(folder, 'segments/odd'), { recursive: true });
    await put(3000, (i) => writeFile(join(folder, day, `000000000003-${hex(i)}.jsonl.zst`), TINY));
    await put(3000, (i) => writeFile(join(folder, 'segments/odd', `${i}`), TINY));
    await put(5000, (i) => writeFile(join(folder, sealPath(6 + i)), i % 2 === 0 ? EMPTY : LIKELY));
    const { verdict, asked, exit } = await looked(createFolderReader(folder));
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 4 } });
    expect(exit).toEqual([0, 1]);
    expect(asked.reads).toBeLessThan(40 + 2500);
    const daemon = await recovered(store);
    expect(daemon.found?.head).toEqual(head);
    expect(daemon.asked.reads).toBeLessThan(80);
    expect(daemon.warnings).toHaveLength(1);
    expect((await sealOn(store, 1, head)).head.number).toBe(5);
  });
});

test('a trail that has begun with segments and no seal yet could not be checked', async () => {
  const store = createMemoryStore();
  store.put('segments/trail/2026/11/22/000000000000-0123456789abcdef.jsonl.zst', TINY);
  const { verdict, exit } = await looked(store);
  expect(verdict.codes).toEqual(['no_trail']);
  expect(exit).toEqual([2, 2]);
  expect(verdict.trust.vkey).toBe(SIGNER.key.vkey);
});

const hex = (number: number) => number.toString(16).padStart(16, '0');

async function copyOf(store: MemoryStore): Promise<MemoryStore> {
  const copy = createMemoryStore({ versioned: true });
  for (const key of store.keys()) copy.put(key, await store.read(key, null, 1 << 24));
  return copy;
}
