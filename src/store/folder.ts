/**
 * Reads a trail that lies in a folder: the file store's own, a copy on an auditor's disk, a mounted medium.
 * The folder may be hostile: symbolic links, FIFOs, devices, folders where files should be, huge and sparse
 * files, names that nobody can read back. Must never follow a link out of the folder, never block on a FIFO,
 * never read more than it was asked to, and never write.
 */
import { constants, type Dirent } from 'node:fs';
import { lstat, open, opendir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RowsealError } from '../base/errors.ts';
import { parseSegmentPath, sealNumber } from '../trail/names.ts';
import { compareKeys } from './names.ts';
import type { ObjectVersion, TrailReader } from './store.ts';

/** Keys of ours have 6 parts at most; what lies deeper is listed as the folder it is and not walked. */
const MAX_DEPTH = 12;
const STAT_BATCH = 64;

/**
 * A reader over the trail in the folder `path` (the one that holds `seals/`).
 * Listing throws `store_missing` where there is no such folder.
 */
export function createFolderReader(path: string): TrailReader {
  const root = resolve(path);
  return {
    location: root,
    locks: false,
    async *list(prefix, after) {
      const found = await stat(root).catch((error: unknown) => {
        throw isGone(error) ? noFolder(root) : folderError(error, root);
      });
      if (!found.isDirectory()) throw noFolder(root);
      yield* listFolder(root, prefix, after);
    },
    read: (key, _version, maxBytes) => readFromFolder(root, key, maxBytes),
    lock: async () => null,
    close: async () => {},
  };
}

/**
 * The contract's `list` over a folder; nothing where there is no folder. A whole key of a seal or segment lists that
 * object alone: no other such key begins with it, and a folder of years of seals is long to read.
 */
export async function* listFolder(
  root: string,
  prefix: string,
  after?: string,
): AsyncGenerator<ObjectVersion> {
  const isKey = sealNumber(prefix) !== null || parseSegmentPath(prefix) !== null;
  if (!isKey) yield* listBelow(root, prefix, after, '', 0);
  else if (after === undefined || compareKeys(prefix, after) > 0) {
    const bytes = await sizeInside(root, prefix);
    if (bytes !== null) yield { key: prefix, version: null, deleteMarker: false, bytes };
  }
}

async function* listBelow(
  root: string,
  prefix: string,
  after: string | undefined,
  folder: string,
  depth: number,
): AsyncGenerator<ObjectVersion> {
  const names = await namesIn(root, folder, prefix, after);
  for (let at = 0; at < names.length; at += STAT_BATCH) {
    const batch = names.slice(at, at + STAT_BATCH);
    const sizes = await Promise.all(batch.map((name) => sizeOf(join(root, folder, name))));
    for (const [index, name] of batch.entries()) {
      const bytes = sizes[index];
      if (bytes === null || bytes === undefined) continue;
      if (!name.endsWith('/')) yield { key: folder + name, version: null, deleteMarker: false, bytes };
      else if (depth < MAX_DEPTH) yield* listBelow(root, prefix, after, folder + name, depth + 1);
      else yield { key: folder + name, version: null, deleteMarker: false, bytes: 0 };
    }
  }
}

/** The contract's `read` over a folder. */
export async function readFromFolder(root: string, key: string, maxBytes: number): Promise<Buffer> {
  const path = pathInside(root, key);
  try {
    // Every folder on the way must be the folder itself, not a link: a link may lead anywhere.
    if ((await realpath(path)) !== join(await realpath(root), key)) throw notAFile(key);
    // Asked before opening, since opening a device may already do something.
    if (!(await lstat(path)).isFile()) throw notAFile(key);
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      // Asked again of what was opened: it may have been swapped in between.
      const found = await file.stat();
      if (!found.isFile()) throw notAFile(key);
      if (found.size > maxBytes) {
        throw new RowsealError('object_too_large', `${key} has ${found.size} bytes; ${maxBytes} is the most`);
      }
      const bytes = Buffer.allocUnsafe(found.size);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof RowsealError) throw error;
    if (isGone(error)) {
      throw new RowsealError('object_missing', `${key} is not there`, { cause: error, details: { key } });
    }
    throw folderError(error, path);
  }
}

/** A file system's error as ours: what may pass by itself, and what somebody has to mend. */
export function folderError(error: unknown, path: string): RowsealError {
  const code = errno(error);
  const message = `${path}: ${code ?? String(error)}`;
  if (code !== null && FORBIDDEN.has(code)) {
    return new RowsealError('store_forbidden', message, {
      cause: error,
      hint: 'Give the user that runs rowseal this folder, on one local file system with hard links.',
    });
  }
  const hint =
    code === 'ENOSPC' || code === 'EDQUOT' ? 'Make room on the file system; nothing is lost.' : null;
  return new RowsealError('store_unavailable', message, { cause: error, ...(hint === null ? {} : { hint }) });
}

/** The errno name of a failed system call, such as ENOENT. */
export function errno(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

// EPERM, EOPNOTSUPP, EMLINK: no hard links here. EXDEV: another file system is mounted inside the trail.
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'EXDEV', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK']);
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO']);

/**
 * The names in one folder that can lead to a wanted key, folders with a `/` at the end, in an order in which
 * walking them gives ascending keys (`a-b` comes before `a/b`).
 */
async function namesIn(
  root: string,
  folder: string,
  prefix: string,
  after: string | undefined,
): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(join(root, folder), { bufferSize: 1024 })) {
      const name = nameOf(entry);
      if (leadsTo(folder + name, prefix, after)) names.push(name);
    }
  } catch (error) {
    if (!isGone(error)) throw folderError(error, join(root, folder));
  }
  return names.sort(compareKeys);
}

function nameOf(entry: Dirent): string {
  return entry.isDirectory() ? `${entry.name}/` : entry.name;
}

function leadsTo(path: string, prefix: string, after: string | undefined): boolean {
  const isFolder = path.endsWith('/');
  if (!path.startsWith(prefix) && !(isFolder && prefix.startsWith(path))) return false;
  if (after === undefined || compareKeys(path, after) > 0) return true;
  return isFolder && after.startsWith(path);
}

/** Size of a file, 0 of anything else that is there, null where it is gone again. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found.size : 0;
  } catch (error) {
    if (isGone(error)) return null;
    throw folderError(error, path);
  }
}

/** As `sizeOf`, of a key whose folders are folders, and no links to some; null where the key itself is a folder. */
async function sizeInside(root: string, key: string): Promise<number | null> {
  let path = root;
  try {
    for (const part of key.split('/').slice(0, -1)) {
      path = join(path, part);
      if (!(await lstat(path)).isDirectory()) return null;
    }
    path = join(root, key);
    const found = await lstat(path);
    if (found.isDirectory()) return null;
    return found.isFile() ? found.size : 0;
  } catch (error) {
    if (isGone(error)) return null;
    throw folderError(error, path);
  }
}

function pathInside(root: string, key: string): string {
  const unsafe = key.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (unsafe || key.includes('\0')) throw notAFile(key);
  return join(root, key);
}

function notAFile(key: string): RowsealError {
  return new RowsealError('object_missing', `${JSON.stringify(key)} is no plain file inside the trail`, {
    details: { key },
  });
}

function noFolder(root: string): RowsealError {
  return new RowsealError('store_missing', `${root} is not a folder`, { details: { path: root } });
}

function isGone(error: unknown): boolean {
  const code = errno(error);
  return code !== null && GONE.has(code);
}
