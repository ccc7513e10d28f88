/**
 * The demo's first half: a shop on a real database, rowseal attached to it as a DBA would, people at work, an
 * intruder. Everything is done by rowseal's own commands; the second half (trial.ts) judges what they left.
 */

import {
  CHANGES_PER_ORDER,
  load,
  ORDER,
  play,
  type Scene,
  type Shop,
  scenesOf,
  TABLES,
} from '../../engines/common/demo-shop.ts';
import type { CommandIo } from '../command.ts';
import { doctorCommand } from '../doctor/index.ts';
import { keygenCommand } from '../keygen/index.ts';
import { runCommand as daemonCommand } from '../run/index.ts';
import { setupCommand } from '../setup/index.ts';
import { statusCommand } from '../status/index.ts';
import { type Sealed, sealedSoFar } from './evidence.ts';
import type { Narrator } from './narrator.ts';
import { type Folder, TRAIL } from './setting.ts';
import { type Daemon, runCommand, startDaemon } from './stage.ts';

export interface Stage {
  readonly folder: Folder;
  readonly say: Narrator;
  readonly io: CommandIo;
  readonly shop: Shop;
  /** What did not go as it should: the demo then ends with 1. */
  readonly wrong: string[];
}

const ORDERS = 150;

/** Changes that the trail must hold in the end: all that anybody made. */
export const CHANGES: number =
  ORDERS * CHANGES_PER_ORDER +
  2 /* Ana's order and its payment */ +
  3 /* what others do to it */ +
  1; /* the rogue's */

export function tellShop({ say, shop }: Stage, seconds: string): void {
  say.done(`${shop.about}, up and filled after ${seconds} s`);
  say.done(`tables ${TABLES.join(', ')}; logins shop_app and cron_nightly`);
}

/** Resolves with the vkey. */
export async function makeKey({ folder, say, io }: Stage): Promise<string> {
  say.hand('$', `rowseal keygen --out log.key --name ${TRAIL}`);
  const { stdout } = await runCommand(keygenCommand, ['--out', folder.signingKey, '--name', TRAIL], io);
  say.done(`log.key (0600) signs, and stays with the daemon; log.vkey goes to the auditor:`);
  say.plain(`  ${stdout.trim()}`);
  return stdout.trim();
}

export async function attach(stage: Stage): Promise<void> {
  const { folder, say, io, shop } = stage;
  const admin = { ...io, env: { ...io.env, ROWSEAL_ADMIN_URL: shop.adminUrl } };
  say.hand('$', `export ROWSEAL_ADMIN_URL=${shop.adminShown}`);
  say.hand('$', 'rowseal setup -c rowseal.yaml --print   # the SQL, for the DBA to read');
  say.hand('$', 'rowseal setup -c rowseal.yaml --yes');
  const setup = await runCommand(setupCommand, ['-c', folder.config, '--yes'], admin);
  const done = setup.stdout.split('\n').filter((line) => line.startsWith('done'));
  if (setup.exit !== 0) stage.wrong.push(`setup ended with ${setup.exit}: ${setup.stdout}`);
  const ofTables = (line: string) => TABLES.some((table) => line.includes(`${shop.schema}.${table}`));
  for (const line of done.filter((text) => !ofTables(text))) say.done(line.replace(/^done\s+/, ''));
  say.done(`${TABLES.length} tables: ${shop.attached}`);
  say.hand('$', 'rowseal doctor -c rowseal.yaml');
  const doctor = await runCommand(doctorCommand, ['-c', folder.config, '--json'], io);
  tellDoctor(stage, doctor.stdout, doctor.exit);
}

interface DoctorReport {
  readonly trails: readonly {
    readonly checks: readonly {
      readonly status: 'ok' | 'warn' | 'fail';
      readonly what: string;
      readonly why: string;
    }[];
    readonly unchecked: readonly { readonly what: string; readonly why: string }[];
  }[];
}

function tellDoctor({ say, wrong }: Stage, stdout: string, exit: number): void {
  const { trails } = JSON.parse(stdout) as DoctorReport;
  const checks = trails.flatMap((trail) => trail.checks);
  const count = (status: string) => checks.filter((check) => check.status === status).length;
  const summary = `checks: ${count('ok')} ok, ${count('warn')} to know of, ${count('fail')} failed`;
  for (const { what, why } of checks.filter(({ status }) => status === 'warn')) say.caught(`${what}: ${why}`);
  if (exit === 0) say.done(summary);
  else {
    say.wrong(summary);
    const bad = [
      ...checks.filter(({ status }) => status === 'fail'),
      ...trails.flatMap((each) => each.unchecked),
    ];
    for (const { what, why } of bad) wrong.push(`doctor: ${what}: ${why}`);
  }
}

