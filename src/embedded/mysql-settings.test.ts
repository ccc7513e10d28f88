/**
 * A server that runs as another user could not begin where $TMPDIR was a folder of root's alone ("InnoDB: Database creation
 * was aborted with error Generic error"): what makes its data folder had no temporary folder of its own.
 */
import { expect, it } from 'vitest';
import { basicSettings, type MysqlPlace } from './mysql-settings.ts';

const PROGRAMS = {
  packages: { root: '/servers' },
  messages: '/servers/messages',
  charsets: null,
  plugins: '/servers/plugins',
} as unknown as MysqlPlace['programs'];

it.each(['mysql', 'mariadb'] as const)(
  '%s has its temporary folder beside its data from the start',
  (flavor) => {
    expect(basicSettings({ flavor, programs: PROGRAMS, dir: '/place' })).toContain('tmpdir=/place');
  },
);
