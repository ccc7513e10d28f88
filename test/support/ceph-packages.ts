/** Ceph's monitor, object store and S3 gateway, from Debian 12's packages. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { type PackageSet, providePackages } from '../../src/embedded/debian-packages.ts';

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'rados', 'monmaptool', 'osdmaptool'];

export interface CephPackages {
  /** How to run one of Ceph's programs. */
  command(program: string, args: readonly string[]): { file: string; args: string[] };
  /** The settings that point the programs at the unpacked plugins. */
  readonly settings: Readonly<Record<string, string>>;
}

const CEPH: PackageSet = {
  name: 'ceph',
  title: 'Ceph',
  suite: 'bookworm',
  packages: ['ceph-mon', 'ceph-osd', 'radosgw'],
  libraries: ['ceph'],
  // biome-ignore format: a list of words
  pretended: {
    perl: '', python3: '3.11.2-1', 'python3-prettytable': '', 'python3-requests': '', gdisk: '', lvm2: '',
    e2fsprogs: '', xfsprogs: '', sudo: '', psmisc: '', 'nvme-cli': '', smartmontools: '', binutils: '', parted: '',
    'cryptsetup-bin': '', debconf: '', adduser: '', 'uuid-runtime': '', dpkg: '', tar: '', passwd: '',
    'init-system-helpers': '', 'media-types': '', 'sysvinit-utils': '', 'lsb-base': '', login: '', hdparm: '',
    ucf: '', procps: '', cron: '', logrotate: '', 'libpam-modules': '', 'libpam-runtime': '',
  },
  trim,
  hint:
    'The test gateway comes from Debian packages: use a Debian machine that reaches its mirror, ' +
    'or set ROWSEAL_TEST_S3 to the URL of an S3 server with Object Lock.',
};

/** Makes sure that the unpacked packages are in the cache. A second caller waits for the first. */
export async function provisionCeph(log: (line: string) => void): Promise<CephPackages> {
  const { root, triplet, command } = await providePackages(CEPH, log);
  return {
    command: (program, args) => command(`usr/bin/${program}`, args),
    settings: {
      plugin_dir: path.join(root, 'usr/lib', triplet, 'ceph'),
      erasure_code_dir: path.join(root, 'usr/lib', triplet, 'ceph/erasure-code'),
      osd_class_dir: path.join(root, 'usr/lib', triplet, 'rados-classes'),
    },
  };
}

async function trim(root: string): Promise<void> {
  for (const folder of ['usr/share', 'usr/sbin', 'usr/include', 'sbin', 'etc', 'var', 'usr/lib/python3']) {
    await fs.rm(path.join(root, folder), { recursive: true, force: true });
  }
  const programs = await fs.readdir(path.join(root, 'usr/bin'));
  for (const name of programs.filter((name) => !PROGRAMS.includes(name))) {
    await fs.rm(path.join(root, 'usr/bin', name), { force: true });
  }
}
