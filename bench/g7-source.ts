/**
 * G7: what capture costs the source: pgbench at a fixed rate (half of what it does unthrottled) with the daemon
 * attached, against pg_recvlogical attached, interleaved. Run: node bench/g7-source.ts [seconds] [rounds]
 */
import { execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRig, machine, median, PG_BIN, startDaemon } from './rig.ts';

const SECONDS = Number(process.argv[2] ?? 15);
const ROUNDS = Number(process.argv[3] ?? 3);

await using rig = await createRig();
const url = new URL(rig.server.url);
const env = { ...process.env, PGPASSWORD: url.password };
const target = ['-h', '127.0.0.1', '-p', String(rig.server.port), '-U', 'postgres'];
execFileSync(`${PG_BIN}/pgbench`, [...target, '-i', '-s', '10', '-q', 'postgres'], { env, stdio: 'ignore' });
await rig.sql('create publication rowseal for table pgbench_accounts, pgbench_tellers, pgbench_branches');
const pgbench = (rate: number | null, seconds: number) => {
  const throttle = rate === null ? [] : ['-R', String(rate)];
  const text = execFileSync(
    `${PG_BIN}/pgbench`,
    [...target, '-n', '-c', '4', '-T', String(seconds), ...throttle, 'postgres'],
    { env, encoding: 'utf8' },
  );
  return {
    tps: Number(/tps = ([\d.]+)/.exec(text)?.[1]),
    latencyMs: Number(/latency average = ([\d.]+)/.exec(text)?.[1]),
  };
};
const half = Math.round(pgbench(null, 10).tps / 2);
const config = rig.config();
const first = startDaemon(config);
await first.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
await first.stop();
await rig.sql(`select pg_create_logical_replication_slot('peer', 'pgoutput')`);

const ours: { tps: number; latencyMs: number }[] = [];
const peers: { tps: number; latencyMs: number }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const peer = spawn(
    `${PG_BIN}/pg_recvlogical`,
    [
      '-d',
      rig.server.url.replace(/\?.*/, ''),
      '--slot',
      'peer',
      '--start',
      '-f',
      '/dev/null',
      '-F',
      '0',
      '-o',
      'proto_version=3',
      '-o',
      'publication_names=rowseal',
      '-o',
      'messages=true',
    ],
    { env, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await sleep(1000);
  peers.push(pgbench(half, SECONDS));
  peer.kill('SIGINT');
  await new Promise((resolve) => peer.once('exit', resolve));
  await rig.sql(`select pg_replication_slot_advance('rowseal', pg_current_wal_lsn())`).catch(() => {});
  const daemon = startDaemon(rig.config({ slot: `rowseal_${round}` }));
  await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
  ours.push(pgbench(half, SECONDS));
  await daemon.stop();
  await rig.sql(`select pg_drop_replication_slot('rowseal_${round}')`);
  process.stdout.write(
    `round ${round + 1}: us ${JSON.stringify(ours.at(-1))}, pg_recvlogical ${JSON.stringify(peers.at(-1))}\n`,
  );
}
const ratio = median(ours.map(({ tps }, i) => tps / (peers[i] as { tps: number }).tps));
const latency = median(
  ours.map(({ latencyMs }, i) => latencyMs / (peers[i] as { latencyMs: number }).latencyMs),
);
process.stdout.write(
  `G7 pgbench at ${half} tps: tps ratio ${ratio.toFixed(3)}, latency ratio ${latency.toFixed(2)} (medians of ${ROUNDS})\n${machine()}\n`,
);
