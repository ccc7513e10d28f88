/**
 * Lists an S3 bucket: every version of every key, delete markers too, since a plain GET or a 404 proves nothing
 * about what is there. Must never trust a key: in a bucket anybody's junk may lie among ours. Must never hold more
 * than some pages, however many versions of a key somebody put.
 */
import {
  type DeleteMarkerEntry,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { RowsealError } from '../base/errors.ts';
import { compareKeys } from './names.ts';
import type { S3Link } from './s3-link.ts';
import { createVersionStack, type Dated, type Marker, type Page, type VersionStack } from './s3-versions.ts';
import type { ObjectVersion } from './store.ts';

export interface Listing {
  readonly link: S3Link;
  /** What every full key begins with, and no listed key does. */
  readonly base: string;
  readonly prefix: string;
  readonly after?: string | undefined;
  readonly once?: boolean;
}

/**
 * The contract's `list`: pages of the store's order (key ascending, newest first) turned to oldest first. Pages
 * are asked for again when they fail, unless `once`: then whoever calls repeats the whole.
 */
export async function* listVersions(listing: Listing): AsyncGenerator<ObjectVersion> {
  const { link, base, prefix, after, once = false } = listing;
  const pageAt = async (marker: Marker | null): Promise<Page> => {
    const ask = () => listPage(link, base + prefix, marker);
    const page = await (once ? ask() : link.persist(0, ask));
    return { entries: entriesOf(page, base), next: nextMarker(page, marker, link) };
  };
  // Versions of one key may be spread over pages: held back until another key begins.
  let stack: VersionStack | null = null;
  let marker: Marker | null = after === undefined ? null : { key: base + after, version: undefined };
  do {
    const page = await pageAt(marker);
    for (const entry of page.entries) {
      if (after !== undefined && compareKeys(entry.key, after) <= 0) continue;
      if (stack !== null && stack.key !== entry.key) {
        yield* stack.oldestFirst();
        stack = null;
      }
      stack ??= createVersionStack(entry.key, pageAt);
      stack.push(entry, marker);
    }
    marker = page.next;
  } while (marker !== null);
  if (stack !== null) yield* stack.oldestFirst();
}

async function listPage(
  link: S3Link,
  fullPrefix: string,
  marker: Marker | null,
): Promise<ListObjectVersionsCommandOutput> {
  return await link.request(0, (client, signal) =>
    client.send(
      new ListObjectVersionsCommand({
        Bucket: link.bucket,
        Prefix: fullPrefix,
        // Anybody's key may hold what XML 1.0 can't say; one such key must not break every listing.
        EncodingType: 'url',
        ...(marker === null ? {} : { KeyMarker: marker.key }),
        ...(marker?.version === undefined ? {} : { VersionIdMarker: marker.version }),
      }),
      { abortSignal: signal },
    ),
  );
}

function nextMarker(
  page: ListObjectVersionsCommandOutput,
  marker: Marker | null,
  link: S3Link,
): Marker | null {
  if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return null;
  const next = { key: decoded(page.NextKeyMarker), version: page.NextVersionIdMarker };
  if (next.key === marker?.key && next.version === marker.version) {
    throw new RowsealError('store_unavailable', `bucket ${link.bucket}: a listing does not move on`);
  }
  return next;
}

/**
 * A page's versions and delete markers in one row, keys ascending. The answer's order among them is lost in
 * the SDK, which parts them: they are merged by time. Versions among themselves keep the store's order.
 */
function entriesOf(page: ListObjectVersionsCommandOutput, base: string): Dated[] {
  const versions = (page.Versions ?? []).map((entry) => dated(entry, base, entry.Size ?? 0, false));
  const markers = (page.DeleteMarkers ?? []).map((entry) => dated(entry, base, 0, true));
  const merged: Dated[] = [];
  let next = 0;
  for (const version of versions) {
    for (
      let marker = markers[next];
      marker !== undefined && comesFirst(marker, version);
      marker = markers[next]
    ) {
      merged.push(marker);
      next += 1;
    }
    merged.push(version);
  }
  return [...merged, ...markers.slice(next)];
}

function comesFirst(marker: Dated, version: Dated): boolean {
  const order = compareKeys(marker.key, version.key);
  return order < 0 || (order === 0 && marker.at > version.at);
}

function dated(entry: DeleteMarkerEntry, base: string, bytes: number, deleteMarker: boolean): Dated {
  return {
    key: decoded(entry.Key ?? '').slice(base.length),
    version: entry.VersionId ?? null,
    deleteMarker,
    bytes,
    at: entry.LastModified?.getTime() ?? 0,
  };
}

/** Undoes EncodingType url, which writes a space as `+`. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text; // a store that didn't encode
  }
}
