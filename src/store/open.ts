/**
 * From what a person wrote, a folder's path, a URL or the store of the configuration, to an open trail.
 * The S3 client is loaded only when it is needed: whoever verifies a folder waits for none of it. Credentials
 * come from the environment and the SDK's default chain, never from a URL.
 */
import { fileURLToPath } from 'node:url';
import { RowsealError } from '../base/errors.ts';
import { createFileStore } from './file.ts';
import { createFolderReader } from './folder.ts';
import type { S3Credentials } from './s3-link.ts';
import type { TrailReader, TrailStore } from './store.ts';

/** The `store` of the configuration. */
export type StorePlace =
  | { readonly type: 'file'; readonly path: string }
  | {
      readonly type: 's3';
      readonly bucket: string;
      readonly prefix?: string | undefined;
      readonly region?: string | undefined;
      readonly endpoint?: string | undefined;
      readonly force_path_style?: boolean | undefined;
      readonly lock?: 'compliance' | 'governance' | undefined;
    };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Opens a trail for reading: a folder's path, `file:///path`, or
 * `s3://bucket/prefix/trail?region=…&endpoint=…&force_path_style=true`. Throws `usage` for anything else;
 * whether a trail is there shows when it is read.
 */
export async function openReader(location: string, env: Environment = process.env): Promise<TrailReader> {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) return createFolderReader(location);
  const url = parseUrl(location);
  if (url.protocol === 'file:') return createFolderReader(folderOf(url));
  if (url.protocol !== 's3:') throw new RowsealError('usage', `${url.protocol}// is no place for a trail`);
  const { openS3Reader } = await import('./s3.ts');
  return openS3Reader({ ...s3PlaceOf(url), credentials: credentialsOf(env) });
}

/** How long a command that a person waits for calls again for a bucket that does not answer, ms. */
export const ASKING_MS = 3000;

/**
 * Opens the trail `trail` for writing. Nothing is asked of the store before the first call. `patienceMs` bounds how long
 * a bucket that does not answer is called again; without it as long as suits a daemon.
 */
export async function openStore(
  place: StorePlace,
  trail: string,
  env: Environment = process.env,
  patienceMs?: number,
): Promise<TrailStore> {
  if (place.type === 'file') return createFileStore({ root: place.path, trail });
  const { createS3Store } = await import('./s3.ts');
  const { S3_LIMITS } = await import('./s3-link.ts');
  return createS3Store({
    limits: patienceMs === undefined ? S3_LIMITS : { ...S3_LIMITS, totalMs: patienceMs },
    trail,
    bucket: place.bucket,
    prefix: place.prefix?.replace(/^\/+|\/+$/g, ''),
    region: place.region,
    endpoint: place.endpoint,
    forcePathStyle: place.force_path_style,
    lock: place.lock,
    credentials: credentialsOf(env),
  });
}

function parseUrl(location: string): URL {
  if (!URL.canParse(location)) throw new RowsealError('usage', `${location} is not a URL`);
  const url = new URL(location);
  if (url.username !== '' || url.password !== '') {
    throw new RowsealError('usage', 'A URL of a trail holds no credentials', {
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, in the environment.',
    });
  }
  return url;
}

function folderOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new RowsealError('usage', `${url.href} names no folder of this machine`, { cause: error });
  }
}

const PARAMETERS = new Set(['region', 'endpoint', 'force_path_style']);

function s3PlaceOf(url: URL) {
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) {
    throw new RowsealError('usage', `${unknown} is no parameter of an s3:// URL`, {
      hint: `Known are ${[...PARAMETERS].join(', ')}.`,
    });
  }
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  if (url.hostname === '' || path === '') {
    throw new RowsealError('usage', `${url.href} lacks a bucket or the trail's path in it`);
  }
  return {
    bucket: url.hostname,
    path,
    region: url.searchParams.get('region') ?? undefined,
    endpoint: url.searchParams.get('endpoint') ?? undefined,
    forcePathStyle: url.searchParams.get('force_path_style') === 'true' ? true : undefined,
  };
}

/** Keys named in the environment that was handed in; null lets the SDK's default chain look. */
function credentialsOf(env: Environment): S3Credentials | undefined {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
}
