/**
 * Ceph's monitor, object store and S3 gateway, unpacked from Debian 12's packages into `.cache/ceph`: a private
 * apt (own sources, lists and status) resolves and downloads them, `dpkg-deb -x` unpacks them, and they run
 * through the folder's own ld.so. Needs no root, runs no maintainer script, installs nothing on the host.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const CEPH_CACHE = join(import.meta.dirname, '../../.cache/ceph');
const PACKAGES = ['ceph-mon', 'ceph-osd', 'radosgw'];
const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'rados', 'monmaptool', 'osdmaptool'];
const SUITE = 'bookworm';

export interface CephPackages {
  /** How to run one of Ceph's programs. */
  command(program: string, args: readonly string[]): { file: string; args: string[] };
  /** The settings that point the programs at the unpacked plugins. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Makes sure that the unpacked packages are in the cache. A second caller waits for the first. */
export async function provisionCeph(log: (line: string) => void): Promise<CephPackages> {
  const root = join(CEPH_CACHE, 'root');
  if (!existsSync(join(root, '.ok'))) {
    await mkdir(CEPH_CACHE, { recursive: true });
    await withLock(join(CEPH_CACHE, 'lock'), log, async () => {
      if (!existsSync(join(root, '.ok'))) await unpack(root, log);
    });
  }
  return await packagesIn(root);
}

async function packagesIn(root: string): Promise<CephPackages> {
  const [triplet] = (await readdir(join(root, 'usr/lib'))).filter((name) => name.endsWith('-linux-gnu'));
  if (triplet === undefined) throw new Error(`${root} holds no libraries: remove it and try again`);
  const libraries = [
    join(root, 'lib', triplet),
    join(root, 'usr/lib', triplet),
    join(root, 'usr/lib', triplet, 'ceph'),
  ];
  const loader = (await readdir(libraries[0]!)).find((name) => /^ld-linux-.*\.so\.\d+$/.test(name));
  if (loader === undefined) throw new Error(`${root} holds no ld.so: remove it and try again`);
  return {
    command: (program, args) => ({
      file: join(libraries[0]!, loader),
      args: ['--library-path', libraries.join(':'), join(root, 'usr/bin', program), ...args],
    }),
    settings: {
      plugin_dir: join(root, 'usr/lib', triplet, 'ceph'),
      erasure_code_dir: join(root, 'usr/lib', triplet, 'ceph/erasure-code'),
      osd_class_dir: join(root, 'usr/lib', triplet, 'rados-classes'),
    },
  };
}

