/** What every TrailStore does, whatever it stands on. Run against each by store.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ErrorCode, RowsealError } from '../../src/base/errors.ts';
import type { ObjectVersion, TrailStore } from '../../src/store/store.ts';

export interface StoreBench extends AsyncDisposable {
  /** Opens a store of a trail; the same name gives the same trail, through a connection of its own. */
  open(trail: string): Promise<TrailStore>;
  /** Whether a key may have several versions. */
  readonly versions: boolean;
}

export function storeContract(name: string, createBench: () => Promise<StoreBench>): void {
  describe(`store contract: ${name}`, () => {
    let bench: StoreBench;
    let trails = 0;
    const opened: TrailStore[] = [];
    const open = async (trail: string) => {
      const store = await bench.open(trail);
      opened.push(store);
      return store;
    };
    const fresh = () => {
      trails += 1;
      return open(`audit.example.com/t${trails}`);
    };
    beforeAll(async () => {
      bench = await createBench();
    });
    afterAll(async () => {
      for (const store of opened) await store.close();
      await bench?.[Symbol.asyncDispose]();
    });

    test('an empty trail lists nothing', async () => {
      expect(await keys(await fresh(), '')).toEqual([]);
    });

    test('create, then read and list what was created', async () => {
      const store = await fresh();
      const bytes = Buffer.from([0, 255, 10, 13, 0]);
      expect(await store.create('seals/000000000000', bytes, soon())).toBe('created');
      expect(await store.read('seals/000000000000', null, 5)).toEqual(bytes);
      const [entry, ...more] = await all(store, '');
      expect(more).toEqual([]);
      expect(entry).toMatchObject({ key: 'seals/000000000000', deleteMarker: false, bytes: 5 });
      expect(await store.read('seals/000000000000', entry!.version, 5)).toEqual(bytes);
    });

    test('an empty object and one of 5 MiB come back as they were', async () => {
      const store = await fresh();
      const large = Buffer.alloc(5 * 1024 * 1024, 'rowseal ');
      expect(await store.create('segments/empty', Buffer.alloc(0), soon())).toBe('created');
      expect(await store.create('segments/large', large, soon())).toBe('created');
      expect((await store.read('segments/empty', null, 0)).length).toBe(0);
      expect((await store.read('segments/large', null, large.length)).equals(large)).toBe(true);
      expect(await store.create('segments/large', large, soon())).toBe('same');
    });

    test('the same bytes are the same object, also for another process', async () => {
      const store = await fresh();
      await store.create('seals/000000000000', Buffer.from('one'), soon());
      expect(await store.create('seals/000000000000', Buffer.from('one'), soon())).toBe('same');
      const other = await open(`audit.example.com/t${trails}`);
      expect(await other.create('seals/000000000000', Buffer.from('one'), soon())).toBe('same');
      expect(await keys(store, '')).toEqual(['seals/000000000000']);
    });

    test('other bytes find the key taken, and change nothing', async () => {
      const store = await fresh();
      await store.create('seals/000000000000', Buffer.from('one'), soon());
      for (const bytes of ['two', 'onE', 'longer', '']) {
        expect(await store.create('seals/000000000000', Buffer.from(bytes), soon())).toBe('taken');
      }
      expect((await store.read('seals/000000000000', null, 100)).toString()).toBe('one');
      expect(await keys(store, '')).toEqual(['seals/000000000000']);
    });

    test('behind: a further version where the store has versions, younger than what was there', async () => {
      const store = await fresh();
      await store.create('seals/000000000000', Buffer.from('junk'), soon());
      const outcome = await store.create('seals/000000000000', Buffer.from('ours'), soon(), { behind: true });
      expect(outcome).toBe(bench.versions ? 'created' : 'taken');
      const found = await contents(store, 'seals/');
      expect(found).toEqual(bench.versions ? ['junk', 'ours'] : ['junk']);
      if (!bench.versions) return;
      expect(await store.create('seals/000000000000', Buffer.from('ours'), soon(), { behind: true })).toBe(
        'same',
      );
      expect(await contents(store, 'seals/')).toEqual(['junk', 'ours']);
    });

    test('lists in bytewise order of keys, by prefix and after a key', async () => {
      const store = await fresh();
      const names = [
        'segments/a-b/1',
        'segments/a/2',
        'segments/a/10',
        'segments/a.b/3',
        'seals/2',
        'seals/10',
      ];
      for (const key of names) await store.create(key, Buffer.from(key), soon());
      const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keys(store, '')).toEqual(sorted);
      expect(await keys(store, 'segments/a')).toEqual(sorted.filter((key) => key.startsWith('segments/a')));
      expect(await keys(store, 'segments/a/')).toEqual(['segments/a/10', 'segments/a/2']);
      expect(await keys(store, 'seals/1')).toEqual(['seals/10']);
      expect(await keys(store, 'none/')).toEqual([]);
      for (const after of [...sorted, 'seals/', 'segments/a/', 'segments/a0', 'zz']) {
        const behind = (key: string) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0;
        expect(await keysAfter(store, '', after)).toEqual(sorted.filter(behind));
      }
      expect(await keysAfter(store, 'segments/a/', 'segments/a/10')).toEqual(['segments/a/2']);
    });

    test('two trails do not see each other', async () => {
      const [one, two] = [await fresh(), await fresh()];
      await one.create('seals/000000000000', Buffer.from('one'), soon());
      expect(await keys(two, '')).toEqual([]);
      expect(await two.create('seals/000000000000', Buffer.from('two'), soon())).toBe('created');
    });

    test('what is not there is object_missing', async () => {
      const store = await fresh();
      await code(store.read('seals/000000000009', null, 10), 'object_missing');
      await store.create('seals/000000000000', Buffer.from('one'), soon());
      await code(store.read('seals', null, 10), 'object_missing');
      await code(store.read('seals/000000000000/deeper', null, 10), 'object_missing');
    });

    test('no more is read than asked for', async () => {
      const store = await fresh();
      await store.create('segments/s', Buffer.alloc(100_000), soon());
      await code(store.read('segments/s', null, 99_999), 'object_too_large');
      expect((await store.read('segments/s', null, 100_000)).length).toBe(100_000);
    });

    test('keys that climb out are refused', async () => {
      const store = await fresh();
      for (const key of ['../x', '/x', 'a//b', 'a/./b', 'a/../../b', '', 'a/', 'a\0b', '.']) {
        await code(store.create(key, Buffer.from('x'), soon()), 'internal');
      }
      await expect(bench.open('../climbs')).rejects.toThrow(RowsealError);
      await expect(bench.open('a//b')).rejects.toThrow(RowsealError);
    });

    test('of concurrent creates of one key, all agree on who was first', async () => {
      const stores = [await fresh()];
      for (let i = 1; i < 8; i += 1) stores.push(await open(`audit.example.com/t${trails}`));
      const outcomes = await Promise.all(
        stores.map((store, i) => store.create('seals/000000000000', Buffer.from(`writer ${i}`), soon())),
      );
      const created = outcomes.flatMap((outcome, i) => (outcome === 'created' ? [`writer ${i}`] : []));
      expect(new Set(outcomes).has('same')).toBe(false);
      const found = await contents(stores[0]!, 'seals/');
      for (const store of stores) expect(await contents(store, 'seals/')).toEqual(found);
      expect(found.toSorted()).toEqual(created.toSorted());
      if (!bench.versions) expect(created.length).toBe(1);
      expect(created.length).toBeGreaterThan(0);
    });

    test('concurrent creates of the same bytes leave those bytes', async () => {
      const stores = [await fresh()];
      for (let i = 1; i < 6; i += 1) stores.push(await open(`audit.example.com/t${trails}`));
      const create = (store: TrailStore) => store.create('seals/000000000000', Buffer.from('one'), soon());
      expect(await Promise.all(stores.map(create))).not.toContain('taken');
      expect(new Set(await contents(stores[0]!, ''))).toEqual(new Set(['one']));
    });

    test('many objects, several at a time', async () => {
      const store = await fresh();
      const numbers = Array.from({ length: 40 }, (_, i) => String(i).padStart(12, '0'));
      const create = (number: string) => store.create(`seals/${number}`, Buffer.from(number), soon());
      expect(new Set(await Promise.all(numbers.map(create)))).toEqual(new Set(['created']));
      expect(await contents(store, 'seals/')).toEqual(numbers);
      expect(await keysAfter(store, 'seals/', 'seals/000000000037')).toEqual([
        'seals/000000000038',
        'seals/000000000039',
      ]);
    });

    test('a lock is there where the store has locks, and is extended, never shortened', async () => {
      const store = await fresh();
      const [near, far] = [soon(600), soon(1200)];
      await store.create('segments/s', Buffer.from('one'), near);
      const lockOf = async () => {
        const [entry] = await all(store, 'segments/');
        return await store.lock('segments/s', entry!.version);
      };
      if (!store.locks) return expect(await lockOf()).toBe(null);
      expect(await lockOf()).toEqual({ mode: 'COMPLIANCE', until: near });
      expect(await store.create('segments/s', Buffer.from('one'), far)).toBe('same');
      expect(await lockOf()).toEqual({ mode: 'COMPLIANCE', until: far });
      expect(await store.create('segments/s', Buffer.from('one'), near)).toBe('same');
      expect(await lockOf()).toEqual({ mode: 'COMPLIANCE', until: far });
    });

    test('the location opens again, and holds no secret', async () => {
      const store = await fresh();
      expect(store.location).toContain(`audit.example.com/t${trails}`);
      expect(store.location).not.toMatch(/secret|key=/i);
      const skew = store.skewMs();
      expect(skew === null || Math.abs(skew) < 5000).toBe(true);
    });
  });
}

export async function all(
  store: Pick<TrailStore, 'list'>,
  prefix: string,
  after?: string,
): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  for await (const version of store.list(prefix, after)) found.push(version);
  return found;
}

export async function keys(store: TrailStore, prefix: string): Promise<string[]> {
  return (await all(store, prefix)).map(({ key }) => key);
}

async function keysAfter(store: TrailStore, prefix: string, after: string): Promise<string[]> {
  return (await all(store, prefix, after)).map(({ key }) => key);
}

/** The bytes of every version in list order, as text. */
export async function contents(store: TrailStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (const { key, version, deleteMarker } of await all(store, prefix)) {
    if (!deleteMarker) found.push((await store.read(key, version, 1 << 20)).toString());
  }
  return found;
}

export async function code(promise: Promise<unknown>, expected: ErrorCode): Promise<RowsealError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RowsealError);
  expect((error as RowsealError).code, (error as RowsealError).message).toBe(expected);
  return error as RowsealError;
}

/** Whole seconds from now. */
export function soon(seconds = 600): Date {
  return new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000);
}
