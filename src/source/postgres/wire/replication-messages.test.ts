import { expect, test } from 'vitest';
import { errorFields, startCommand, statusUpdate } from './replication-messages.ts';

test('a start command holds the position and pgoutput’s options, quoted', () => {
  const bytes = startCommand('s', 0x1_016b_3790n, { proto_version: '1', publication_names: `"o'clock"` });
  const text = `START_REPLICATION SLOT "s" LOGICAL 1/16b3790 ("proto_version" '1', "publication_names" '"o''clock"')\0`;
  expect(bytes.toString('utf8', 5)).toBe(text);
  expect([bytes[0], bytes.readInt32BE(1)]).toEqual([0x51, text.length + 4]);
});

test('a status update says one position three times, at microseconds since 2000', () => {
  const bytes = statusUpdate(0x16b3790n, Date.UTC(2000, 0, 1) + 1.9, true);
  expect([bytes.length, bytes.readInt32BE(1), bytes[38]]).toEqual([39, 38, 1]);
  expect([6, 14, 22].map((offset) => bytes.readBigUInt64BE(offset))).toEqual(Array(3).fill(0x16b3790n));
  expect(bytes.readBigInt64BE(30)).toBe(1000n);
});

test('an error has the severity that is not translated, and a code in any case', () => {
  const bytes = Buffer.from('SFEHLER\0VERROR\0C55006\0Mslot is active\0\0');
  expect(errorFields(bytes, 0, bytes.length)).toMatchObject({
    severity: 'ERROR',
    code: '55006',
    message: 'slot is active',
  });
  expect(errorFields(Buffer.alloc(0), 0, 0)).toMatchObject({ severity: 'ERROR', code: 'XX000' });
});
