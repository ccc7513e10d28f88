import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { RowsealError } from '../../../base/errors.ts';
import { ABSENT, NULL, type Relation, type RowImage, TEXT, UNCHANGED } from '../../../change/change.ts';
import { createDecoder, type Decoder, type DecoderParts } from './decode.ts';

const RELATION: Relation = {
  id: '7.1',
  schema: 'public',
  table: 't',
  columns: ['id', 'a'].map((name) => ({
    name,
    type: 'text',
    encoding: { as: 'string' },
    identity: name === 'id',
  })),
  replicaIdentity: 'default',
  primaryKey: ['id'],
  ancestors: [],
  contextTrigger: false,
};

const u8 = (value: number) => Buffer.from([value]);
const u16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const text = (value: string) => Buffer.from(`${value}\0`);
const message = (type: string, ...parts: Uint8Array[]) => Buffer.concat([Buffer.from(type), ...parts]);
const cell = (value: string | null | undefined) =>
  value === null
    ? Buffer.from('n')
    : value === undefined
      ? Buffer.from('u')
      : Buffer.concat([Buffer.from('t'), u32(Buffer.byteLength(value)), Buffer.from(value)]);
const tuple = (kind: string, ...cells: (string | null | undefined)[]) =>
  Buffer.concat([Buffer.from(kind), u16(cells.length), ...cells.map(cell)]);

const begin = (lsn = 0x16b3790n) => message('B', u64(lsn), u64(817_071_513_123_456n), u32(7712));
const commit = (lsn = 0x16b3790n) =>
  message('C', u8(0), u64(lsn), u64(lsn + 0x60n), u64(817_071_513_123_456n));
const insert = (...cells: (string | null | undefined)[]) => message('I', u32(7), tuple('N', ...cells));

function harness(extra: Partial<DecoderParts> = {}) {
  const said: unknown[] = [];
  const image = (of: RowImage | null) =>
    of === null
      ? null
      : Array.from({ length: of.count }, (_, index) =>
          of.kinds[index] === TEXT
            ? of.bytes.toString('utf8', of.starts[index], of.ends[index])
            : { [NULL]: null, [UNCHANGED]: 'unchanged', [ABSENT]: 'absent' }[of.kinds[index]!],
        );
  const decoder: Decoder = createDecoder({
    handler: {
      begin: (transaction) => said.push(transaction),
      row: (action, of, before, isKey, after) =>
        said.push([action, of.id, image(before), isKey, image(after)]),
      truncate: (relations, options) => said.push(['truncate', relations.map(({ id }) => id), options]),
      message: (prefix, content) => said.push([prefix, content.toString()]),
      commit: (end) => said.push(['commit', end]),
    },
    onRelation: ({ oid }) => decoder.define(oid, RELATION),
    onType: (oid, schema, name) => said.push([oid, schema, name]),
    name: (bytes) => bytes.toString('utf8'),
    settle: null,
    ...extra,
  });
  decoder.define(7, RELATION);
  const feed = (...messages: Buffer[]) => {
    for (const each of messages) decoder.decode(Buffer.concat([u8(9), each, u8(9)]), 1, each.length + 1);
  };
  return { said, feed, decoder };
}

