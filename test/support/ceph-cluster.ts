/**
 * One monitor, one object store and one S3 gateway of Ceph, all state in one temporary folder, on loopback.
 * Runs as whoever calls it. Ends only processes it started: each bears the folder's path in its command line,
 * and is looked up by that before it is signalled. When the test runner dies, a reaper that held a pipe to it
 * ends them and removes the folder; should the reaper die too, the next start does it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CephPackages } from './ceph-packages.ts';

const PREFIX = 'rowseal-ceph-';
const TOOL_MS = 60_000;
const DAEMONS = ['mon', 'osd', 'rgw'] as const;
type Daemon = (typeof DAEMONS)[number];

/** memstore forgets everything when it is killed; bluestore survives. */
export type ObjectStore = 'memstore' | 'bluestore';

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
  const dir = await mkdtemp(join(tmpdir(), PREFIX));
  await writeFile(join(dir, 'owner'), String(process.pid));
  for (const folder of ['mon', 'osd', 'run', 'log']) await mkdir(join(dir, folder));
  const reaper = startReaper(dir);
  const [monPort, port] = [await freePort(), await freePort()];
  const fsid = randomUUID();
  await writeFile(join(dir, 'ceph.conf'), configuration(dir, fsid, monPort, port, store, packages.settings));
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
      // Who asks a monitor that isn't there yet, asks again after seconds only.
      if (!running.has('mon')) {
        launch('mon');
        await accepting(monPort);
      }
      for (const daemon of DAEMONS) if (!running.has(daemon)) launch(daemon);
      await answering(port, () => DAEMONS.every((daemon) => running.has(daemon)), dir);
    },
    async stop() {
      await kill([...DAEMONS].reverse());
      await rm(dir, { recursive: true, force: true });
      reaper.stdin?.end();
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
  const late = setTimeout(() => child.kill('SIGKILL'), TOOL_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  }).finally(() => clearTimeout(late));
  if (code === 0) return Buffer.concat(out).toString();
  throw new Error(
    `${program} ${args.slice(2).join(' ')} ended with ${code}: ${Buffer.concat(said).toString().trim()}`,
  );
}

async function accepting(port: number): Promise<void> {
  const until = Date.now() + 10_000;
  while (Date.now() < until) {
    const socket = connect(port, '127.0.0.1');
    const is = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (is) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function answering(port: number, alive: () => boolean, dir: string): Promise<void> {
  const until = Date.now() + 90_000;
  while (Date.now() < until && alive()) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) }).catch(
      () => null,
    );
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
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

/** Lives outside our process group and session; ends when its stdin does. */
function startReaper(dir: string): ChildProcess {
  const child = spawn(process.execPath, [import.meta.filename, dir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  child.stdin?.on('error', () => {});
  return child;
}

/** Ends what a dead test run left in its folder, and removes the folder. */
async function reap(dir: string): Promise<void> {
  const pids = (await readFile(join(dir, 'pids'), 'utf8').catch(() => '')).split('\n').map(Number);
  for (const pid of pids.filter((pid) => pid > 1)) {
    // The number may be another process's by now: only one that bears the folder's path is ours.
    if (commandLine(pid).includes(dir)) process.kill(pid, 'SIGKILL');
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function reapDead(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const dir = join(tmpdir(), name);
    const owner = Number(await readFile(join(dir, 'owner'), 'utf8').catch(() => ''));
    // Without an owner it is just being made; another user's folder isn't ours to remove.
    if (owner > 0 && !existsSync(`/proc/${owner}`)) await reap(dir).catch(() => {});
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function configuration(
  dir: string,
  fsid: string,
  monPort: number,
  port: number,
  store: ObjectStore,
  settings: CephPackages['settings'],
): string {
  return `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${monPort}/0]
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv4 = true
ms_bind_ipv6 = false
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${dir}/run
admin_socket = ${dir}/run/$name.$pid.asok
pid_file =
log_file = ${dir}/log/$name.log
crash_dir = ${dir}/run
keyring = ${dir}/keyring
log_to_stderr = false
err_to_stderr = false
debug_ms = 0
${Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_pool_default_read_lease_ratio = 0.1
osd_heartbeat_grace = 4
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
[mon]
mon_data = ${dir}/mon
mon_cluster_log_file = ${dir}/log/cluster.log
mon_data_avail_warn = 1
mon_data_avail_crit = 0
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
[osd]
osd_data = ${dir}/osd
osd_objectstore = ${store}
memstore_device_bytes = 4294967296
bluestore_block_size = 4294967296
bluestore_fsck_on_mount = false
osd_memory_target = 939524096
osd_class_load_list = *
osd_class_default_list = *
osd_max_object_name_len = 460
osd_max_object_namespace_len = 64
[client.rgw]
ms_mon_client_mode = crc
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_thread_pool_size = 32
rgw_enable_usage_log = false
`;
}

if (import.meta.main) {
  const dir = process.argv[2] ?? '';
  process.stdin.resume().on('close', () => void reap(dir));
}
