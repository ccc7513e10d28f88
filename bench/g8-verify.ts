/**
 * G8: wall time of a full verify against `zstd -dc … | openssl dgst -sha256` over the same segments, interleaved;
 * and G10: stored bytes, all of them, against `zstd -3` of the same records in one file.
 * What ships is measured: run `npm run build` first.
 * Run: node bench/g8-verify.ts [rows] [rounds]
 */
import { execFileSync, execSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createRig, load, lsnValue, machine, median, startDaemon, TABLE, trailFolder } from './rig.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 5);

await using rig = await createRig();
await rig.sql(TABLE);
await rig.sql('create publication rowseal for table orders');
const config = rig.config();
const daemon = startDaemon(config);
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
await load(rig, 0, ROWS, 1000);
const end = (await rig.sql('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string;
await daemon.line((line) => line['msg'] === 'sealed' && lsnValue(line['through'] as string) >= lsnValue(end));
await daemon.stop();

const folder = trailFolder(config);
const files = (readdirSync(folder, { recursive: true }) as string[])
  .map((name) => join(folder, name))
  .filter((path) => statSync(path).isFile());
const segments = files.filter((path) => path.endsWith('.zst'));
const list = join(rig.folder, 'segments.txt');
execSync(`cat > ${list}`, { input: segments.join('\n') });
const time = (run: () => void) => {
  const began = performance.now();
  run();
  return performance.now() - began;
};
const ours: number[] = [];
const peers: number[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  const peer = time(() => execSync(`xargs zstd -qdc < ${list} | openssl dgst -sha256`, { stdio: 'ignore' }));
  const own = time(() =>
    execFileSync(process.execPath, ['dist/main.js', 'verify', folder, '--json'], { stdio: 'ignore' }),
  );
  if (round === 0) continue; // warm-up
  ours.push(own);
  peers.push(peer);
}
const plain = Number(execSync(`xargs zstd -qdc < ${list} | wc -c`, { encoding: 'utf8' }));
const one = Number(execSync(`xargs zstd -qdc < ${list} | zstd -3 -q -c | wc -c`, { encoding: 'utf8' }));
const stored = files.reduce((sum, path) => sum + statSync(path).size, 0);
process.stdout.write(
  `G8 verify of ${ROWS} records (${(plain / 1e6).toFixed(0)} MB plain): ${median(ours).toFixed(0)} ms, zstd -dc | openssl dgst -sha256 ${median(peers).toFixed(0)} ms, ratio ${median(ours.map((own, i) => own / peers[i]!)).toFixed(2)} (medians of ${ROUNDS})\n` +
    `G10 stored ${stored} bytes in ${files.length} files, zstd -3 in one file ${one} bytes, ratio ${(stored / one).toFixed(3)}\n${machine()}\n`,
);