async function unpack(root: string, log: (line: string) => void): Promise<void> {
  const work = await mkdtemp(join(CEPH_CACHE, 'new-'));
  try {
    log('Ceph: reading the Debian package lists');
    const apt = await privateApt(work);
    await apt('apt-get', ['update']);
    log('Ceph: downloading about 90 MB of packages');
    const archives = join(work, 'apt/cache/archives');
    await apt('apt-get', ['install', '-y', '--download-only', ...PACKAGES]);
    const packages = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
    log(`Ceph: unpacking ${packages.length} packages`);
    const target = join(work, 'root');
    for (const name of packages) await tool('dpkg-deb', ['-x', join(archives, name), target]);
    await trim(target);
    await writeFile(join(target, '.ok'), `${packages.sort().join('\n')}\n`);
    await rm(root, { recursive: true, force: true });
    await rename(target, root);
    log('Ceph: ready');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What dependencies bring along and nothing here runs, so that it need not be fetched: name → version or ''. */
const PRETENDED: Readonly<Record<string, string>> = {
  perl: '', python3: '3.11.2-1', 'python3-prettytable': '', 'python3-requests': '', gdisk: '', lvm2: '',
  e2fsprogs: '', xfsprogs: '', sudo: '', psmisc: '', 'nvme-cli': '', smartmontools: '', binutils: '', parted: '',
  'cryptsetup-bin': '', debconf: '', adduser: '', 'uuid-runtime': '', dpkg: '', tar: '', passwd: '',
  'init-system-helpers': '', 'media-types': '', 'sysvinit-utils': '', 'lsb-base': '', login: '', hdparm: '',
  ucf: '', procps: '', cron: '', logrotate: '', 'libpam-modules': '', 'libpam-runtime': '',
}; // biome-ignore format: a list of words

type Apt = (program: 'apt-get', args: string[]) => Promise<string>;

/** An apt that knows nothing of the host but its keyring, and writes nowhere but into `work`. */
async function privateApt(work: string): Promise<Apt> {
  const at = join(work, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(at, folder), { recursive: true });
  const architecture = (await tool('dpkg', ['--print-architecture'])).trim();
  await writeFile(join(at, 'sources.list'), `deb ${await mirror()} ${SUITE} main\n`);
  await writeFile(join(at, 'status'), '');
  for (const [name, version] of Object.entries(PRETENDED)) {
    await appendFile(
      join(at, 'status'),
      `Package: ${name}\nStatus: install ok installed\nArchitecture: ${architecture}\nMulti-Arch: allowed\n` +
        `Version: ${version || '99:99'}\nMaintainer: none\nDescription: pretended\n\n`,
    );
  }
  const options = {
    'Dir::Etc::sourcelist': join(at, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(at, 'lists'),
    'Dir::State::status': join(at, 'status'),
    'Dir::Cache': join(at, 'cache'),
    'APT::Install-Recommends': '0',
    // As root apt would download as the user _apt, who may not read a private folder.
    'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Debug::NoLocking': '1',
    'Dpkg::Use-Pty': '0',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return (program, args) => tool(program, ['-qq', ...flags, ...args]);
}

/** The host's own Debian mirror, as apt would use it; known before the first apt-get update too. */
async function mirror(): Promise<string> {
  const plan = await tool('apt-get', ['--print-uris', 'update']);
  const sources = [...plan.matchAll(/'([^']+\/)dists\/([^'/]+)\/InRelease'/g)];
  const found =
    sources.find(([, , suite]) => suite === SUITE) ?? sources.find(([, uri]) => uri?.endsWith('/debian/'));
  if (found?.[1] !== undefined) return found[1];
  throw new Error('apt knows no Debian mirror here: name one in its sources');
}

async function trim(target: string): Promise<void> {
  for (const folder of ['usr/share', 'usr/sbin', 'usr/include', 'sbin', 'etc', 'var', 'usr/lib/python3']) {
    await rm(join(target, folder), { recursive: true, force: true });
  }
  const programs = await readdir(join(target, 'usr/bin'));
  for (const name of programs.filter((name) => !PROGRAMS.includes(name))) {
    await rm(join(target, 'usr/bin', name), { force: true });
  }
}

async function tool(program: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, {
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 64 << 20,
    });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new Error(
        `${program} is not on this machine: the test gateway comes from Debian packages. ` +
          'Use a Debian or Ubuntu machine, or set ROWSEAL_TEST_S3 to the URL of an S3 server with Object Lock.',
      );
    }
    throw new Error(
      `${program} ${args.slice(-4).join(' ')} failed: ${(stderr ?? String(error)).trim()}\n` +
        'Is the Debian mirror reachable? ROWSEAL_TEST_S3 names another S3 server.',
    );
  }
}

/** One process at a time; a lock whose holder is dead is taken over. */
async function withLock(path: string, log: (line: string) => void, work: () => Promise<void>): Promise<void> {
  for (let waited = 0; ; waited += 1) {
    try {
      await mkdir(path);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => ''));
    if (waited > 5 && (holder === 0 || !existsSync(`/proc/${holder}`))) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    if (waited === 0) log('Ceph: another run is fetching it, waiting');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  try {
    await writeFile(join(path, 'pid'), String(process.pid));
    await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