/** Starts the daemon and waits until it streams. */
export async function startCapture(stage: Stage, vkey: string): Promise<Daemon> {
  const { folder, say, io } = stage;
  say.hand('$', 'rowseal run -c rowseal.yaml');
  const daemon = startDaemon(daemonCommand, ['-c', folder.config], io, folder.daemonLog);
  await daemon.until('capturing', async () => (await sealedSoFar(folder.trail, vkey)).head >= 1);
  say.done('seal 0 begins the trail: its first record names the server and the key; seal 1: capture starts');
  return daemon;
}

/** Everybody's changes, each scene sealed before the next begins. */
export async function playScenes(stage: Stage, daemon: Daemon, vkey: string): Promise<void> {
  const { folder, say, shop, io } = stage;
  let changes = ORDERS * CHANGES_PER_ORDER;
  const sealed = async (): Promise<Sealed> => {
    let now: Sealed = { head: -1, changes: 0 };
    await daemon.until(`${changes} changes sealed`, async () => {
      now = await sealedSoFar(folder.trail, vkey);
      return now.changes >= changes;
    });
    return now;
  };
  await load(shop, ORDERS, 4);
  const { head } = await sealed();
  say.done(
    `${ORDERS} orders on 4 connections, ${changes} changes, each with its user: sealed up to seal ${head}`,
  );
  for (const scene of scenesOf(shop)) {
    io.signal.throwIfAborted();
    tellScene(say, scene, shop.prompts.people);
    changes += scene.expected.action === 'insert' ? 2 : 1;
    await play(shop, scene, async () => {
      const now = await sealed();
      say.done(`tier ${scene.expected.tier}, sealed in seal ${now.head}`);
    });
  }
}

export async function playRogue(stage: Stage, daemon: Daemon, vkey: string): Promise<void> {
  const { folder, say, shop } = stage;
  tellScene(say, shop.rogue, shop.prompts.admin);
  let head = -1;
  await play(shop, shop.rogue, () =>
    daemon.until('the rogue change sealed', async () => {
      const now = await sealedSoFar(folder.trail, vkey);
      head = now.head;
      return now.changes >= CHANGES;
    }),
  );
  say.done(
    `sealed in seal ${head}, like everything else: what a trigger can hide, the log of the server shows`,
  );
  if (shop.aside !== null) say.say(shop.aside);
}

function tellScene(say: Narrator, { who, how, sql }: Scene, prompt: string): void {
  say.say('');
  say.say(`${who}: ${how}`);
  for (const statement of sql) {
    // What holds semicolons needs another delimiter at the mysql client.
    const compound = statement.includes(';');
    if (compound) say.hand(prompt, 'DELIMITER //');
    say.hand(prompt, `${statement}${compound ? '//' : ';'}`);
  }
}

export async function showStatus({ folder, say, io, wrong }: Stage): Promise<void> {
  say.hand('$', 'rowseal status -c rowseal.yaml');
  const { exit, stdout } = await runCommand(statusCommand, ['-c', folder.config], io);
  for (const line of stdout.trimEnd().split('\n')) say.plain(line);
  if (exit !== 0) wrong.push(`status ended with ${exit}: ${stdout}`);
}

/** Stops the daemon as SIGTERM does; from here on nothing runs but what an auditor has. */
export async function endCapture(stage: Stage, daemon: Daemon, vkey: string): Promise<number> {
  const { folder, say, shop } = stage;
  const exit = await daemon.stop();
  if (exit !== 0) stage.wrong.push(`the daemon ended with ${exit}`);
  const ended = await shop.close();
  const { head } = await sealedSoFar(folder.trail, vkey);
  say.done(`SIGTERM: the daemon sealed what was open (seal ${head}) and left; ${ended}`);
  return head;
}

/** Whether order 42 is spoken of: the demo's records. */
export function isOfTheStory(record: {
  readonly kind: string;
  readonly target?: { readonly key?: Readonly<Record<string, unknown>> | null };
}): boolean {
  return record.kind === 'ddl' || record.target?.key?.['id'] === String(ORDER);
}
