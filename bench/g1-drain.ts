/**
 * G1: sealed rows a second from a backlog, against `pg_recvlogical > /dev/null` on the same backlog, over TCP.
 * Run: node bench/g1-drain.ts [rows] [rounds] [insert|update] [rows per transaction]
 */
import {
  cpuSeconds,
  createRig,
  drainWithPeer,
  insertRows,
  load,
  lsnValue,
  machine,
  median,
  startDaemon,
  TABLE,
} from './rig.ts';

const ROWS = Number(process.argv[2] ?? 500_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const KIND = process.argv[4] ?? 'insert';
const PER = Number(process.argv[5] ?? 1000);

await using rig = await createRig();
await rig.sql(TABLE);
await rig.sql('alter table orders replica identity full');
await rig.sql('create publication rowseal for table orders');
const config = rig.config();
const daemon = startDaemon(config);
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
await daemon.stop();
await rig.sql(`select pg_create_logical_replication_slot('peer', 'pgoutput')`);
if (KIND === 'update') await rig.sql(insertRows(0, ROWS));
await rig.sql('select pg_replication_slot_advance($$peer$$, pg_current_wal_lsn())');

/** From the seal that says that capture starts to the one that covers `end`: milliseconds, and our CPU. */
async function drainWithDaemon(end: string): Promise<{ ms: number; cpuMs: number }> {
  const daemon = startDaemon(config);
  const pid = daemon.child.pid as number;
  const begun = await daemon.line((line) => line['msg'] === 'sealed' && line['reason'] === 'start');
  const cpuBefore = cpuSeconds(pid);
  const done = await daemon.line(
    (line) => line['msg'] === 'sealed' && lsnValue(line['through'] as string) >= lsnValue(end),
  );
  const cpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
  await daemon.stop();
  return { ms: Date.parse(done['time'] as string) - Date.parse(begun['time'] as string), cpuMs };
}

const ours: number[] = [];
const cpu: number[] = [];
const peers: number[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  if (KIND === 'insert') await load(rig, round * ROWS, ROWS, PER);
  else
    await rig.sql(`do $$ begin for i in 0..${ROWS / PER - 1} loop
      update orders set quantity = quantity + 1, status = 'paid' where id >= i * ${PER} and id < (i + 1) * ${PER};
      commit; end loop; end $$`);
  const end = (await rig.sql('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string;

  // Who goes first changes: the second finds the log in the cache of the system.
  const first = round % 2 === 0 ? drainWithPeer(rig, 'peer', end) : null;
  const own = await drainWithDaemon(end);
  const peer = first ?? drainWithPeer(rig, 'peer', end);
  if (round === 0) continue; // warm-up
  ours.push(ROWS / (own.ms / 1000));
  cpu.push((own.cpuMs * 1000) / ROWS);
  peers.push(ROWS / (peer / 1000));
  process.stdout.write(
    `round ${round}: sealed ${Math.round(ours.at(-1)!)} rows/s, pg_recvlogical ${Math.round(peers.at(-1)!)} rows/s\n`,
  );
}
const ratios = ours.map((own, i) => own / peers[i]!);
process.stdout.write(
  `G1 ${KIND}s, ${PER} a transaction, ${ROWS} rows × ${ROUNDS}: sealed ${Math.round(median(ours))} rows/s, pg_recvlogical ${Math.round(median(peers))} rows/s, ratio ${median(ratios).toFixed(2)} (median of ${ratios.map((r) => r.toFixed(2)).join(', ')}); our CPU ${median(cpu).toFixed(2)} µs a row\n${machine()}\n`,
);
