/**
 * Listing versions oldest first from a store that lists newest first, however many there are: the order, the requests
 * and what is held. The pages are made here, as ListObjectVersions gives them.
 */
import type { ListObjectVersionsCommandInput, ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import type { S3Link } from './s3-link.ts';
import { listVersions } from './s3-list.ts';
import { createVersionStack, type Dated, type Marker } from './s3-versions.ts';

interface Stored {
  readonly key: string;
  readonly version: string;
  readonly marker?: boolean;
}

/** A bucket's listing, in pages of 1000. `onPage` may put more. */
function bucketOf(objects: Stored[], onPage: (asked: number) => void = () => {}) {
  let requests = 0;
  const page = (input: ListObjectVersionsCommandInput): ListObjectVersionsCommandOutput => {
    requests += 1;
    onPage(requests);
    // Keys ascending, newest first within a key.
    const all = [...objects].reverse().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const { KeyMarker: key, VersionIdMarker: version } = input;
    const from =
      key === undefined
        ? 0
        : version === undefined
          ? all.findIndex((each) => each.key > key)
          : all.findIndex((each) => each.key === key && each.version === version) + 1;
    const shown = from === -1 ? [] : all.slice(from, from + 1000);
    const last = shown.at(-1);
    const entry = ({ key: Key, version: VersionId }: Stored) => ({
      Key,
      VersionId,
      Size: 1,
      LastModified: new Date(Number(VersionId) * 1000),
    });
    return {
      $metadata: {},
      Versions: shown.filter(({ marker }) => marker !== true).map(entry),
      DeleteMarkers: shown.filter(({ marker }) => marker === true).map(entry),
      IsTruncated: from !== -1 && from + 1000 < all.length,
      NextKeyMarker: last?.key,
      NextVersionIdMarker: last?.version,
    };
  };
  const client = { send: async (command: { input: ListObjectVersionsCommandInput }) => page(command.input) };
  const link = {
    bucket: 'made',
    request: (_bytes: number, run: (client: never, signal: AbortSignal) => unknown) =>
      run(client as never, new AbortController().signal),
    persist: (_bytes: number, attempt: () => unknown) => attempt(),
  } as unknown as S3Link;
  return { list: (prefix = '') => listVersions({ link, base: '', prefix }), requests: () => requests };
}

const versions = (key: string, count: number, every = 0): Stored[] =>
  Array.from({ length: count }, (_, i) => ({
    key,
    version: String(i),
    ...(every > 0 && i % every === every - 1 ? { marker: true } : {}),
  }));

// An outsider may put any number of versions of one key, and all of them were held in memory to be turned.
it('gives any number of versions oldest first, delete markers in between, by asking twice for most pages', async () => {
  const objects = [...versions('a', 3), ...versions('b', 25_000, 7), ...versions('c', 2)];
  const bucket = bucketOf(objects);
  const found = await Array.fromAsync(bucket.list());
  expect(found.map(({ key, version, deleteMarker }) => ({ key, version, deleteMarker }))).toEqual(
    objects.map(({ key, version, marker }) => ({ key, version, deleteMarker: marker === true })),
  );
  expect(bucket.requests()).toBeLessThanOrEqual(2 * 26);
});

it('asks for no page twice where somebody wants the oldest few', async () => {
  const bucket = bucketOf(versions('b', 25_000));
  for await (const { version } of bucket.list()) if (version === '6000') break;
  expect(bucket.requests()).toBe(25);
});

it('loses none while versions are put and junk is deleted in between', async () => {
  const objects = versions('b', 15_000);
  let put = 15_000;
  const bucket = bucketOf(objects, (asked) => {
    for (let i = 0; i < 300; i++) objects.push({ key: 'b', version: String(put++) });
    if (asked === 20) objects.splice(4000, 50);
  });
  const found = new Set<string | null>();
  let last = -1;
  for await (const { version } of bucket.list()) {
    if (!found.has(version)) expect(Number(version)).toBeGreaterThan(last);
    if (!found.has(version)) last = Number(version);
    found.add(version);
  }
  expect(objects.slice(0, 14_900).filter(({ version }) => !found.has(version))).toEqual([]);
});

it('holds nine pages of a key at most', async () => {
  let asked = 0;
  const stack = createVersionStack('b', async (marker) => {
    asked += 1;
    const from = Number(marker?.version);
    return { entries: Array.from({ length: 1000 }, (_, i) => entry(from - 1 - i)), next: null };
  });
  const entry = (version: number): Dated => ({
    key: 'b',
    version: String(version),
    deleteMarker: false,
    bytes: 1,
    at: 0,
  });
  let marker: Marker | null = null;
  for (let version = 99_999; version >= 0; version--) {
    stack.push(entry(version), marker);
    if (version % 1000 === 0) marker = { key: 'b', version: String(version) };
  }
  let next = 0;
  for await (const { version } of stack.oldestFirst()) expect(Number(version)).toBe(next++);
  expect(next).toBe(100_000);
  expect(asked).toBe(100 - 9);
});
