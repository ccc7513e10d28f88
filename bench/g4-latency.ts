/**
 * G4: from commit (the server's clock) to sealed (durable in the store), 99th percentile over all records, while
 * the source is written at a given rate. Where the log tells only the second of a commit (MariaDB), the moment before
 * the commit was asked for counts, which is earlier.
 * Run: node bench/g4-latency.ts [rows a second] [seconds] [max_age] [postgres|mysql|mariadb]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { rigOf } from './mysql-rig.ts';
import { machine, sealedTo, startDaemon, trailFolder } from './rig.ts';

const RATE = Number(process.argv[2] ?? 50_000);
const SECONDS = Number(process.argv[3] ?? 20);
const MAX_AGE = process.argv[4] ?? '1s';
const PER = 500;
/** Of a record: when it was committed, whether by the header alone, and the row's key. */
const CHANGE =
  /^\{"kind":"change","id":"[^"]*","time":"(?<time>[^"]+)"(?<header>,"time_source":"header")?.*?"key":\{"id":"(?<id>\d+)"/gm;

await using rig = await rigOf(process.argv[5] ?? 'postgres');
const config = rig.config({ maxAge: MAX_AGE });
const daemon = startDaemon(config);
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);

const began = performance.now();
let sent = 0;
/** By the rows' ids: `PER` each. */
const asked: number[] = [];
while (performance.now() - began < SECONDS * 1000) {
  asked.push(await rig.insert(sent, PER));
  sent += PER;
  const dueMs = (sent / RATE) * 1000;
  const aheadMs = dueMs - (performance.now() - began);
  if (aheadMs > 1) await sleep(aheadMs);
}
const rate = sent / ((performance.now() - began) / 1000);
await sealedTo(daemon, rig, await rig.end());
await daemon.stop();

const latencies: number[] = [];
const sealedAt = new Map(
  daemon.seen
    .filter((line) => line['msg'] === 'sealed')
    .map((line) => [line['number'] as number, Date.parse(line['time'] as string)]),
);
for (const [number, at] of sealedAt) {
  const folder = trailFolder(config);
  const seal = JSON.parse(
    readFileSync(join(folder, 'seals', String(number).padStart(12, '0')), 'utf8').split('\n')[1] as string,
  ) as { segments: { class: string; object: string }[] };
  for (const { class: className, object } of seal.segments) {
    if (className === 'trail') continue;
    const plain = zstdDecompressSync(readFileSync(join(folder, object))).toString('latin1');
    for (const match of plain.matchAll(CHANGE)) {
      const { time, header, id } = match.groups as { time: string; header?: string; id: string };
      const committed = header === undefined ? Date.parse(time) : asked[Math.floor(Number(id) / PER)]!;
      latencies.push(at - committed);
    }
  }
}
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
process.stdout.write(
  `G4 ${rig.name} at ${Math.round(rate)} rows/s, max_age ${MAX_AGE}: ${latencies.length} records, commit → sealed p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms\n${machine()}\n`,
);
