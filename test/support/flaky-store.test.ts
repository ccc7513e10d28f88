import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createFileStore } from '../../src/store/file.ts';
import { createFlakyStore, type FlakyOptions } from './flaky-store.ts';

const root = mkdtempSync(join(tmpdir(), 'rowseal-flaky-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let trails = 0;
function open(options: FlakyOptions) {
  trails += 1;
  const beneath = createFileStore({ root, trail: `t${trails}` });
  return { beneath, store: createFlakyStore(beneath, options) };
}
const create = (store: ReturnType<typeof open>['store'], n = 0) =>
  store.create(`seals/${String(n).padStart(12, '0')}`, Buffer.from('x'), new Date());
const unavailable = { code: 'store_unavailable' };

describe('the flaky store', () => {
  test('fail: nothing took effect; persist: it did', async () => {
    const failing = open({ seed: 1, rates: { fail: 1 } });
    await expect(create(failing.store)).rejects.toMatchObject(unavailable);
    expect(await create({ ...failing.store, create: failing.beneath.create })).toBe('created');
    const persisting = open({ seed: 1, rates: { persist: 1 } });
    await expect(create(persisting.store)).rejects.toMatchObject(unavailable);
    persisting.store.calm(true);
    expect(await create(persisting.store)).toBe('same');
  });

  test('hang: for as long as told, or until closed', async () => {
    const { store } = open({ seed: 1, rates: { hang: 1 }, hangMs: 60_000 });
    const call = expect(create(store)).rejects.toMatchObject(unavailable);
    await store.close();
    await call;
  });

  test('the same seed gives the same faults, another seed others, in about the share asked for', async () => {
    const faultsOf = async (seed: number) => {
      const { store } = open({ seed, rates: { fail: 0.2, persist: 0.2, delay: 0.1 }, delayMs: 1 });
      for (let n = 0; n < 200; n += 1) await create(store, n).catch(() => {});
      return store.calls.map(({ fault }) => fault);
    };
    const [first, again, other] = [await faultsOf(7), await faultsOf(7), await faultsOf(8)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    for (const [fault, share] of Object.entries({ fail: 0.2, persist: 0.2, delay: 0.1, none: 0.5 })) {
      const seen = first.filter((one) => one === fault).length / 200;
      expect(Math.abs(seen - share), fault).toBeLessThan(0.1);
    }
  });
});
