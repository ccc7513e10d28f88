/**
 * An apt of our own: own sources, lists, cache and status in a folder, the host's mirror, proxies and trust. It
 * resolves and downloads packages of any Debian suite without root. Must never install, run a maintainer script or a
 * hook of the host's apt, write outside its folder, or take a package whose signature the host's keys don't vouch for.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type DebianSuite = 'bookworm' | 'trixie' | 'sid';

export interface PrivateApt {
  /** Reads the suite's package lists. */
  update(): Promise<void>;
  /** Downloads packages with all they depend on; `alone` without. Resolves to the paths of the .deb files. */
  download(
    packages: readonly string[],
    alone: readonly string[],
    size: (count: number, bytes: number) => void,
  ): Promise<string[]>;
}

/** `pretended`: packages that are taken as installed, with their version, or '' for a version above all. */
export async function createPrivateApt(
  folder: string,
  suite: DebianSuite,
  pretended: Readonly<Record<string, string>>,
): Promise<PrivateApt> {
  const { apt, update, archives } = await prepare(folder, suite, pretended);
  return {
    async update() {
      try {
        await update(hostKeyring());
      } catch (error) {
        // apt has no error codes. This only decides whether to look for newer keys, never to go without.
        if (suite === 'bookworm' || !/NO_PUBKEY|signature|signed|verif/i.test(String(error))) throw error;
        const newer = await newerKeyring(path.join(folder, 'keys')).catch(() => null);
        if (newer === null) throw error;
        await update(newer);
      }
    },
    async download(packages, alone, size) {
      const plan = packages.length === 0 ? '' : await apt(['install', '--print-uris', ...packages]);
      const single = alone.length === 0 ? '' : await apt(['download', '--print-uris', ...alone]);
      const sizes = [...`${plan}\n${single}`.matchAll(/^'[^']+' \S+ (\d+)/gm)].map(([, bytes]) =>
        Number(bytes),
      );
      const sum = sizes.reduce((total, bytes) => total + bytes, 0);
      size(sizes.length, sum);
      if (packages.length > 0) await apt(['install', '-y', '--download-only', ...packages]);
      if (alone.length > 0) await apt(['download', ...alone]);
      const files = (await fs.readdir(archives)).filter((name) => name.endsWith('.deb')).sort();
      return files.map((name) => path.join(archives, name));
    },
  };
}

async function prepare(folder: string, suite: DebianSuite, pretended: Readonly<Record<string, string>>) {
  const archives = path.join(folder, 'cache/archives');
  for (const name of ['lists/partial', 'cache/archives/partial'])
    await fs.mkdir(path.join(folder, name), { recursive: true });
  await fs.writeFile(path.join(folder, 'status'), await statusOf(pretended));
  await fs.writeFile(path.join(folder, 'apt.conf'), configuration(folder));
  const apt = (args: readonly string[]) =>
    tool('apt-get', ['-qq', '-c', path.join(folder, 'apt.conf'), ...args], archives);
  const update = async (keyring: string | null) => {
    const trust = keyring === null ? '' : ` [signed-by=${keyring}]`;
    const line = `deb${trust} ${await mirror(suite)} ${suite} main\n`;
    await fs.writeFile(path.join(folder, 'sources.list'), line);
    await apt(['update']);
  };
  return { apt, update, archives };
}

/** Read after the host's own configuration, whose proxies must hold and whose hooks must not. */
function configuration(folder: string): string {
  const options = {
    'Dir::Etc::sourcelist': path.join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferences': '-',
    'Dir::Etc::preferencesparts': '-',
    'Dir::State::lists': path.join(folder, 'lists'),
    'Dir::State::status': path.join(folder, 'status'),
    'Dir::Cache': path.join(folder, 'cache'),
    'APT::Install-Recommends': '0',
    // As root apt would download as the user _apt, who may not write here.
    'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
    // Without it a list that could not be fetched is a warning.
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Debug::NoLocking': '1',
    'Dpkg::Use-Pty': '0',
  };
  const hooks = ['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success', 'Post-Invoke-Stats'];
  return [
    ...hooks.flatMap((hook) => [`#clear APT::Update::${hook};`, `#clear DPkg::${hook};`]),
    '#clear Acquire::IndexTargets::deb::DEP-11;',
    ...Object.entries(options).map(([name, value]) => `${name} "${value}";`),
    '',
  ].join('\n');
}

async function statusOf(pretended: Readonly<Record<string, string>>): Promise<string> {
  const architecture = (await tool('dpkg', ['--print-architecture'])).trim();
  const entries = Object.entries(pretended).map(
    ([name, version]) =>
      `Package: ${name}\nStatus: install ok installed\nArchitecture: ${architecture}\nMulti-Arch: allowed\n` +
      `Version: ${version || '99:99'}\nMaintainer: none\nDescription: pretended\n\n`,
  );
  return entries.join('');
}

/** The host's own Debian mirror, as apt would use it; known before the first apt-get update too. */
async function mirror(suite: DebianSuite): Promise<string> {
  const plan = await tool('apt-get', ['--print-uris', 'update']);
  const sources = [...plan.matchAll(/'([^']+\/)dists\/([^'/]+)\/InRelease'/g)];
  const found =
    sources.find(([, , name]) => name === suite) ?? sources.find(([, uri]) => uri?.endsWith('/debian/'));
  if (found?.[1] !== undefined) return found[1];
  throw new Error('apt knows no Debian mirror here: name one in its sources');
}

/** All keys of the Debian archive, as debian-archive-keyring brings them; null leaves it to apt's own trust. */
function hostKeyring(): string | null {
  return keyringsIn('/usr/share/keyrings').find(existsSync) ?? null;
}

function keyringsIn(folder: string): string[] {
  return ['pgp', 'gpg'].map((ending) => path.join(folder, `debian-archive-keyring.${ending}`));
}

/**
 * The keys of the newest stable release that the host's keys vouch for: a newer suite may be signed with keys that
 * the host does not have yet, and each release's keyring, signed with known keys, brings the next ones.
 */
async function newerKeyring(folder: string): Promise<string> {
  let failure: unknown;
  for (const suite of ['trixie', 'bookworm'] as const) {
    try {
      const place = path.join(folder, suite);
      const { apt, update, archives } = await prepare(place, suite, {});
      await update(hostKeyring());
      await apt(['download', 'debian-archive-keyring']);
      const [deb] = (await fs.readdir(archives)).filter((name) => name.endsWith('.deb'));
      await tool('dpkg-deb', ['-x', path.join(archives, deb ?? ''), path.join(place, 'unpacked')]);
      const found = keyringsIn(path.join(place, 'unpacked/usr/share/keyrings')).find(existsSync);
      if (found !== undefined) return found;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Thrown where a program is not on this machine at all. */
export class MissingTool extends Error {}

export async function tool(program: string, args: readonly string[], cwd = '/'): Promise<string> {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    const { stdout } = await run(program, args, { cwd, env, maxBuffer: 64 << 20 });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') throw new MissingTool(`${program} is not on this machine`);
    const said = (stderr ?? String(error)).trim();
    throw new Error(`${program} ${args.slice(-3).join(' ')} failed: ${said}`);
  }
}
