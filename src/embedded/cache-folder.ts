/**
 * Where fetched servers are kept between runs, and how two processes share it: a folder is made elsewhere and
 * appears at its place by one rename, so what is there is complete. Must never use a folder that another user may
 * write to: programs are run from it.
 */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RowsealError } from '../base/errors.ts';

/**
 * The clone's `.cache`; `$XDG_CACHE_HOME/rowseal` where rowseal is installed as a package; a folder of our own in the
 * temporary one where neither can be written, or, as root, cannot be reached by the user that servers run as.
 */
export async function cacheFolder(): Promise<string> {
  const home = process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache');
  const candidates = [
    ...(installed() ? [] : [path.join(import.meta.dirname, '../../.cache')]),
    path.join(home, 'rowseal'),
    path.join(os.tmpdir(), `rowseal-cache-${process.getuid?.() ?? 'user'}`),
  ];
  for (const folder of candidates) if (await isOurs(folder)) return folder;
  throw new RowsealError('embedded_unavailable', `no folder to keep servers in: ${candidates.join(', ')}`, {
    hint: 'Let XDG_CACHE_HOME name a folder that is yours alone to write.',
  });
}

/** Whether rowseal is a package among somebody's, and not a clone: nothing around it is ours. */
export function installed(): boolean {
  return import.meta.dirname.split(path.sep).includes('node_modules');
}

async function isOurs(folder: string): Promise<boolean> {
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o755 });
    await fs.access(folder, fs.constants.W_OK);
    const stat = await fs.lstat(folder);
    const uid = process.getuid?.() ?? stat.uid;
    if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o002) !== 0) return false;
    return uid !== 0 || (await isReachable(folder));
  } catch {
    return false;
  }
}

/** Whether a user without rights can open what lies in the folder. */
async function isReachable(folder: string): Promise<boolean> {
  for (let place = await fs.realpath(folder); ; place = path.dirname(place)) {
    if (((await fs.stat(place)).mode & 0o001) === 0) return false;
    if (place === path.dirname(place)) return true;
  }
}

/**
 * `place`, made by `make` in a folder beside it unless it is there already. Of several processes one makes it and the
 * others wait; should two make it all the same, the first one's stays, and both are complete.
 */
export async function kept(
  place: string,
  waiting: () => void,
  make: (work: string) => Promise<void>,
): Promise<void> {
  if (existsSync(place)) return;
  const [folder, name] = [path.dirname(place), path.basename(place)];
  const made = await fs.mkdir(folder, { recursive: true, mode: 0o755 });
  if (made !== undefined) await fs.chmod(folder, 0o755); // whatever our umask is, the server's user must get in
  await withLock(path.join(folder, `${name}.lock`), waiting, async () => {
    if (existsSync(place)) return;
    await removeAbandoned(folder, `${name}.new-`);
    const work = await fs.mkdtemp(path.join(folder, `${name}.new-${process.pid}-`));
    try {
      await fs.chmod(work, 0o755);
      await make(work);
      await fs.rename(work, place).catch((error) => {
        if (!existsSync(place)) throw error;
      });
    } finally {
      await fs.rm(work, { recursive: true, force: true, maxRetries: 5 });
    }
  });
}

/** What makers that are dead by now left. */
async function removeAbandoned(folder: string, prefix: string): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    const maker = Number(name.slice(prefix.length).split('-')[0]);
    if (!isAlive(maker)) await fs.rm(path.join(folder, name), { recursive: true, force: true });
  }
}

/** One process at a time; a lock whose holder is dead is taken over. It saves work only: `kept` is right without. */
async function withLock(place: string, waiting: () => void, work: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await fs.mkdir(place);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await fs.readFile(path.join(place, 'pid'), 'utf8').catch(() => ''));
    // Without a pid it is just being taken; or its taker died in that very moment.
    if (holder === 0 ? tries > 20 : !isAlive(holder)) {
      await fs.rm(place, { recursive: true, force: true });
      continue;
    }
    if (tries === 0) waiting();
    await sleep(100);
  }
  try {
    await fs.writeFile(path.join(place, 'pid'), String(process.pid));
    await work();
  } finally {
    await fs.rm(place, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
