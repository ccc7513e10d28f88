/**
 * CRC32 of an event (WL#2540: the one of zlib). Most events of a small transaction are shorter than a call into native code
 * takes, with the view that it needs: they are read here, four bytes a turn.
 */
import { crc32 } from 'node:zlib';

/** From here on native code is faster. */
const NATIVE_BYTES = 200;
/** `TABLES[k]` shifts a byte through 8 × (k + 1) bits of the reflected polynomial 0xedb88320. */
const TABLES = tables();
const [ONE, TWO, THREE, FOUR] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array];

/** Of the first `end` bytes, which must be there. */
export function checksumOf(bytes: Buffer, end: number): number {
  if (end >= NATIVE_BYTES) return crc32(bytes.subarray(0, end));
  let crc = -1;
  let at = 0;
  for (const words = end & ~3; at < words; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = FOUR[crc & 255]! ^ THREE[(crc >>> 8) & 255]! ^ TWO[(crc >>> 16) & 255]! ^ ONE[crc >>> 24]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ ONE[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

function tables(): readonly Int32Array[] {
  const all = Array.from({ length: 4 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    all[0]![byte] = crc;
  }
  for (let k = 1; k < 4; k++)
    for (let byte = 0; byte < 256; byte++) {
      const before = all[k - 1]![byte]!;
      all[k]![byte] = (before >>> 8) ^ all[0]![before & 255]!;
    }
  return all;
}
