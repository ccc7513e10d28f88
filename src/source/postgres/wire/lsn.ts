/**
 * Log sequence numbers: 64 bits, written as two hexadecimal halves (`16/B374D848`, datatype pg_lsn). Never a
 * JavaScript number as a whole: halves are read as 32-bit integers, and compared as bigint off the hot path.
 */
import type { Position } from '../../../change/change.ts';

/** Throws TypeError where the text is not an LSN. */
export function parseLsn(text: Position): bigint {
  const halves = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (halves === null) throw new TypeError(`not an LSN: ${text.slice(0, 40)}`);
  return (BigInt(`0x${halves[1]}`) << 32n) | BigInt(`0x${halves[2]}`);
}

export function formatLsn(lsn: bigint): Position {
  return formatHalves(Number(lsn >> 32n), Number(lsn & 0xffffffffn));
}

/** The eight bytes at `offset`, big-endian, as the protocol sends them. */
export function lsnAt(bytes: Buffer, offset: number): Position {
  return formatHalves(bytes.readUInt32BE(offset), bytes.readUInt32BE(offset + 4));
}

function formatHalves(high: number, low: number): Position {
  return `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`;
}
