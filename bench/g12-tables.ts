/**
 * G12: sealed rows a second from a backlog spread over 1,000 tables, against the same rows in one, interleaved; and
 * the same for pg_recvlogical, which shows what the server alone loses.
 * Run: node bench/g12-tables.ts [rows] [rounds] [tables]
 */
import {
  createRig,
  drainWithPeer,
  insertRows,
  lsnValue,
  machine,
  median,
  startDaemon,
  TABLE,
} from './rig.ts';

const ROWS = Number(process.argv[2] ?? 300_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const TABLES = Number(process.argv[4] ?? 1000);
const PER = 1000;

await using rig = await createRig({ max_locks_per_transaction: '2048' });
await rig.sql(TABLE);
await rig.sql(
  `do $$ begin for i in 1..${TABLES} loop execute format('create table many_%s (like orders including all)', i); end loop; end $$`,
);
await rig.sql(
  `do $$ begin execute (select 'create publication rowseal for table orders, ' || string_agg('many_' || i, ', ') from generate_series(1, ${TABLES}) i); end $$`,
);
const config = rig.config();
let daemon = startDaemon(config);
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
await daemon.stop();
await rig.sql(`select pg_create_logical_replication_slot('peer', 'pgoutput')`);

/** Loads `ROWS` rows, `PER` a transaction, each transaction's rows spread over as many of the tables as it has rows. */
async function fill(many: boolean, from: number): Promise<void> {
  const insert = insertRows(0, 0).replace(/generate_series\(.*\) g/, 'generate_series($1, $2) g');
  for (let at = from; at < from + ROWS; at += PER) {
    if (!many) await rig.sql(insert.replace('$1', String(at)).replace('$2', String(at + PER - 1)));
    else {
      await rig.sql(`do $$ begin for i in 0..${PER - 1} loop
        execute format($q$${insert.replace('into orders', 'into many_%s').replaceAll('%', '%%').replace('many_%%s', 'many_%s')}$q$, 1 + (i * 7 + ${at}) % ${TABLES}) using ${at} + i, ${at} + i;
        end loop; end $$`);
    }
  }
}

const rates: Record<'one' | 'many', number[]> = { one: [], many: [] };
const peers: Record<'one' | 'many', number[]> = { one: [], many: [] };
for (let round = 0; round <= ROUNDS; round++) {
  for (const kind of ['one', 'many'] as const) {
    await fill(kind === 'many', round * ROWS);
    const end = (await rig.sql('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string;
    const peerMs = drainWithPeer(rig, 'peer', end);
    daemon = startDaemon(config);
    const begun = await daemon.line((line) => line['msg'] === 'sealed' && line['reason'] === 'start');
    const done = await daemon.line(
      (line) => line['msg'] === 'sealed' && lsnValue(line['through'] as string) >= lsnValue(end),
    );
    await daemon.stop();
    const seconds = (Date.parse(done['time'] as string) - Date.parse(begun['time'] as string)) / 1000;
    if (round === 0) continue; // warm-up
    rates[kind].push(ROWS / seconds);
    peers[kind].push(ROWS / (peerMs / 1000));
  }
}
const serverRatio = median(peers.many.map((many, i) => many / peers.one[i]!));
const ratio = median(rates.many.map((many, i) => many / rates.one[i]!));
process.stdout.write(
  `G12 ${ROWS} rows: one table ${Math.round(median(rates.one))} rows/s, ${TABLES} tables ${Math.round(median(rates.many))} rows/s, ratio ${ratio.toFixed(2)}; pg_recvlogical ${Math.round(median(peers.one))} and ${Math.round(median(peers.many))} rows/s, ratio ${serverRatio.toFixed(2)} (medians of ${ROUNDS})\n${machine()}\n`,
);
