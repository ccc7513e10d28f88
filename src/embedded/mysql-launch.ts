/**
 * Starts the server of a throw-away MySQL or MariaDB and waits until it serves. Must never leave one behind that does
 * not, nor one that the watchdog does not know.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './loopback.ts';
import { errorLogIn, type MysqlPlace, optionFile } from './mysql-settings.ts';
import { give, type RunAs } from './unprivileged.ts';
import type { Watchdog } from './watchdog.ts';

/** Generous, for machines that are busy with other things: a server that ended is noticed at once. */
const START_MS = 300_000;
const GREETING_MS = 10_000;
const PORT_TRIES = 3;

export interface LaunchContext {
  readonly place: MysqlPlace;
  readonly runAs: RunAs;
  readonly watchdog: Watchdog;
}

/** Starts on a free port, and on another one where somebody else took it in between. */
export async function firstStart(
  context: LaunchContext,
  initFile: string,
  settingsFor: (port: number) => readonly string[],
): Promise<{ server: ChildProcess; port: number }> {
  const options = path.join(context.place.dir, 'my.cnf');
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    await fs.writeFile(options, optionFile(settingsFor(port)), { mode: 0o600 });
    await give(context.runAs, options);
    try {
      return { server: await launch(context, port, [`--init-file=${initFile}`]), port };
    } catch (error) {
      if (tries === PORT_TRIES || !(await accepts(port))) throw error;
    }
  }
}

/** `port` is the one in my.cnf. */
export async function launch(
  { place: { programs, dir }, runAs, watchdog }: LaunchContext,
  port: number,
  args: readonly string[] = [],
): Promise<ChildProcess> {
  const options = `--defaults-file=${path.join(dir, 'my.cnf')}`;
  const command = programs.packages.command(programs.server, [options, ...args]);
  const output = await fs.open(path.join(dir, 'output.log'), 'a');
  const child = spawn(command.file, command.args, {
    ...runAs,
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C', HOME: dir, TZ: 'UTC' },
    stdio: ['ignore', output.fd, output.fd],
    detached: true, // a terminal's Ctrl-C is for us, not for the server
  });
  watchdog.over(child);
  const failed = new Promise<Error>((resolve) => child.once('error', resolve));
  await output.close();
  child.unref();
  const state = await Promise.race([ready(child, port), failed]);
  if (state === 'ready') return child;
  if (state instanceof Error) throw state;
  child.kill('SIGKILL');
  const texts = await Promise.all(
    [errorLogIn(dir), path.join(dir, 'output.log')].map((file) => fs.readFile(file, 'utf8').catch(() => '')),
  );
  const errors = texts
    .join('\n')
    .split('\n')
    .filter((line) => /\[ERROR\]|error while/i.test(line));
  throw new Error(`does not start (${state}): ${errors.slice(-3).join(' ')}`);
}

/** Waits until the port greets, which it does only after the start and the first statements are through. */
async function ready(child: ChildProcess, port: number): Promise<'ready' | 'exited' | 'slow'> {
  const deadline = Date.now() + START_MS;
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  while (Date.now() < deadline) {
    const greeted = await greets(port, AbortSignal.any([ended.signal, AbortSignal.timeout(GREETING_MS)]));
    if (child.exitCode !== null || child.signalCode !== null) return 'exited';
    if (greeted) return 'ready';
    await sleep(20);
  }
  return 'slow';
}

/** The first packet is Protocol::HandshakeV10: its payload, after a header of four bytes, begins with 10. */
async function greets(port: number, signal: AbortSignal): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    const [bytes] = (await once(socket, 'data', { signal })) as [Buffer];
    return bytes[4] === 10;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  const is = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return is;
}
