/**
 * Microseconds per row of the pure path: RowImage → record bytes (attribution, JSON, patch), one thread, no
 * socket, no hash, no disk. Row: 8 columns, about 150 bytes of text (int8 key, two ints, numeric, two texts,
 * timestamptz, jsonb). Run: `node bench/record-path.ts [rows]`. Prints medians of interleaved rounds.
 */

import { RecordBuffer } from '../src/change/buffer.ts';
import { type Column, type Relation, RowImage, TEXT, type ValueEncoding } from '../src/change/change.ts';
import { compilePolicy } from '../src/change/policy/policy.ts';
import { createRecorder } from '../src/change/recorder/recorder.ts';

const ROWS = Number(process.argv[2] ?? 400_000);
const ROUNDS = 7;
const DISTINCT = 1000;

const column = (name: string, type: string, encoding: ValueEncoding): Column => ({
  name,
  type,
  encoding,
  identity: true,
});
const relation: Relation = {
  id: '16384',
  schema: 'public',
  table: 'orders',
  columns: [
    column('id', 'bigint', { as: 'string', plain: true }),
    column('customer', 'integer', { as: 'number' }),
    column('quantity', 'integer', { as: 'number' }),
    column('amount', 'numeric(12,2)', { as: 'string', plain: true }),
    column('status', 'text', { as: 'string' }),
    column('note', 'text', { as: 'string' }),
    column('created_at', 'timestamp with time zone', { as: 'string', plain: true }),
    column('extra', 'jsonb', { as: 'json', trusted: true }),
  ],
  replicaIdentity: 'full',
  primaryKey: ['id'],
  ancestors: [],
  contextTrigger: false,
};

function image(cells: readonly string[]): RowImage {
  const row = new RowImage(8);
  row.resize(cells.length);
  // Cells lie apart, as in a pgoutput tuple: kind byte and length before each.
  row.bytes = Buffer.from(cells.map((cell) => `.....${cell}`).join(''));
  let at = 0;
  cells.forEach((cell, i) => {
    row.kinds[i] = TEXT;
    row.starts[i] = at + 5;
    at += 5 + Buffer.byteLength(cell);
    row.ends[i] = at;
  });
  return row;
}

const cells = (i: number, status: string) => [
  String(1_000_000 + i),
  String(i * 7),
  String(i % 10),
  `${i % 997}.50`,
  status,
  `note of the order ${i}, as a person would write it`,
  '2026-11-21 20:18:33.123456+00',
  `{"tags": ["a", "b"], "weight": ${i % 50}.25}`,
];
const before = Array.from({ length: DISTINCT }, (_, i) => image(cells(i, 'open')));
const after = Array.from({ length: DISTINCT }, (_, i) => image(cells(i, 'paid')));
const nested = Array.from({ length: DISTINCT }, (_, i) =>
  image(cells(i, 'open').with(7, `{"tags": ["a", "b"], "weight": ${(i % 50) + 1}.25}`)),
);

let recorded = 0;
let bytes = 0;
const buffer = new RecordBuffer(32 * 1024 * 1024);
const recorder = createRecorder({
  trail: 'audit.example.com/orders',
  policy: compilePolicy({ tables: [{ match: 'public.*' }] }),
  sink: {
    buffer: () => buffer,
    recorded: (_class, start) => {
      recorded++;
      bytes += buffer.length - start;
      buffer.byte(10);
      if (buffer.length > 16 * 1024 * 1024) buffer.reset();
    },
  },
  resume: { through: '0/0', transactions: 0, partial: null },
  now: () => 0,
});
const context = Buffer.from(
  '{"v":1,"context":{"actor":{"type":"user","id":"u_8842","email":"ana@example.com"},"session":"s_1f9c","request":"req-77"},"login":"app","role":"none","application":"billing-api","address":"10.0.0.4","pid":3321}',
);

let transactions = 0;
function run(rowsPerTransaction: number, row: (i: number) => void): number {
  const started = process.hrtime.bigint();
  for (let done = 0; done < ROWS; ) {
    recorder.begin({
      id: String(++transactions),
      position: `0/${transactions}`,
      time: '2026-11-21T20:18:33.123456Z',
    });
    recorder.message('rowseal.context', context);
    for (let i = 0; i < rowsPerTransaction; i++, done++) row(done % DISTINCT);
    recorder.commit(`0/${transactions}`);
  }
  return Number(process.hrtime.bigint() - started) / 1000 / ROWS;
}

const insert = (i: number) => recorder.row('insert', relation, null, false, after[i]!);
const update = (i: number) => recorder.row('update', relation, before[i]!, false, after[i]!);
const updateNested = (i: number) => recorder.row('update', relation, before[i]!, false, nested[i]!);
const remove = (i: number) => recorder.row('delete', relation, before[i]!, false, null);
const cases: [string, () => number][] = [
  ['insert, 1000 rows a transaction', () => run(1000, insert)],
  ['update FULL, 1000 rows a transaction', () => run(1000, update)],
  ['update FULL inside jsonb, 1000 a transaction', () => run(1000, updateNested)],
  ['delete FULL, 1000 rows a transaction', () => run(1000, remove)],
  ['insert, 1 row a transaction, each with a context message', () => run(1, insert)],
  ['update FULL, 1 row a transaction, each with a context message', () => run(1, update)],
];
const times = cases.map(() => [] as number[]);
const sizes = cases.map(() => 0);
for (let round = 0; round < ROUNDS; round++) {
  cases.forEach(([, measure], i) => {
    recorded = 0;
    bytes = 0;
    times[i]!.push(measure());
    sizes[i] = Math.round(bytes / recorded);
  });
}
const rowBytes = after.reduce((sum, row) => sum + row.bytes.length - 40, 0) / DISTINCT;
console.log(
  `${ROWS} rows a round, ${ROUNDS} rounds interleaved, ${Math.round(rowBytes)} bytes of cell text a row, Node ${process.version}`,
);
cases.forEach(([name], i) => {
  const sorted = times[i]!.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  console.log(
    `${median.toFixed(2).padStart(6)} µs/row  (min ${sorted[0]!.toFixed(2)}, max ${sorted.at(-1)!.toFixed(2)})  ${String(sizes[i]).padStart(5)} bytes/record  ${name}`,
  );
});
