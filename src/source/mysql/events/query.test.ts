import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { query } from '../../../../test/support/binlog-events.ts';
import { recorded } from '../../../../test/support/binlog-recorded.ts';
import { EVENT } from './events.ts';
import { readQuery } from './query.ts';

const read = (status: Buffer) => {
  const event = query('CREATE TABLE IF NOT EXISTS t (a int)', { status });
  return readQuery(event, event.length - 4);
};
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** Flags, sql_mode, catalog, character sets, as MySQL begins. */
const BEGINNING = '00 00000000 01 0400000000000000 06 03 737464 04 ff00ff002d00';

describe('whether MySQL gave a definition a number', () => {
  test.each<[string, string, boolean | null]>([
    ['with one', `${BEGINNING} 11 0d00000000000000 12 ff00`, true],
    ['without', `${BEGINNING} 12 ff00 13 00`, false],
    ['with nothing behind its place', BEGINNING, false],
    [
      'behind a time zone, an invoker, schemas and microseconds',
      `${BEGINNING} 05 03 555443 0b 04 726f6f74 09 3132372e302e302e31 0c 02 6100 626200 0d 010203 11 0d00000000000000`,
      true,
    ],
    ['behind more schemas than are named', `${BEGINNING} 0c fe 11 0d00000000000000`, true],
    ['behind one that is not known', `${BEGINNING} 0e 00000000 11 0d00000000000000`, null],
    ['behind schemas without an end', `${BEGINNING} 0c 02 6100 6262`, null],
    ['behind a time zone that is longer than all', `${BEGINNING} 05 ff 5554`, null],
  ])('%s', (_, status, numbered) => {
    expect(read(hex(status))).toMatchObject({ numbered, mode: { ansiQuotes: true } });
  });

  test('what stands there stops nobody', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const status = Buffer.concat([hex(BEGINNING), bytes]);
        expect([true, false, null]).toContain(read(status).numbered);
      }),
    );
  });

  test('each definition of a server, and no BEGIN', () => {
    const events = recorded('mysql-9.7').flatMap((each) => each.events);
    const told = events
      .filter((event) => event[4] === EVENT.QUERY)
      .map((event) => readQuery(event, event.length - 4));
    for (const { text, numbered } of told) {
      if (/^(?:CREATE (?!.*START TRANSACTION|.*MyISAM)|RENAME)/is.test(text ?? ''))
        expect([text, numbered]).toEqual([text, true]);
      if (text === 'BEGIN') expect(numbered).toBe(false);
    }
    expect(told.filter(({ numbered }) => numbered).length).toBeGreaterThan(20);
  });
});

test('a statement about temporary tables says so in its header', () => {
  const event = query('TRUNCATE t');
  expect(readQuery(event, event.length - 4).temporary).toBe(false);
  event.writeUInt16LE(4, 17);
  expect(readQuery(event, event.length - 4).temporary).toBe(true);
});
