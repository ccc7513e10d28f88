/** Each kind of cell against an independent way to the same text, on any value. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { RAW, TEXT } from '../../../change/change.ts';
import { CellText } from '../text/cell-text.ts';
import { charsetOf } from '../text/charsets.ts';
import { coderOf } from './cells.ts';
import { putJsonDouble } from './cells-float.ts';
import { TYPE } from './cells-types.ts';
import type { ColumnMeta } from './column.ts';
import { decimalSize } from './decimal.ts';

const column = (type: number, more: Partial<ColumnMeta> = {}): ColumnMeta => ({
  name: 'c',
  type,
  meta: 0,
  unsigned: false,
  collation: null,
  nullable: true,
  members: null,
  geometry: null,
  dimension: null,
  visible: true,
  primaryKey: false,
  ...more,
});

/** The cell's text behind others', so that a reader that forgets where it began is caught. */
function read(meta: ColumnMeta, bytes: Uint8Array): string {
  const out = new CellText(4);
  out.ascii('before');
  const source = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]);
  expect(coderOf(meta).read(source, 2, source.length, out)).toBe(2 + bytes.length);
  expect(out.bytes.toString('utf8', 0, 6)).toBe('before');
  const text = out.bytes.subarray(6, out.length);
  return out.kind === RAW ? `raw ${text.toString('hex')}` : text.toString();
}

const bytesOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

describe('integers', () => {
  const widths = [
    [TYPE.tiny, 1],
    [TYPE.short, 2],
    [TYPE.int24, 3],
    [TYPE.long, 4],
    [TYPE.longlong, 8],
  ] as const;
  test.each(widths)('type %i of %i bytes, both signs', (type, size) => {
    fc.assert(
      fc.property(bytesOf(size), (bytes) => {
        let value = 0n;
        for (const byte of bytes.toReversed()) value = value * 256n + BigInt(byte);
        expect(read(column(type, { unsigned: true }), bytes)).toBe(String(value));
        expect(read(column(type), bytes)).toBe(String(BigInt.asIntN(size * 8, value)));
      }),
    );
  });
});

describe('floating point', () => {
  test('a double is the shortest text that reads back', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double(),
          fc.nat().map((n) => n / 1000),
        ),
        (value) => {
          const bytes = Buffer.alloc(8);
          bytes.writeDoubleLE(value);
          const text = read(column(TYPE.double, { meta: 8 }), bytes);
          expect(Number(text)).toBe(value);
          if (value !== 0) expect(text.length).toBeLessThanOrEqual(String(value).length);
        },
      ),
      { numRuns: runs(1000) },
    );
  });

  test('a float is the shortest text that reads back as one', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.float({ noNaN: true }),
          fc.nat(1e7).map((n) => Math.fround(n / 100)),
        ),
        (value) => {
          const bytes = Buffer.alloc(4);
          bytes.writeFloatLE(value);
          const text = read(column(TYPE.float, { meta: 4 }), bytes);
          expect(Math.fround(Number(text))).toBe(value);
          if (!Number.isFinite(value) || value === 0) return;
          for (let digits = 1; digits < 9; digits++) {
            const other = String(Number(value.toPrecision(digits)));
            if (Math.fround(Number(other)) === value)
              expect(other.length).toBeGreaterThanOrEqual(text.length);
          }
        },
      ),
      { numRuns: runs(1000) },
    );
  });

  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [1e15, '1e15'],
    [123456789012345, '123456789012345.0'],
    [1234567890123456.5, '1234567890123456.5'],
    [1e-14, '0.00000000000001'],
    [1e-15, '0.000000000000001'],
    [1e-16, '1e-16'],
    [1.5e300, '1.5e300'],
  ])('inside JSON %d is %s', (value, expected) => {
    const out = new CellText();
    putJsonDouble(out, value);
    expect(out.bytes.toString('latin1', 0, out.length)).toBe(expected);
  });
});

