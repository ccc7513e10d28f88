/**
 * Servers for the demo and the tests out of Debian packages: fetched by a private apt, unpacked with `dpkg-deb -x`
 * into the cache folder, and run through that folder's own ld.so, so that a suite other than the host's runs too.
 * Needs no root, and must never install anything on the host or run a maintainer script.
 */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { RowsealError } from '../base/errors.ts';
import { cacheFolder, kept } from './cache-folder.ts';
import { createPrivateApt, type DebianSuite, MissingTool, tool } from './private-apt.ts';

export interface PackageSet {
  /** Folder in the cache. Must change when what is in the set changes. */
  readonly name: string;
  /** As progress and errors call it. */
  readonly title: string;
  readonly suite: DebianSuite;
  readonly packages: readonly string[];
  /** Packages that are unpacked without what they depend on. */
  readonly alone?: readonly string[];
  /** What dependencies bring along and nothing here runs, so that it need not be fetched: name → version or ''. */
  readonly pretended: Readonly<Record<string, string>>;
  /** Folders with further libraries, below `usr/lib/<triplet>`. */
  readonly libraries?: readonly string[];
  /** Removes from the unpacked tree what nothing here runs. */
  trim(root: string): Promise<void>;
  /** What to do where the packages can't be had. */
  readonly hint: string;
}

export interface UnpackedPackages {
  /** Where the tree lies that would be `/`. */
  readonly root: string;
  /** As in `usr/lib/x86_64-linux-gnu`. */
  readonly triplet: string;
  /** A package's version; throws where it isn't among them. */
  version(name: string): string;
  /** How to run a program (`usr/sbin/mysqld`) of theirs. */
  command(program: string, args: readonly string[]): { file: string; args: string[] };
}

export type Log = (line: string) => void;

/** `cache` is for tests; the cache folder by default. Without network where cached. Throws `embedded_unavailable`. */
export async function providePackages(set: PackageSet, log: Log, cache?: string): Promise<UnpackedPackages> {
  const root = path.join(cache ?? (await cacheFolder()), set.name, 'root');
  try {
    await kept(
      root,
      () => log(`${set.title}: another process is fetching it, waiting`),
      (work) => fetchInto(work, set, log),
    );
    return await unpackedIn(root, set);
  } catch (cause) {
    if (cause instanceof RowsealError) throw cause;
    const why =
      cause instanceof MissingTool
        ? `${cause.message}: it comes from Debian packages, which need apt and dpkg`
        : (cause as Error).message;
    throw new RowsealError('embedded_unavailable', `${set.title}: ${why}`, { cause, hint: set.hint });
  }
}

async function fetchInto(work: string, set: PackageSet, log: Log): Promise<void> {
  const temporary = path.join(work, '.apt');
  log(`${set.title}: reading Debian's package lists (${set.suite})`);
  const apt = await createPrivateApt(temporary, set.suite, set.pretended);
  await apt.update();
  const archives = await apt.download(set.packages, set.alone ?? [], (count, bytes) =>
    log(`${set.title}: downloading ${count} packages, ${Math.ceil(bytes / 1e6)} MB`),
  );
  log(`${set.title}: unpacking`);
  for (const archive of archives) await tool('dpkg-deb', ['-x', archive, work]);
  await set.trim(work);
  await fs.writeFile(
    path.join(work, '.ok'),
    archives.map((archive) => `${path.basename(archive)}\n`).join(''),
  );
  await fs.rm(temporary, { recursive: true });
  log(`${set.title}: ready`);
}

async function unpackedIn(root: string, set: PackageSet): Promise<UnpackedPackages> {
  const names = (await fs.readFile(path.join(root, '.ok'), 'utf8')).split('\n');
  const triplet = (await fs.readdir(path.join(root, 'usr/lib'))).find((name) => name.endsWith('-linux-gnu'));
  if (triplet === undefined) throw new Error(`${root} holds no libraries: remove it and try again`);
  // Before trixie /lib is a folder of its own.
  const system = ['usr/lib', 'lib'].map((folder) => path.join(root, folder, triplet)).filter(existsSync);
  const further = (set.libraries ?? []).map((folder) => path.join(root, 'usr/lib', triplet, folder));
  const loaders = await Promise.all(
    system.map(async (folder) => {
      const name = (await fs.readdir(folder)).find((name) => /^ld-linux-.*\.so\.\d+$/.test(name));
      return name === undefined ? [] : [path.join(folder, name)];
    }),
  );
  const [loader] = loaders.flat();
  if (loader === undefined) throw new Error(`${root} holds no ld.so: remove it and try again`);
  const libraries = [...system, ...further].join(':');
  return {
    root,
    triplet,
    version: (name) => {
      const version = names.find((deb) => deb.startsWith(`${name}_`))?.split('_')[1];
      if (version === undefined) throw new Error(`${name} is not in ${root}: remove it and try again`);
      return decodeURIComponent(version);
    },
    command: (program, args) => ({
      file: loader,
      args: ['--library-path', libraries, path.join(root, program), ...args],
    }),
  };
}
