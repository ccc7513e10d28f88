/**
 * The file store: a trail as plain read-only files under `<root>/<trail name>/`. An object appears whole or not
 * at all, once, and is durable when `create` resolves. Must never replace, rewrite or delete a file that
 * stands in a trail, and never write through a symbolic link below the root.
 */
import { type FileHandle, link, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { RowsealError } from '../base/errors.ts';
import { errno, folderError, listFolder, readFromFolder } from './folder.ts';
import { checkKey, checkTrailName } from './names.ts';
import type { TrailStore } from './store.ts';

const PREFIX = `.rowseal-tmp-${hostname()}-`;
/** A temporary can vanish only where another host of our name sweeps the same folder. */
const ATTEMPTS = 3;

/** Temporaries that this process is writing: what bears our pid and isn't here is of a dead namesake. */
const living = new Set<string>();
let temporaries = 0;

/** The store of the trail `trail` under the folder `root`, which is made when something is first written. */
export function createFileStore(options: { root: string; trail: string }): TrailStore {
  checkTrailName(options.trail);
  const root = resolve(options.root);
  const folder = join(root, options.trail);
  const durable = new Set<string>();
  let swept = false;

  return {
    location: folder,
    locks: false,
    list: (prefix, after) => listFolder(folder, prefix, after),
    read: (key, _version, maxBytes) => readFromFolder(folder, key, maxBytes),
    lock: async () => null,
    skewMs: () => null,
    close: async () => {},

    async create(key, bytes) {
      checkKey(key);
      try {
        await mkdir(root, { recursive: true });
        if (!swept) await sweep(root);
        swept = true;
        for (let attempt = 1; ; attempt += 1) {
          await makeFolders(root, dirname(join(options.trail, key)), durable);
          try {
            return await createOnce(root, folder, key, bytes);
          } catch (error) {
            if (errno(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
            durable.clear();
          }
        }
      } catch (error) {
        if (error instanceof RowsealError) throw error;
        throw folderError(error, join(folder, key));
      }
    },
  };
}

/**
 * Removes what dead processes left: a crash before `unlink` leaves a temporary in the root, which is outside
 * every trail and is evidence of nothing.
 */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(PREFIX) || living.has(join(root, name))) continue;
    const pid = Number.parseInt(name.slice(PREFIX.length), 10);
    if (pid === process.pid || !isAlive(pid)) await unlink(join(root, name)).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errno(error) !== 'ESRCH';
  }
}

/**
 * Makes the folders on the way to an object, each synced into its parent. A crash in between leaves empty
 * folders, which a listing doesn't show. A folder that exists may be the rest of such a crash, not yet durable:
 * so each is synced once by every process that writes below it.
 */
async function makeFolders(root: string, folder: string, durable: Set<string>): Promise<void> {
  let path = root;
  if (!durable.has(root)) {
    await syncFolder(dirname(root)).catch(ignoreUnreadableParent);
    durable.add(root);
  }
  for (const part of folder.split('/')) {
    const parent = path;
    path = join(parent, part);
    if (durable.has(path)) continue;
    await mkdir(path).catch((error: unknown) => {
      if (errno(error) !== 'EEXIST') throw error;
    });
    if (!(await lstat(path)).isDirectory()) {
      throw new RowsealError('store_forbidden', `${path} is not a folder`, {
        hint: 'Somebody put a file or a link where the trail keeps a folder: find out who, and move it away.',
      });
    }
    await syncFolder(parent);
    durable.add(path);
  }
}

/** The folder that holds the root was made by the operator, and may not be ours to read. */
function ignoreUnreadableParent(error: unknown): void {
  if (errno(error) !== 'EACCES' && errno(error) !== 'EPERM') throw error;
}

/**
 * One attempt, step by step. A crash:
 * - before `link`: only a temporary, perhaps half written; swept at the next start.
 * - after `link`, before the folder is synced: the object may or may not be there after a crash of the machine.
 *   When it is, the next start finds the same bytes and makes them durable; when not, nothing was acknowledged.
 * - after the folder is synced, before `unlink`: the object is there with a second name, which is swept.
 */
async function createOnce(
  root: string,
  folder: string,
  key: string,
  bytes: Buffer,
): Promise<'created' | 'same' | 'taken'> {
  temporaries += 1;
  const temporary = join(root, `${PREFIX}${process.pid}-${temporaries}`);
  const path = join(folder, key);
  living.add(temporary);
  try {
    const file = await open(temporary, 'wx', 0o600);
    await filled(file, bytes);
    const won = await link(temporary, path).then(
      () => true,
      (error: unknown) => {
        if (errno(error) !== 'EEXIST') throw error;
        return false;
      },
    );
    if (!won && !(await holds(folder, key, bytes))) return 'taken';
    // Also where the bytes were there before: whoever linked them may have died before this.
    await syncFolder(dirname(path));
    return won ? 'created' : 'same';
  } finally {
    await unlink(temporary).catch(() => {});
    living.delete(temporary);
  }
}

/** Writes, makes read-only, syncs and closes, in this order: a linked file is complete and never writable. */
async function filled(file: FileHandle, bytes: Buffer): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.chmod(0o444);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function holds(folder: string, key: string, bytes: Buffer): Promise<boolean> {
  try {
    return bytes.equals(await readFromFolder(folder, key, bytes.length));
  } catch (error) {
    // Larger, or no file at all: something else has the name.
    if (error instanceof RowsealError && TAKEN.has(error.code)) return false;
    throw error;
  }
}

const TAKEN = new Set<string>(['object_too_large', 'object_missing']);

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
