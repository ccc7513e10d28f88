/**
 * G5: peak resident memory of the daemon inside one huge transaction, against its peak under ordinary load.
 * Run: node bench/g5-memory.ts [rows in the transaction] [rows of ordinary load] [postgres|mysql|mariadb] [compressed]
 * `compressed`: the servers compress what they log (binlog_transaction_compression, log_bin_compress).
 */
import { rigOf } from './mysql-rig.ts';
import { machine, peakRssMb, resetPeakRss, sealedTo, startDaemon } from './rig.ts';

const ROWS = Number(process.argv[2] ?? 10_000_000);
const ORDINARY = Number(process.argv[3] ?? 2_000_000);
const KIND = process.argv[4] ?? 'postgres';
const IS_COMPRESSED = process.argv[5] === 'compressed';
const COMPRESSION: Readonly<Record<string, string>> = {
  mysql: 'binlog-transaction-compression=ON',
  mariadb: 'log-bin-compress=ON',
};

await using rig = await rigOf(KIND, IS_COMPRESSED ? [COMPRESSION[KIND] ?? ''] : []);
const daemon = startDaemon(rig.config());
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
const pid = daemon.child.pid as number;
const drained = async () => sealedTo(daemon, rig, await rig.end());
await rig.load(0, ORDINARY, 1000);
await drained();
const steady = peakRssMb(pid);
resetPeakRss(pid);
const began = performance.now();
await rig.insert(ORDINARY, ROWS);
const committed = performance.now();
await drained();
const sealed = performance.now();
const peak = peakRssMb(pid);
await daemon.stop();
process.stdout.write(
  `G5 ${rig.name}, ${ROWS} rows in one transaction${IS_COMPRESSED ? ', compressed' : ''}: peak ${peak.toFixed(0)} MB, steady state ${steady.toFixed(0)} MB, ratio ${(peak / steady).toFixed(2)}; ` +
    `insert ${((committed - began) / 1000).toFixed(1)} s, sealed ${((sealed - committed) / 1000).toFixed(1)} s after commit\n${machine()}\n`,
);
