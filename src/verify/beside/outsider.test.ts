/**
 * Somebody who can put any number of objects beside the seals, and nothing else: he must not make a verifier cry tampering,
 * give up, or spend more than he did; nor hide from it what is there.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { COSIGNER, cosigned } from '../../../test/support/beside-builder.ts';
import { createMemoryStore, type MemoryStore } from '../../../test/support/memory-store.ts';
import { counting, sealOn } from '../../../test/support/outsider.ts';
import { verified } from '../../../test/support/verified.ts';
import { cosignaturePath, packPath, sealPath, tokenPath } from '../../trail/names.ts';
import { exitStatus } from '../report.ts';

const TINY = Buffer.from('junk');
const LIKELY = Buffer.alloc(600, 'j');
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');

async function looked(store: MemoryStore) {
  const { reader, asked } = counting(store);
  const verdict = await verified(reader, { now: new Date() });
  return { verdict, asked, exit: [exitStatus(verdict, false), exitStatus(verdict, true)] };
}

describe('beside four seals', () => {
  let seals: Map<string, Buffer>;
  beforeAll(async () => {
    const store = createMemoryStore({ versioned: true });
    await sealOn(store, 4);
    seals = new Map();
    for (const key of store.keys()) seals.set(key, await store.read(key, null, 1 << 24));
  });
  const fresh = () => {
    const store = createMemoryStore({ versioned: true });
    for (const [key, bytes] of seals) store.put(key, bytes);
    return store;
  };
  /** The newest seal's, and a store that no longer has it. */
  const gone = () => {
    const file = seals.get(sealPath(3))!.toString();
    const note = Buffer.from(file.slice(file.indexOf('\n\n') + 2) + cosigned());
    const store = createMemoryStore({ versioned: true });
    for (const [key, bytes] of seals) if (key !== sealPath(3)) store.put(key, bytes);
    return { store, note };
  };

  test('20,000 names without anything behind them, in each folder', async () => {
    const store = fresh();
    for (let i = 0; i < 20_000; i++) {
      store.put(cosignaturePath(i % 8, hex(i, 8)), TINY);
      store.put(tokenPath(i % 8, hex(i, 16)), TINY);
      store.put(`_packs/${i}`, TINY);
    }
    const { verdict, asked, exit } = await looked(store);
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 3 } });
    expect(exit).toEqual([0, 1]);
    expect(verdict.notices.length).toBeLessThanOrEqual(1000);
    expect(verdict.noticed).toEqual(expect.arrayContaining(['stray_pack']));
    expect(asked.lists).toBeLessThan(20);
    expect(asked.reads).toBeLessThan(40);
  });

  test('what could be something is read once, and under one name any number is passed over', async () => {
    const store = fresh();
    const { note } = gone();
    for (let i = 0; i < 2000; i++) {
      store.put(cosignaturePath(3, COSIGNER), LIKELY);
      store.put(cosignaturePath(9, hex(i, 8)), LIKELY);
      store.put(tokenPath(2, hex(i, 16)), LIKELY);
    }
    for (let i = 0; i < 200; i++) store.put(packPath(i % 2 === 0 ? null : 'default', i), LIKELY);
    store.put(cosignaturePath(3, COSIGNER), note);
    const { verdict, asked, exit } = await looked(store);
    expect(verdict).toMatchObject({ findings: [], unchecked: [], head: { number: 3 } });
    expect(exit).toEqual([0, 1]);
    expect(asked.reads).toBeLessThan(6000 + 200 + 40);
    expect(asked.lists).toBeLessThan(200 + 40);
  });

  test('does not hide a cosignature of a seal that is gone', async () => {
    const { store, note } = gone();
    expect((await looked(store)).exit).toEqual([0, 0]);
    for (let i = 0; i < 3000; i++) store.put(cosignaturePath(2 + (i % 7), hex(i, 8)), LIKELY);
    for (let i = 0; i < 3000; i++) store.put(cosignaturePath(5, 'ffffffff'), LIKELY);
    store.put(cosignaturePath(5, 'ffffffff'), note);
    const { verdict } = await looked(store);
    expect(verdict.findings).toMatchObject([{ code: 'head_behind', object: cosignaturePath(5, 'ffffffff') }]);
  });

  test('hostile bytes cost what others do', async () => {
    const store = fresh();
    const { note } = gone();
    const name = /^\S+/.exec(note.toString())![0];
    const key = /— \S+ (\S+)/.exec(note.toString())![1]!.slice(0, 5);
    const units = ['\n', '— ', `— ${name} ${key}`, `${name}\n9\n${'A'.repeat(43)}=\n`, 'a'];
    for (let i = 0; i < 200; i++) {
      const unit = units[i % units.length]!;
      store.put(cosignaturePath(1, hex(i, 8)), Buffer.from(unit.repeat(65_536 / Buffer.byteLength(unit))));
    }
    const began = process.cpuUsage();
    const { verdict, exit } = await looked(store);
    expect(verdict.findings).toEqual([]);
    expect(exit).toEqual([0, 1]);
    // Some 10 ms each at most; a search that begins anew at each byte takes seconds for one.
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  });
});
