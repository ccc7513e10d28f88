/**
 * G5: peak resident memory of the daemon inside one huge transaction, against its peak under ordinary load.
 * Run: node bench/g5-memory.ts [rows in the transaction] [rows of ordinary load]
 */
import {
  createRig,
  insertRows,
  load,
  lsnValue,
  machine,
  peakRssMb,
  resetPeakRss,
  startDaemon,
  TABLE,
} from './rig.ts';

const ROWS = Number(process.argv[2] ?? 10_000_000);
const ORDINARY = Number(process.argv[3] ?? 2_000_000);

await using rig = await createRig();
await rig.sql(TABLE);
await rig.sql('create publication rowseal for table orders');
const daemon = startDaemon(rig.config());
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
const pid = daemon.child.pid as number;
const drained = async () => {
  const end = (await rig.sql('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string;
  await daemon.line(
    (line) => line['msg'] === 'sealed' && lsnValue(line['through'] as string) >= lsnValue(end),
  );
};
await load(rig, 0, ORDINARY, 1000);
await drained();
const steady = peakRssMb(pid);
resetPeakRss(pid);
const began = performance.now();
await rig.sql(insertRows(ORDINARY, ROWS));
const committed = performance.now();
await drained();
const sealed = performance.now();
const peak = peakRssMb(pid);
await daemon.stop();
process.stdout.write(
  `G5 ${ROWS} rows in one transaction: peak ${peak.toFixed(0)} MB, steady state ${steady.toFixed(0)} MB, ratio ${(peak / steady).toFixed(2)}; ` +
    `insert ${((committed - began) / 1000).toFixed(1)} s, sealed ${((sealed - committed) / 1000).toFixed(1)} s after commit\n${machine()}\n`,
);
