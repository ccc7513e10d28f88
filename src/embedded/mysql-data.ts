/**
 * The data folder of a new throw-away server. Making one takes seconds, so it is made once per release and kept
 * beside the release's programs; each server gets a copy. Root has no password in it: the server's first start sets
 * one before it accepts connections.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { kept } from './cache-folder.ts';
import type { Log } from './debian-packages.ts';
import { basicSettings, dataIn, type MysqlPlace, optionFile } from './mysql-settings.ts';
import { tool } from './private-apt.ts';
import { give, type RunAs } from './unprivileged.ts';

/** To be raised when what is made here changes, so that what was kept is made anew. */
const RECIPE = 1;

/** Makes `dataIn(place.dir)` unless it is there. `settings` are those that a data folder keeps for good, as lower_case_table_names. */
export async function createData(
  place: MysqlPlace,
  settings: readonly string[],
  runAs: RunAs,
  log: Log,
): Promise<void> {
  const { programs } = place;
  const data = dataIn(place.dir);
  if (existsSync(data)) return;
  const key = createHash('sha256')
    .update([RECIPE, programs.version, ...settings].join('\n'))
    .digest('hex');
  const template = path.join(programs.packages.root, '..', `data-${key.slice(0, 12)}`);
  await kept(
    template,
    () => {},
    async (work) => {
      log(`making a data folder for ${place.flavor} ${programs.version}`);
      const raw = path.join(work, 'raw');
      await fs.mkdir(raw, { mode: 0o755 });
      await give(runAs, raw);
      await initialise({ ...place, dir: raw }, settings, runAs);
      await fs.rm(path.join(dataIn(raw), 'auto.cnf'), { force: true }); // server_uuid: each its own
      await copy(dataIn(raw), dataIn(work));
      await fs.rm(raw, { recursive: true });
    },
  );
  await copy(dataIn(template), `${data}.new`);
  await fs.rename(`${data}.new`, data);
}

/** Keeps owners; leaves out what is empty, as most of a new data folder is. */
function copy(from: string, to: string): Promise<string> {
  return tool('cp', ['-aT', '--reflink=auto', '--sparse=always', from, to]);
}

async function initialise(place: MysqlPlace, settings: readonly string[], runAs: RunAs): Promise<void> {
  const { flavor, programs, dir } = place;
  const options = path.join(dir, 'my.cnf');
  await fs.writeFile(options, optionFile([...basicSettings(place), ...settings]));
  const run = (args: readonly string[], input: string) =>
    feed(programs.packages.command(programs.server, [`--defaults-file=${options}`, ...args]), input, runAs);
  if (flavor === 'mysql') return run(['--initialize-insecure'], '');
  await fs.mkdir(dataIn(dir), { mode: 0o700 });
  await give(runAs, dataIn(dir));
  const args = ['--bootstrap', '--log-warnings=0', '--enforce-storage-engine=', '--max-allowed-packet=8M'];
  await run(args, await systemTables(programs.messages));
}

/** What mariadb-install-db feeds to the server. */
async function systemTables(share: string): Promise<string> {
  const names = await fs.readdir(share);
  const prefix = names.includes('mariadb_system_tables.sql') ? 'mariadb' : 'mysql';
  const files = [
    `${prefix}_system_tables.sql`,
    `${prefix}_performance_tables.sql`,
    `${prefix}_system_tables_data.sql`,
    'maria_add_gis_sp_bootstrap.sql',
    `${prefix}_sys_schema.sql`,
  ];
  const texts = await Promise.all(files.map((name) => fs.readFile(path.join(share, name), 'utf8')));
  return [
    'create database if not exists mysql;',
    'use mysql;',
    'set @auth_root_socket = null;',
    // Rows for accounts of this host by its name; mariadb-install-db can leave them out too.
    ...texts.map((text) => text.replace(/^.*@current_hostname.*$/gm, '')),
    '',
  ].join('\n');
}

async function feed(command: { file: string; args: string[] }, input: string, runAs: RunAs): Promise<void> {
  const child = spawn(command.file, command.args, { ...runAs, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes));
  child.stdin.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code === 0) return;
  const tail = Buffer.concat(said).toString().trim().split('\n').slice(-5).join('\n');
  throw new Error(`no data folder could be made: ${tail}`);
}