describe('decimals', () => {
  const BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

  /** The server's binary form, made the long way. */
  function encoded(negative: boolean, whole: string, fraction: string): Buffer {
    const groups = [
      whole.slice(0, whole.length % 9),
      ...(whole.slice(whole.length % 9).match(/.{9}/g) ?? []),
    ];
    groups.push(...(fraction.match(/.{1,9}/g) ?? []));
    const parts = groups.map((group) => {
      const part = Buffer.alloc(BYTES[group.length] as number);
      if (part.length > 0) part.writeUIntBE(Number(group), 0, part.length);
      return part;
    });
    const bytes = Buffer.concat(parts);
    if (negative) for (let i = 0; i < bytes.length; i++) bytes[i] = ~(bytes[i] as number);
    bytes[0] = (bytes[0] as number) ^ 0x80;
    return bytes;
  }

  test('any digits of any precision and scale', () => {
    const digits = (max: number) => fc.array(fc.nat(9), { maxLength: max }).map((some) => some.join(''));
    fc.assert(
      fc.property(fc.boolean(), digits(35), digits(30), (negative, whole, fraction) => {
        const precision = whole.length + fraction.length;
        fc.pre(precision > 0);
        const bytes = encoded(negative, whole, fraction);
        expect(decimalSize(precision, fraction.length)).toBe(bytes.length);
        const expected = `${negative ? '-' : ''}${whole.replace(/^0+/, '') || '0'}${fraction && `.${fraction}`}`;
        expect(read(column(TYPE.newdecimal, { meta: precision | (fraction.length << 8) }), bytes)).toBe(
          expected,
        );
      }),
      { numRuns: runs(500) },
    );
  });

  test('groups of too many digits are not understood', () => {
    expect(() => read(column(TYPE.newdecimal, { meta: 2 }), Buffer.from([0x80 | 100]))).toThrow(/DECIMAL/);
    expect(() => coderOf(column(TYPE.newdecimal, { meta: 3 | (4 << 8) }))).toThrow(/DECIMAL/);
  });
});

describe('times', () => {
  test('seconds since 1970 are the date that a calendar says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.nat(999_999), (seconds, micros) => {
        const bytes = Buffer.alloc(7);
        bytes.writeUInt32BE(seconds);
        bytes.writeUIntBE(micros, 4, 3);
        const expected = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
        expect(read(column(TYPE.timestamp2, { meta: 6 }), bytes)).toBe(
          `${expected}.${String(micros).padStart(6, '0')}+00`,
        );
      }),
    );
  });

  test('the zero timestamp is no moment', () => {
    expect(read(column(TYPE.timestamp2, { meta: 3 }), Buffer.alloc(6))).toBe('0000-00-00 00:00:00.000');
    expect(read(column(TYPE.timestamp), Buffer.alloc(4))).toBe('0000-00-00 00:00:00');
  });

  test('TIME counts from an offset, its fraction down from the second', () => {
    const time = (size: number, value: number, fraction: number) => {
      const bytes = Buffer.alloc(size);
      bytes.writeUIntBE(value, 0, size);
      return read(column(TYPE.time2, { meta: fraction }), bytes);
    };
    expect(time(3, 0x800000, 0)).toBe('00:00:00');
    expect(time(3, 0x7fffff, 0)).toBe('-00:00:01');
    expect(time(4, 0x7fffffff, 2)).toBe('-00:00:00.01');
    expect(time(6, 0x800000000000 + 1, 6)).toBe('00:00:00.000001');
    expect(() => time(4, 0x80000064, 2)).toThrow(/fraction/);
  });

  test('a date beyond 9999 is not understood', () => {
    expect(() => read(column(TYPE.date), Buffer.from([0xff, 0xff, 0xff]))).toThrow(/9999/);
    expect(() => read(column(TYPE.datetime), Buffer.alloc(8, 0xff))).toThrow(/9999/);
  });
});

