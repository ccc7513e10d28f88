/** Events that real servers wrote (test/vectors/binlog-values), and what becomes of them when they are spoiled. */
import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { RowsealError } from '../../../base/errors.ts';
import { ABSENT, NULL, RAW, type RowImage, TEXT } from '../../../change/change.ts';
import { createRowsReader, isRowsEvent } from './rows.ts';
import { createTableMaps, tableIdOf } from './table-map.ts';

interface Recorded {
  readonly type: number;
  readonly body: Buffer;
}

const TABLE_MAP = 19;

function recorded(name: string): Recorded[] {
  const file = new URL(`../../../../test/vectors/binlog-values/${name}.jsonl`, import.meta.url);
  return fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: number; body: string })
    .map(({ type, body }) => ({ type, body: Buffer.from(body, 'base64') }));
}

function said(image: RowImage | null): string[] | null {
  if (image === null) return null;
  return Array.from({ length: image.count }, (_, i) => {
    const bytes = image.bytes.subarray(image.starts[i], image.ends[i]);
    if (image.kinds[i] === TEXT) return bytes.toString();
    if (image.kinds[i] === RAW) return `raw ${bytes.toString('hex')}`;
    return image.kinds[i] === NULL ? 'null' : image.kinds[i] === ABSENT ? 'absent' : 'unchanged';
  });
}

/** Everything that the events say, a line for each table and image. */
function told(flavor: 'mysql' | 'mariadb', events: readonly Recorded[]): string[] {
  const maps = createTableMaps(flavor);
  const reader = createRowsReader();
  const lines: string[] = [];
  for (const { type, body } of events) {
    if (type === TABLE_MAP) {
      const { relation } = maps.read(body);
      const columns = relation.columns.map(({ name, type: of, encoding }) => `${name} ${of} ${encoding.as}`);
      lines.push(`${relation.id} (${relation.primaryKey}) ${columns.join('; ')}`);
    } else if (isRowsEvent(type)) {
      const table = maps.find(tableIdOf(body));
      if (table === undefined) throw new Error('rows of no table');
      const untold = reader.read(type, body, table, (action, before, after) => {
        lines.push(`${action}\n  - ${said(before)?.join(' | ')}\n  + ${said(after)?.join(' | ')}`);
      });
      if (untold > 0) lines.push(`untold: ${untold}`);
    }
  }
  return lines;
}

describe.each(['mysql', 'mariadb'] as const)('%s', (flavor) => {
  const values = recorded(`values-${flavor}`);
  // The last event of MariaDB's is one whose table can't be read: below.
  const good = flavor === 'mysql' ? values : values.slice(0, -2);

  test('every type, full and partial images, as recorded', async () => {
    await expect(told(flavor, good).join('\n')).toMatchFileSnapshot(
      `../../../../test/vectors/binlog-values/values-${flavor}.txt`,
    );
  });

  test('a trigger that came or went makes another relation of the same table map', () => {
    let triggered = false;
    const maps = createTableMaps(flavor, () => triggered);
    const [first] = values as [Recorded];
    const without = maps.read(first.body);
    expect(without.relation.contextTrigger).toBe(false);
    triggered = true;
    const with_ = maps.read(first.body);
    expect(with_.relation.contextTrigger).toBe(true);
    expect(maps.read(first.body)).toBe(with_);
    expect(maps.find(tableIdOf(first.body))).toBe(with_);
    expect({ ...with_.relation, contextTrigger: false }).toEqual(without.relation);
  });

  test('whether names have a case is the server’s to say', () => {
    const [{ body }] = values as [Recorded];
    expect(createTableMaps(flavor).read(body).relation.foldsNames).toBe(false);
    expect(createTableMaps(flavor, () => false, true).read(body).relation.foldsNames).toBe(true);
  });

  test('a statement finds all of its tables, however many came before them', () => {
    const maps = createTableMaps(flavor);
    const [{ body }] = values as [Recorded];
    const read = (id: number) => {
      const other = Buffer.from(body);
      other.writeUIntLE(id, 0, 6);
      maps.read(other);
    };
    for (let id = 1; id <= 30_001; id++) {
      read(id);
      if (id > 1 && maps.find(id - 1) === undefined) throw new Error(`${id - 1} was forgotten`);
    }
    expect(maps.find(1)).toBeUndefined();
  });

  test('a table map that comes again is the same object, under another id too', () => {
    const maps = createTableMaps(flavor);
    const [first] = values as [Recorded];
    const table = maps.read(first.body);
    expect(maps.read(Buffer.from(first.body))).toBe(table);
    const other = Buffer.from(first.body);
    other.writeUIntLE(99, 0, 6);
    expect(maps.read(other)).toBe(table);
    expect(maps.find(99)).toBe(table);
    maps.forget();
    expect(maps.find(99)).toBeUndefined();
    expect(maps.read(first.body)).toBe(table);
  });

  test('ends on any bytes, with rows or a RowsealError', () => {
    const events = [...values, ...recorded(`orders-${flavor}`).slice(0, 2)];
    const spoiled = fc.record({
      which: fc.nat(events.length - 1),
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      cut: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(spoiled, ({ which, edits, cut }) => {
        const stream = events.map((event, i) => {
          if (i !== which) return event;
          const body = Buffer.from(event.body);
          for (const [at, value] of edits) body[at % body.length] = value;
          return { type: event.type, body: cut === undefined ? body : body.subarray(0, cut % body.length) };
        });
        try {
          told(flavor, stream);
        } catch (error) {
          if (!(error instanceof RowsealError) && (error as Error).message !== 'rows of no table')
            throw error;
        }
      }),
      { numRuns: runs(3000) },
    );
  });

  test('a row that is cut short, or followed by bytes, is not understood', () => {
    const [map, insert] = values as [Recorded, Recorded];
    const both = (body: Buffer) => () => told(flavor, [map, { type: insert.type, body }]);
    expect(both(insert.body)).not.toThrow();
    expect(both(insert.body.subarray(0, -1))).toThrow(/binlog: /);
    expect(both(Buffer.concat([insert.body, Buffer.from([0])]))).toThrow(/binlog: /);
  });
});

test('MariaDB: times of the old format whose width is not sent are refused, not guessed', () => {
  const values = recorded('values-mariadb').slice(-2);
  expect(() => told('mariadb', values)).toThrow(
    expect.objectContaining({
      code: 'stream_not_understood',
      message: expect.stringContaining('old format'),
    }),
  );
});