describe('pgoutput', () => {
  test('a transaction with every kind of change', () => {
    const { said, feed } = harness();
    feed(
      begin(),
      message('O', u64(1n), text('elsewhere')),
      message('Y', u32(99), text('public'), text('mood')),
      insert('1', null),
      message('U', u32(7), tuple('N', '1', undefined)),
      message('U', u32(7), tuple('K', '1', null), tuple('N', '2', 'x')),
      message('U', u32(7), tuple('O', '2', 'x'), tuple('N', '2', '')),
      message('D', u32(7), tuple('K', '2', null)),
      message('T', u32(2), u8(3), u32(7), u32(7)),
      message('M', u8(1), u64(1n), text('rowseal.context'), u32(2), Buffer.from('{}')),
      commit(),
    );
    expect(said).toEqual([
      [99, 'public', 'mood'],
      { id: '7712', position: '0/16B3790', time: '2025-11-21T20:18:33.123456Z', origin: 'elsewhere' },
      ['insert', '7.1', null, false, ['1', null]],
      ['update', '7.1', null, false, ['1', 'unchanged']],
      ['update', '7.1', ['1', 'absent'], true, ['2', 'x']],
      ['update', '7.1', ['2', 'x'], false, ['2', '']],
      ['delete', '7.1', ['2', 'absent'], true, null],
      ['truncate', ['7.1', '7.1'], { cascade: true, restartIdentity: true }],
      ['rowseal.context', '{}'],
      ['commit', '0/16B37F0'],
    ]);
  });

  test('times before 2000 and at its start', () => {
    const { said, feed } = harness();
    feed(message('B', u64(1n), u64(0n), u32(1)), commit(1n));
    feed(message('B', u64(2n), u64(BigInt.asUintN(64, -1n)), u32(2)), commit(2n));
    expect(said[0]).toMatchObject({ time: '2000-01-01T00:00:00.000000Z' });
    expect(said[2]).toMatchObject({ time: '1999-12-31T23:59:59.999999Z' });
  });

  test('a non-transactional message counts nowhere', () => {
    const { said, feed, decoder } = harness();
    feed(message('M', u8(0), u64(1n), text('x'), u32(0)));
    expect(said).toEqual([]);
    expect(decoder.transaction()).toBeNull();
  });

  test('after a reconnect inside a transaction the handler gets what it had not had yet', () => {
    const whole = [begin(), insert('1', 'a'), insert('2', 'b'), insert('3', 'c'), commit()];
    const first = harness();
    first.feed(...whole.slice(0, 3));
    const replay = first.decoder.transaction()!;
    expect(replay).toEqual({ position: '0/16B3790', begun: true, events: 2 });
    const second = harness({ replay });
    second.feed(...whole, begin(0x17n), insert('4', 'd'), commit(0x17n));
    const one = harness();
    one.feed(...whole, begin(0x17n), insert('4', 'd'), commit(0x17n));
    expect([...first.said, ...second.said]).toEqual(one.said);
  });

  const misfits: readonly [string, Buffer[]][] = [
    ['an unknown type', [message('S', u32(1), u8(1))]],
    ['a change outside of a transaction', [insert('1', 'a')]],
    ['a transaction inside another', [begin(), begin()]],
    ['a commit of another', [begin(), commit(1n)]],
    ['an unknown relation', [begin(), message('I', u32(8), tuple('N', '1', 'a'))]],
    ['too few columns', [begin(), insert('1')]],
    ['too many columns', [begin(), insert('1', '2', '3')]],
    [
      'a binary value',
      [begin(), message('I', u32(7), Buffer.from('N'), u16(2), Buffer.from('b'), u32(0), cell('1'))],
    ],
    [
      'a value longer than its message',
      [begin(), message('I', u32(7), Buffer.from('N'), u16(2), cell('1'), Buffer.from('t'), u32(5))],
    ],
    [
      'a negative length',
      [
        begin(),
        message('I', u32(7), Buffer.from('N'), u16(2), cell('1'), Buffer.from('t'), u32(0xffff_ffff)),
      ],
    ],
    ['bytes after a row', [begin(), Buffer.concat([insert('1', 'a'), u8(0)])]],
    ['bytes after a commit', [begin(), Buffer.concat([commit(), u8(0)])]],
    ['a name without end', [message('Y', u32(1), Buffer.from('abc'))]],
    ['a truncate of more than there is', [begin(), message('T', u32(0xffff_ffff), u8(0))]],
    ['nothing', [Buffer.alloc(0)]],
  ];
  test.each(misfits)('%s is not understood', (_, messages) => {
    const { feed } = harness();
    expect(() => feed(...messages)).toThrow(expect.objectContaining({ code: 'stream_not_understood' }));
  });

  test('ends on any bytes, with a result or a RowsealError', () => {
    const sample = [
      begin(),
      insert('1', 'a'),
      message('U', u32(7), tuple('O', '2', 'x'), tuple('N', '2', '')),
      commit(),
    ];
    const spoiled = fc
      .record({ which: fc.nat(3), at: fc.nat(60), to: fc.integer({ min: 0, max: 255 }), length: fc.nat(60) })
      .map(({ which, at, to, length }) => {
        const bytes = Buffer.from(sample[which]!);
        bytes[at % bytes.length] = to;
        return bytes.subarray(0, Math.max(1, bytes.length - (length > 30 ? length - 30 : 0)));
      });
    const type = fc.constantFrom(...'BCOYRIUDTMSEcAbPKrp'.split('')).map((letter) => letter.charCodeAt(0));
    const noise = fc
      .tuple(type, fc.uint8Array({ maxLength: 80 }))
      .map(([first, rest]) => Buffer.from([first, ...rest]));
    const stream = fc.array(fc.oneof(noise, spoiled, ...sample.map((bytes) => fc.constant(bytes))), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(stream, (messages) => {
        const { feed } = harness();
        try {
          feed(...messages);
        } catch (error) {
          if (!(error instanceof RowsealError)) throw error;
        }
      }),
      { numRuns: runs(3000) },
    );
  });
});
