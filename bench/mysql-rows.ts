/**
 * Rows a second of CPU time of the pure MySQL path: a recorded rows event → row images of text cells, again and again on one
 * thread; no socket, no record. Row: 8 columns, about 150 bytes of text (bigint key, two ints, decimal, two varchars,
 * timestamp(6), json). Run: `node bench/mysql-rows.ts [seconds]`. Prints medians of interleaved rounds.
 */
import fs from 'node:fs';
import { TEXT } from '../src/change/change.ts';
import type { Flavor } from '../src/source/mysql/bytes/flavor.ts';
import { createRowsReader } from '../src/source/mysql/events/rows.ts';
import { createTableMaps, type TableMap, tableIdOf } from '../src/source/mysql/events/table-map.ts';

const SECONDS = Number(process.argv[2] ?? 1);
const ROUNDS = 7;
const TABLE_MAP = 19;
const UPDATES = new Set([24, 31]);

interface RowsEvent {
  readonly type: number;
  readonly body: Buffer;
  readonly table: TableMap;
}
interface Case {
  readonly name: string;
  readonly events: readonly RowsEvent[];
  readonly rates: number[];
  bytesPerRow: number;
}

const reader = createRowsReader();

function load(flavor: Flavor): Case[] {
  const file = new URL(`../test/vectors/binlog-values/orders-${flavor}.jsonl`, import.meta.url);
  const maps = createTableMaps(flavor);
  const inserts: RowsEvent[] = [];
  const updates: RowsEvent[] = [];
  for (const line of fs.readFileSync(file, 'utf8').trim().split('\n')) {
    const { type, body: encoded } = JSON.parse(line) as { type: number; body: string };
    const body = Buffer.from(encoded, 'base64');
    if (type === TABLE_MAP) maps.read(body);
    else {
      const table = maps.find(tableIdOf(body)) as TableMap;
      (UPDATES.has(type) ? updates : inserts).push({ type, body, table });
    }
  }
  return [
    { name: `${flavor} insert`, events: inserts, rates: [], bytesPerRow: 0 },
    { name: `${flavor} update`, events: updates, rates: [], bytesPerRow: 0 },
  ];
}

function round(one: Case): void {
  let rows = 0;
  let bytes = 0;
  const started = process.cpuUsage();
  let elapsed = 0;
  while (elapsed < SECONDS * 1e6) {
    for (let i = 0; i < 50; i++) {
      for (const { type, body, table } of one.events) {
        reader.read(type, body, table, (_action, before, after) => {
          rows++;
          const image = after ?? before;
          if (image?.kinds[7] === TEXT) bytes += image.ends[7] as number;
        });
      }
    }
    const { user, system } = process.cpuUsage(started);
    elapsed = user + system;
  }
  one.rates.push((rows / elapsed) * 1e6);
  one.bytesPerRow = bytes / rows;
}

const cases = [...load('mysql'), ...load('mariadb')];
for (let i = 0; i < ROUNDS; i++) for (const one of cases) round(one);
for (const { name, rates, bytesPerRow } of cases) {
  const median = rates.toSorted((a, b) => a - b)[ROUNDS >> 1] as number;
  console.log(
    `${name.padEnd(16)} ${Math.round(median).toLocaleString('en')} rows/s  (${bytesPerRow.toFixed(0)} bytes of text a row)`,
  );
}
