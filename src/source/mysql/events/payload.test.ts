import { deflateSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bare, event, query, xid } from '../../../../test/support/binlog-events.ts';
import { EVENT } from './events.ts';
import { eachEvent, inflated } from './payload.ts';

const lengthEncoded = (value: number) => {
  if (value < 251) return Buffer.from([value]);
  const bytes = Buffer.alloc(9, 254);
  bytes.writeBigUInt64LE(BigInt(value), 1);
  return bytes;
};
const field = (type: number, value: number) => {
  const bytes = lengthEncoded(value);
  return Buffer.concat([Buffer.from([type, bytes.length]), bytes]);
};
/** A payload event; `plainBytes` is what it says, by default the truth. */
function payload(
  plain: Buffer,
  more: { bytes?: Buffer; plainBytes?: number; algorithm?: number } = {},
): Buffer {
  const bytes = more.bytes ?? zstdCompressSync(plain);
  return event(
    EVENT.TRANSACTION_PAYLOAD,
    Buffer.concat([
      field(2, more.algorithm ?? 0),
      field(3, more.plainBytes ?? plain.length),
      field(1, bytes.length),
      Buffer.from([0]),
      bytes,
    ]),
  );
}
async function events(of: Buffer, step: (inner: Buffer) => Promise<void> | undefined = () => undefined) {
  const seen: Buffer[] = [];
  await eachEvent(of, of.length - 4, (inner) => {
    seen.push(Buffer.from(inner));
    return step(inner);
  });
  return seen;
}

describe('a transaction under zstd', () => {
  const inner = [bare(query('BEGIN')), bare(query(`x${'y'.repeat(3000)}`)), bare(xid())];
  const plain = Buffer.concat(inner);

  test('its events, at once and without a promise', () => {
    const seen: Buffer[] = [];
    const of = payload(plain);
    expect(eachEvent(of, of.length - 4, (each) => void seen.push(Buffer.from(each)))).toBeUndefined();
    expect(seen).toEqual(inner);
  });
  test('in several frames, and uncompressed', async () => {
    const cut = inner[0]!.length + 7;
    const frames = [plain.subarray(0, cut), plain.subarray(cut)].map((part) => zstdCompressSync(part));
    expect(await events(payload(plain, { bytes: Buffer.concat(frames) }))).toEqual(inner);
    expect(await events(payload(plain, { bytes: plain, algorithm: 255 }))).toEqual(inner);
  });
  test('a large one comes in pieces that wait for their reader, in flat memory', async () => {
    const each = bare(query('z'.repeat(8000)));
    const count = 25_000; // 200 MB
    const large = zstdCompressSync(Buffer.concat(Array.from({ length: count / 100 }, () => each)));
    const bytes = Buffer.concat(Array.from({ length: 100 }, () => large));
    const of = payload(each, { bytes, plainBytes: each.length * count });
    let seen = 0;
    let waiting = false;
    let highest = 0;
    const before = process.memoryUsage().rss;
    await eachEvent(of, of.length - 4, (inner) => {
      expect(waiting).toBe(false);
      if (inner.length !== each.length) throw new Error('a torn event');
      if (++seen % 1000 !== 0) return undefined;
      highest = Math.max(highest, process.memoryUsage().rss);
      waiting = true;
      return new Promise((resolve) =>
        setImmediate(() => {
          waiting = false;
          resolve();
        }),
      );
    });
    expect(seen).toBe(count);
    expect(highest - before).toBeLessThan(100 * 1024 * 1024);
  });
  test('one event of many megabytes', async () => {
    const large = bare(query('a'.repeat(5 * 1024 * 1024)));
    const seen = await events(payload(Buffer.concat([inner[0]!, large, inner[2]!])));
    expect(seen.map((each) => each.length)).toEqual([inner[0]!.length, large.length, inner[2]!.length]);
  });
  test.each([
    ['more than it says', payload(plain, { plainBytes: plain.length - 1 })],
    ['less than it says', payload(plain, { plainBytes: plain.length + 1 })],
    [
      'more than it says, far beyond',
      payload(plain, { bytes: zstdCompressSync(Buffer.alloc(2 ** 27)), plainBytes: 2 ** 21 }),
    ],
    ['no zstd', payload(plain, { bytes: Buffer.from('no zstd at all') })],
    ['no zstd, in pieces', payload(plain, { bytes: Buffer.from('no zstd at all'), plainBytes: 2 ** 21 })],
    ['nothing', payload(plain, { bytes: Buffer.alloc(0) })],
    ['a cut frame', payload(plain, { bytes: zstdCompressSync(plain).subarray(0, 40), plainBytes: 2 ** 21 })],
    ['an unknown algorithm', payload(plain, { algorithm: 7 })],
    ['a torn event', payload(plain.subarray(0, plain.length - 3))],
    ['an event without size', payload(Buffer.alloc(40))],
  ])('%s is not understood', async (_, of) => {
    await expect((async () => events(of))()).rejects.toMatchObject({ code: 'stream_not_understood' });
  });
});

describe("MariaDB's compressed events", () => {
  const compressed = (text: string, more: { length?: number; bytes?: Buffer; head?: number } = {}) => {
    const plain = query('');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(more.length ?? text.length);
    const body = Buffer.concat([
      plain.subarray(19, -4),
      Buffer.from([more.head ?? 0x84]),
      length,
      more.bytes ?? deflateSync(Buffer.from(text)),
    ]);
    return event(EVENT.QUERY_COMPRESSED, body);
  };
  test('a statement comes out whole', () => {
    const of = compressed('CREATE TABLE t (a INT)');
    expect(inflated(of, of.length - 4).subarray(19)).toEqual(
      query('CREATE TABLE t (a INT)').subarray(19, -4),
    );
  });
  test.each([
    ['a bomb', compressed('', { bytes: deflateSync(Buffer.alloc(2 ** 24)), length: 5 })],
    ['less than it says', compressed('abc', { length: 4 })],
    ['another algorithm', compressed('abc', { head: 0x94 })],
    ['no length', compressed('abc', { head: 0x80 })],
    ['no zlib', compressed('abc', { bytes: Buffer.from('xyz') })],
    ['nothing', compressed('abc', { bytes: Buffer.alloc(0) })],
  ])('%s is not understood', (_, of) => {
    expect(() => inflated(of, of.length - 4)).toThrow(
      expect.objectContaining({ code: 'stream_not_understood' }),
    );
  });
});