describe('characters', () => {
  const text = (collation: number, bytes: number[]) =>
    read(column(TYPE.varchar, { meta: 200, collation }), Buffer.from([bytes.length, ...bytes]));

  test('bytes that are not valid stay bytes', () => {
    expect(text(255, [0xc3, 0xa9])).toBe('é');
    expect(text(255, [0x61, 0xc3])).toBe('raw 61c3');
    expect(text(255, [0xed, 0xa0, 0x80])).toBe('raw eda080');
    expect(text(28, [0x61, 0x81])).toBe('raw 6181');
    expect(text(54, [0xd8, 0x34, 0xdd, 0x1e])).toBe('𝄞');
    expect(text(54, [0xd8, 0x34])).toBe('raw d834');
    expect(text(35, [0xd8, 0x34, 0xdd, 0x1e])).toBe('raw d834dd1e');
    expect(text(60, [0, 0x11, 0, 0])).toBe('raw 00110000');
    expect(text(248, [0x84, 0x31, 0xa4, 0x37, 0x90, 0x30, 0x81, 0x30])).toBe('\ufffd\u{10000}');
    expect(text(9999, [0x61])).toBe('raw 61');
  });

  test('latin1 as the server means it', () => {
    expect(text(8, [0x80, 0x81, 0xe9])).toBe('€\u0081é');
  });

  test("MariaDB's collation ids lead to their sets", () => {
    const sets = [8, 1032, 2304, 2057, 2561, 3015, 3271, 1270, 323].map((id) => charsetOf(id)?.name);
    expect(sets).toEqual([
      'latin1',
      'latin1',
      'utf8mb4',
      'utf8mb3',
      'ucs2',
      'utf16',
      'utf32',
      'utf8mb4',
      'utf8mb4',
    ]);
    expect(charsetOf(5000)).toBeNull();
  });

  test('all of Unicode passes through utf8mb4, long or short', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (value) => {
        const bytes = Buffer.from(value);
        const length = Buffer.from([bytes.length & 255, bytes.length >> 8]);
        expect(
          read(column(TYPE.varchar, { meta: 800, collation: 255 }), Buffer.concat([length, bytes])),
        ).toBe(bytes.toString());
      }),
    );
  });
});

describe('members, bits and bytes', () => {
  const members = ['a', "b'", 'ü'].map((one) => Buffer.from(one));

  test('ENUM and SET by their members', () => {
    const one = column(TYPE.enum, { meta: 1, members, collation: 255 });
    expect([0, 1, 3].map((n) => read(one, Buffer.from([n])))).toEqual(['', 'a', 'ü']);
    expect(() => read(one, Buffer.from([4]))).toThrow(/member 4/);
    const some = column(TYPE.set, { meta: 1, members, collation: 255 });
    expect([0, 1, 6, 7].map((n) => read(some, Buffer.from([n])))).toEqual(['', 'a', "b',ü", "a,b',ü"]);
    expect(() => read(some, Buffer.from([8]))).toThrow(/member 4/);
    expect(coderOf(some).type).toBe("set('a','b''','ü')");
  });

  test('BIT at full width, BINARY padded', () => {
    expect(read(column(TYPE.bit, { meta: (1 << 8) | 2 }), Buffer.from([0x02, 0x81]))).toBe('1010000001');
    const fixed = column(TYPE.string, { meta: 4, collation: 63 });
    expect(read(fixed, Buffer.from([2, 0xab, 0xcd]))).toBe('\\xabcd0000');
    expect(() => read(fixed, Buffer.from([5, 1, 2, 3, 4, 5]))).toThrow(/BINARY/);
  });

  test('a compressed value that lies about its length is not understood', () => {
    const meta = column(TYPE.blobCompressed, { meta: 1, collation: 63 });
    expect(read(meta, Buffer.from([2, 0x00, 0x41]))).toBe('\\x41');
    expect(() => read(meta, Buffer.from([3, 0x81, 0x01, 0x41]))).toThrow(/compressed/);
    expect(() => read(meta, Buffer.from([2, 0x91, 0x01]))).toThrow(/compressed/);
  });

  test('types that nobody knows stop', () => {
    for (const type of [0, 6, 20, 130, 243]) expect(() => coderOf(column(type))).toThrow(/type/);
  });

  test('what a cell leaves behind of a huge row is given back', () => {
    const out = new CellText();
    out.ensure(32 * 1024 * 1024);
    expect(out.bytes.length).toBeGreaterThan(30 * 1024 * 1024);
    out.reset();
    expect(out.bytes.length).toBeLessThan(100_000);
    expect(out.kind).toBe(TEXT);
  });
});
