/**
 * G8: wall time of a full verify against `zstd -dc … | openssl dgst -sha256` over the same segments, interleaved, and
 * the CPU time of both, which a busy machine spoils less; and G10: stored bytes, all of them, against `zstd -3` of the
 * same records in one file.
 * What ships is measured: run `npm run build` first.
 * Run: node bench/g8-verify.ts [rows] [rounds]
 */
import { execSync, spawnSync } from 'node:child_process';
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
interface Times {
  readonly wall: number[];
  readonly cpu: number[];
}
/** Runs a command and notes its milliseconds: of the clock, and of all its processes and threads together. */
const time = ({ wall, cpu }: Times, command: string, note: boolean) => {
  const began = performance.now();
  const { stderr, status } = spawnSync(
    'bash',
    ['-c', `TIMEFORMAT='%3U %3S'; time { ${command}; } > /dev/null`],
    {
      encoding: 'utf8',
    },
  );
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  if (!note) return;
  const [user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  wall.push(took);
  cpu.push((user! + system!) * 1000);
};
const ours: Times = { wall: [], cpu: [] };
const peers: Times = { wall: [], cpu: [] };
for (let round = 0; round <= ROUNDS; round++) {
  // Round 0 warms up.
  time(peers, `xargs zstd -qdc < ${list} | openssl dgst -sha256`, round > 0);
  time(ours, `${process.execPath} dist/main.js verify ${folder} --json`, round > 0);
}
const compare = (own: readonly number[], peer: readonly number[]) =>
  `${median([...own]).toFixed(0)} ms, zstd -dc | openssl dgst -sha256 ${median([...peer]).toFixed(0)} ms, ratio ${median(own.map((each, i) => each / peer[i]!)).toFixed(2)}`;
const plain = Number(execSync(`xargs zstd -qdc < ${list} | wc -c`, { encoding: 'utf8' }));
const one = Number(execSync(`xargs zstd -qdc < ${list} | zstd -3 -q -c | wc -c`, { encoding: 'utf8' }));
const stored = files.reduce((sum, path) => sum + statSync(path).size, 0);
process.stdout.write(
  `G8 verify of ${ROWS} records (${(plain / 1e6).toFixed(0)} MB plain): ${compare(ours.wall, peers.wall)} (medians of ${ROUNDS})\n` +
    `   CPU time: ${compare(ours.cpu, peers.cpu)}\n` +
    `G10 stored ${stored} bytes in ${files.length} files, zstd -3 in one file ${one} bytes, ratio ${(stored / one).toFixed(3)}\n${machine()}\n`,
);
