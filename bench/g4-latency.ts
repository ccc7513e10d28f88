/**
 * G4: from commit (the server's clock) to sealed (durable in the store), 99th percentile over all records, while
 * the source is written at a given rate. Run: node bench/g4-latency.ts [rows a second] [seconds] [max_age]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { createRig, insertRows, lsnValue, machine, startDaemon, TABLE, trailFolder } from './rig.ts';

const RATE = Number(process.argv[2] ?? 50_000);
const SECONDS = Number(process.argv[3] ?? 20);
const MAX_AGE = process.argv[4] ?? '1s';
const PER = 500;

await using rig = await createRig();
await rig.sql(TABLE);
await rig.sql('create publication rowseal for table orders');
const config = rig.config({ maxAge: MAX_AGE });
const daemon = startDaemon(config);
await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);

const began = performance.now();
let sent = 0;
while (performance.now() - began < SECONDS * 1000) {
  await rig.sql(insertRows(sent, PER));
  sent += PER;
  const dueMs = (sent / RATE) * 1000;
  const aheadMs = dueMs - (performance.now() - began);
  if (aheadMs > 1) await sleep(aheadMs);
}
const rate = sent / ((performance.now() - began) / 1000);
const end = (await rig.sql('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string;
await daemon.line((line) => line['msg'] === 'sealed' && lsnValue(line['through'] as string) >= lsnValue(end));
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
    for (const match of plain.matchAll(/^\{"kind":"change".*?"time":"([^"]+)"/gm))
      latencies.push(at - Date.parse(match[1] as string));
  }
}
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
process.stdout.write(
  `G4 at ${Math.round(rate)} rows/s, max_age ${MAX_AGE}: ${latencies.length} records, commit → sealed p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms\n${machine()}\n`,
);
