import { describe, expect, test } from 'vitest';
import { readMessage, UNATTRIBUTED } from '../attribution/attribution.ts';
import { RecordBuffer } from '../buffer.ts';
import { transactionBytes } from './record.ts';
import { writeDdl } from './trail-records.ts';

function ddl(message: object): Record<string, unknown> {
  const out = new RecordBuffer();
  const start = { id: '7', position: '0/7', time: '2026-11-21T20:18:33.123456Z' };
  const place = {
    transaction: transactionBytes('orders', start, 1),
    index: 1,
    attribution: UNATTRIBUTED,
    actorHole: 0,
    contextHole: 0,
  };
  const tree = readMessage(
    Buffer.from(JSON.stringify({ event: 'ddl', tag: 'X', object_type: 'table', ...message })),
  );
  writeDdl(out, place, tree!);
  return JSON.parse(out.bytes.toString('utf8', 0, out.length));
}

describe('the statement of a ddl record', () => {
  test('is masked by the quoting of PostgreSQL, or was masked by its source', () => {
    expect(ddl({ command: "create table t (a text default 'x')" })['statement']).toBe(
      "create table t (a text default '…')",
    );
    const masked = "CREATE TABLE `it's` (a INT DEFAULT 5--3)";
    expect(ddl({ command: masked, masked: true })).toMatchObject({ statement: masked });
    expect(ddl({ command: masked })['statement']).not.toBe(masked);
  });
  test('was dropped, or was never there', () => {
    expect(ddl({ command: 'x', object_type: 'role' })).toMatchObject({
      statement: null,
      statement_dropped: true,
    });
    expect(ddl({ command: null, statement_dropped: true })).toMatchObject({
      statement: null,
      statement_dropped: true,
    });
    expect(ddl({ command: null })).not.toHaveProperty('statement_dropped');
  });
});

test('what a ddl record says of its targets is the message’s, or unknown', () => {
  const targets = [
    { schema: 'public', table: 't', kind: 'table', oid: 5, effects: ['columns'], columns: [2] },
  ];
  expect(ddl({ targets })['targets']).toEqual(targets);
  expect(ddl({})['targets']).toEqual([{ effects: ['unknown'] }]);
  expect(ddl({ targets: [{ ...targets[0], effects: [] }] })['targets']).toEqual([{ effects: ['unknown'] }]);
});
