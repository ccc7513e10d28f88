/**
 * Sees that no Ceph daemon outlives the test run that started it. Each run owns a temporary folder whose path
 * stands in the command line of its daemons, and whose file `pids` lists them. A process of its own holds a pipe
 * to the run; when the run dies, however it dies, the pipe closes, and the process ends the daemons and removes
 * the folder. Should that one die too, the next run does it. Never signals a process without that path.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'rowseal-ceph-';

/** A new folder, watched over until it is released, which removes it. */
export async function claim(): Promise<{ dir: string; release(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), PREFIX));
  await writeFile(join(dir, 'owner'), String(process.pid));
  const reaper = startReaper(dir);
  const release = async () => {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    reaper.stdin?.end();
  };
  return { dir, release };
}

/** Lives outside our process group and session; ends when its stdin does. */
function startReaper(dir: string): ChildProcess {
  const child = spawn(process.execPath, [import.meta.filename, dir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  child.stdin?.on('error', () => {});
  return child;
}

/** Ends what a dead test run left in its folder, and removes the folder. */
async function reap(dir: string): Promise<void> {
  const pids = (await readFile(join(dir, 'pids'), 'utf8').catch(() => '')).split('\n').map(Number);
  for (const pid of pids.filter((pid) => pid > 1)) {
    // The number may be another process's by now: only one that bears the folder's path is ours.
    if (commandLine(pid).includes(dir)) process.kill(pid, 'SIGKILL');
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Ends what runs that are dead by now left behind. */
export async function reapDead(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const dir = join(tmpdir(), name);
    const owner = Number(await readFile(join(dir, 'owner'), 'utf8').catch(() => ''));
    // Without an owner it is just being made; another user's folder isn't ours to remove.
    if (owner > 0 && !existsSync(`/proc/${owner}`)) await reap(dir).catch(() => {});
  }
}

if (import.meta.main) {
  const dir = process.argv[2] ?? '';
  process.stdin.resume().on('close', () => void reap(dir));
}
