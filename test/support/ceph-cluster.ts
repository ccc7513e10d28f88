/**
 * One monitor, one object store and one S3 gateway of Ceph, all state in one temporary folder, on loopback.
 * Runs as whoever calls it. Ends only processes it started: each bears the folder's path in its command line,
 * so that ceph-reaper.ts finds them, and nothing else, when the test runner dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/loopback.ts';
import { configuration, type ObjectStore } from './ceph-config.ts';
import type { CephPackages } from './ceph-packages.ts';
import { claim, reapDead } from './ceph-reaper.ts';
import { until, withPatience } from './patience.ts';

const DAEMONS = ['mon', 'osd', 'rgw'] as const;
type Daemon = (typeof DAEMONS)[number];

export interface CephCluster {
  readonly port: number;
  /** Runs one of Ceph's tools against the cluster; its output. */
  tool(program: string, args: readonly string[], input?: Buffer): Promise<string>;
  signal(daemon: Daemon, signal: NodeJS.Signals): void;
  /** SIGKILL, and waits until they are gone. */
  kill(daemons: readonly Daemon[]): Promise<void>;
  /** Starts what isn't running, with the same ports and data, and waits until the gateway answers. */
  start(): Promise<void>;
  /** Ends all and removes the folder. */
  stop(): Promise<void>;
}

export async function createCluster(packages: CephPackages, store: ObjectStore): Promise<CephCluster> {
  await reapDead();
  const { dir, release } = await claim();
  for (const folder of ['mon', 'osd', 'run', 'log']) await mkdir(join(dir, folder));
  const [monPort, port] = [await freePort(), await freePort()];
  const fsid = randomUUID();
  await writeFile(
    join(dir, 'ceph.conf'),
    configuration({ dir, fsid, monPort, port, store, settings: packages.settings }),
  );
  await writeFile(join(dir, 'keyring'), '');
  const running = new Map<Daemon, ChildProcess>();
  const conf = ['--conf', join(dir, 'ceph.conf')];
  const commandLines: Record<Daemon, [string, string[]]> = {
    mon: ['ceph-mon', [...conf, '-i', 'a', '-f']],
    osd: ['ceph-osd', [...conf, '-i', '0', '-f', '--crush-location', 'root=default host=local']],
    rgw: ['radosgw', [...conf, '-n', 'client.rgw', '-f']],
  };

  const tool: CephCluster['tool'] = (program, args, input) =>
    runTool(packages, program, [...conf, ...args], input);

  const launch = (daemon: Daemon) => {
    const { file, args } = packages.command(...commandLines[daemon]);
    const out = openSync(join(dir, 'log', `${daemon}.out`), 'a');
    const child = spawn(file, args, { stdio: ['ignore', out, out] });
    running.set(daemon, child);
    child.once('exit', () => running.get(daemon) === child && running.delete(daemon));
    writeFileSync(join(dir, 'pids'), [...running.values()].map((one) => one.pid).join('\n'));
  };

  const kill: CephCluster['kill'] = async (daemons) => {
    await Promise.all(daemons.map((daemon) => ended(running.get(daemon))));
  };

  const cluster: CephCluster = {
    port,
    tool,
    kill,
    signal: (daemon, signal) => void running.get(daemon)?.kill(signal),
    async start() {
      // One after another: who asks a daemon that isn't there yet, asks again after seconds only.
      if (!running.has('mon')) {
        launch('mon');
        await soon(
          () => accepts(monPort),
          () => running.has('mon'),
        );
      }
      if (!running.has('osd')) {
        const log = join(dir, 'log/osd.0.log');
        const seen = await textOf(log);
        launch('osd');
        await soon(
          async () => (await textOf(log)).slice(seen.length).includes('booting -> active'),
          () => running.has('osd'),
        );
      }
      if (!running.has('rgw')) launch('rgw');
      await answering(port, () => DAEMONS.every((daemon) => running.has(daemon)), dir);
    },
    async stop() {
      await kill([...DAEMONS].reverse());
      await release();
    },
  };
  try {
    await format(tool, dir, fsid, monPort);
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Monitor map, a first OSD map with one empty osd.0, and both data folders. */
async function format(tool: CephCluster['tool'], dir: string, fsid: string, monPort: number): Promise<void> {
  const [monmap, osdmap] = [join(dir, 'run/monmap'), join(dir, 'run/osdmap')];
  await tool('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monPort}]`, monmap]);
  await tool('osdmaptool', [osdmap, '--createsimple', '1']);
  await tool('ceph-mon', ['-i', 'a', '--mkfs', '--monmap', monmap, '--osdmap', osdmap]);
  // The monitor isn't up yet, and has nothing to say about an empty folder.
  await tool('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', randomUUID(), '--no-mon-config']);
}

async function runTool(
  packages: CephPackages,
  program: string,
  args: readonly string[],
  input: Buffer = Buffer.alloc(0),
): Promise<string> {
  const { file, args: all } = packages.command(program, args);
  const child = spawn(file, all, { stdio: ['pipe', 'pipe', 'pipe'] });
  const [out, said]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  child.stdin.on('error', () => {}).end(input);
  const done = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const code = await withPatience(done, program).finally(() => child.kill('SIGKILL'));
  if (code === 0) return Buffer.concat(out).toString();
  throw new Error(
    `${program} ${args.slice(2).join(' ')} ended with ${code}: ${Buffer.concat(said).toString().trim()}`,
  );
}

/** Waits until something holds; without it the next step takes longer or says what is wrong. */
async function soon(holds: () => Promise<boolean>, alive: () => boolean): Promise<void> {
  await until(async () => !alive() || (await holds())).catch(() => undefined);
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const is = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return is;
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}

async function answering(port: number, alive: () => boolean, dir: string): Promise<void> {
  let answered = false;
  const answers = async () => {
    const signal = AbortSignal.timeout(20_000);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal }).catch(() => null);
    await answer?.arrayBuffer().catch(() => undefined);
    answered = answer?.ok === true;
    return answered;
  };
  await until(async () => !alive() || (await answers()), 90_000, 50).catch(() => undefined);
  if (answered) return;
  const logs = await readdir(join(dir, 'log'));
  const tails = await Promise.all(
    logs.map(async (name) => {
      const text = await readFile(join(dir, 'log', name), 'utf8');
      return `== ${name}\n${text.trimEnd().split('\n').slice(-5).join('\n')}`;
    }),
  );
  throw new Error(`the Ceph gateway does not answer\n${tails.join('\n')}`);
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL'); // also ends what SIGSTOP stopped
  await gone;
}
