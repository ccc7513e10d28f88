import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  commandPacket,
  createPacketReader,
  dumpCommand,
  dumpGtidCommand,
  readErrorPacket,
  registerCommand,
} from './packets.ts';

const FULL = 0xff_ffff;

/** Payloads as a server sends them: in packets of at most 2^24 − 1 bytes, numbered from 1. */
function onTheWire(payloads: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = [];
  let sequence = 1;
  for (const payload of payloads) {
    for (let at = 0; ; at += FULL) {
      const piece = payload.subarray(at, at + FULL);
      const head = Buffer.alloc(4);
      head.writeUIntLE(piece.length, 0, 3);
      head[3] = sequence++ & 0xff;
      pieces.push(head, piece);
      if (piece.length < FULL) break;
    }
  }
  return Buffer.concat(pieces);
}

function collecting() {
  const got: Buffer[] = [];
  const reader = createPacketReader(
    (bytes, start, end) => void got.push(Buffer.from(bytes.subarray(start, end))),
  );
  reader.expectAnswer();
  return { got, reader };
}

describe('packets', () => {
  test('come out as they went in, however they are cut', () => {
    const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 300 }), cuts, (payloads, sizes) => {
        const { got, reader } = collecting();
        const wire = onTheWire(payloads);
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const size = sizes[turn % sizes.length] as number;
          reader.push(wire.subarray(at, at + size));
          at += size;
        }
        expect(got).toEqual(payloads);
      }),
    );
  });

  test.each([FULL - 1, FULL, FULL + 1, 2 * FULL, 2 * FULL + 5])(
    'a payload of %i bytes, then another',
    (size) => {
      const large = Buffer.alloc(size);
      for (let at = 0; at < size; at += 4099) large[at] = at & 0xff;
      const { got, reader } = collecting();
      const wire = onTheWire([Buffer.from('before'), large, Buffer.from('after')]);
      for (let at = 0; at < wire.length; at += 1_000_003) reader.push(wire.subarray(at, at + 1_000_003));
      expect(got.map(({ length }) => length)).toEqual([6, size, 5]);
      expect(got[1]!.equals(large)).toBe(true);
    },
  );

  test('while held nothing is handed over, and nothing is lost', () => {
    const got: string[] = [];
    const reader = createPacketReader((bytes, start, end) => {
      got.push(bytes.toString('latin1', start, end));
      reader.hold();
    });
    reader.expectAnswer();
    const wire = onTheWire(['a', 'bc', 'd', 'e'].map((text) => Buffer.from(text)));
    reader.push(wire.subarray(0, 8));
    reader.push(wire.subarray(8));
    expect(got).toEqual(['a']);
    for (const seen of [2, 3, 4]) {
      reader.release();
      expect(got).toHaveLength(seen);
    }
    expect(got).toEqual(['a', 'bc', 'd', 'e']);
  });

  test('a packet out of turn stops', () => {
    const { reader } = collecting();
    const wire = onTheWire([Buffer.from('a'), Buffer.from('b')]);
    wire[5 + 3] = 9;
    expect(() => reader.push(wire)).toThrow(expect.objectContaining({ code: 'stream_not_understood' }));
  });

  test('a payload without end stops', () => {
    const { reader } = collecting();
    const piece = Buffer.alloc(4 + FULL, 0xff);
    expect(() => {
      for (let sequence = 1; sequence < 100; sequence++) {
        piece[3] = sequence;
        reader.push(piece);
      }
    }).toThrow(expect.objectContaining({ code: 'stream_not_understood' }));
  });

  test('commands are as the manual has them', () => {
    expect(commandPacket(Buffer.from([0x0e]))).toEqual(Buffer.from([1, 0, 0, 0, 0x0e]));
    const register = registerCommand(0x01020304, 'rowseal');
    expect(register).toHaveLength(18 + 'rowseal'.length);
    expect(register.subarray(0, 13).toString('latin1')).toBe('\x15\x04\x03\x02\x01\x07rowseal');
    expect(register.subarray(13)).toEqual(Buffer.alloc(12));
    expect(dumpCommand(7, 'bin.000001', 4, true).toString('latin1')).toBe(
      '\x12\x04\0\0\0\x02\0\x07\0\0\0bin.000001',
    );
    const gtid = dumpGtidCommand(7, Buffer.from('set'));
    expect(gtid.toString('latin1')).toBe('\x1e\x04\0\x07\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x03\0\0\0set');
  });

  test('errors: number, state and words, whatever is there', () => {
    const packet = Buffer.from('\xff\xd4\x04#HY000gone', 'latin1');
    expect(readErrorPacket(packet, 0, packet.length)).toEqual({
      errno: 1236,
      sqlState: 'HY000',
      message: 'gone',
    });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
        readErrorPacket(Buffer.from(bytes), 0, bytes.length);
      }),
    );
  });
});
