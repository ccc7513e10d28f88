/**
 * The messages of a replication link that we write, and the errors that we read (manual: "Message Formats", "Streaming
 * Replication Protocol"). Bytes only: it must never say that a position was reached, that is its caller's to know.
 */

const MICROS_1970_TO_2000 = 946_684_800_000_000n;

/** START_REPLICATION at `start`; `plugin` holds pgoutput's options, name and value. */
export function startCommand(slot: string, start: bigint, plugin: Readonly<Record<string, string>>): Buffer {
  const names = Object.entries(plugin).map(([name, value]) => `"${name}" '${value.replaceAll("'", "''")}'`);
  const lsn = `${(start >> 32n).toString(16)}/${(start & 0xffffffffn).toString(16)}`;
  return simpleQuery(`START_REPLICATION SLOT "${slot}" LOGICAL ${lsn} (${names.join(', ')})`);
}

/** Standby status update: written, flushed and applied are the same to us. `now`: milliseconds since 1970. */
export function statusUpdate(position: bigint, now: number, ask: boolean): Buffer {
  const bytes = Buffer.alloc(39);
  bytes[0] = 0x64;
  bytes.writeInt32BE(38, 1);
  bytes[5] = 0x72;
  for (const offset of [6, 14, 22]) bytes.writeBigUInt64BE(position, offset);
  bytes.writeBigInt64BE(BigInt(Math.trunc(now)) * 1000n - MICROS_1970_TO_2000, 30);
  bytes[38] = ask ? 1 : 0;
  return bytes;
}

export function terminate(): Buffer {
  return Buffer.from([0x58, 0, 0, 0, 4]);
}

/** ErrorResponse as an error like the driver's: severity, code (SQLSTATE), message. */
export function errorFields(bytes: Buffer, start: number, end: number): Error {
  const fields: Record<string, string> = {};
  for (const field of bytes.toString('utf8', start, end).split('\0')) {
    if (field !== '') fields[field.charAt(0)] = field.slice(1);
  }
  const error = new Error(fields['M'] ?? 'an error without a message');
  return Object.assign(error, {
    severity: fields['V'] ?? fields['S'] ?? 'ERROR',
    code: fields['C'] ?? 'XX000',
  });
}

function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.from([0x51, 0, 0, 0, 0]);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
