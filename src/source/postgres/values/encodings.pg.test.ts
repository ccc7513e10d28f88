/** Servers that don't speak UTF-8: what they can convert, what they can't, and what says nothing in its encoding. */
import { describe, expect, test } from 'vitest';
import { testServer } from '../../../../test/support/postgres.ts';
import { type Cell, capture } from '../../../../test/support/postgres-capture.ts';

/** A text made of these bytes, past the server's check of its encoding (COPY and literals would refuse some). */
const bytes = (hex: string) => `'${hex}'`;

interface Case {
  readonly encoding: string;
  /** Bytes as the server holds them, and what the trail must say. */
  readonly texts: readonly (readonly [hex: string, cell: Cell])[];
  readonly raw: boolean;
}

const CASES: readonly Case[] = [
  {
    encoding: 'LATIN1',
    raw: false,
    texts: [
      ['e4f6fc', 'äöü'],
      ['81', '\u0081'],
      ['61', 'a'],
    ],
  },
  {
    encoding: 'WIN1252',
    raw: true,
    // 0x81 has no meaning in WIN1252: the walsender fails on it, whenever it tries.
    texts: [
      ['80e4', '€ä'],
      ['6181', { raw: '6181' }],
      ['93', '“'],
      ['61', 'a'],
    ],
  },
  {
    encoding: 'EUC_JP',
    raw: false,
    texts: [
      ['c6fccbdc', '日本'],
      ['8eb1', 'ｱ'],
      ['61', 'a'],
    ],
  },
  {
    encoding: 'EUC_JP',
    raw: true,
    // A code point of the right form that stands for nothing.
    texts: [
      ['c6fccbdc', '日本'],
      ['a9a1', { raw: 'a9a1' }],
      ['61', 'a'],
    ],
  },
  {
    encoding: 'SQL_ASCII',
    raw: false,
    texts: [
      ['c3a4', 'ä'],
      ['e4', { raw: 'e4' }],
      ['61', 'a'],
      ['f09f9880', '😀'],
    ],
  },
];

describe.each([14, 18])('encodings on Postgres %i', (major) => {
  test.each(CASES)('$encoding (falls back: $raw)', async ({ encoding, texts, raw }) => {
    await using server = await testServer({ major, encoding });
    await server.sql(`create table t (id int primary key, a text, big text); create publication rowseal for table t;
      create function held(hex text) returns text language plpgsql as $$
        begin return convert_from(decode(hex, 'hex'), current_setting('server_encoding')); end $$`);
    await using running = await capture(server);
    await server.sql(`insert into t values (-1, 'before')`);
    await server.sql('begin');
    await server.sql(`insert into t values (0, 'first')`);
    for (const [index, [hex]] of texts.entries()) {
      await server.sql(`insert into t values (${index + 1}, held(${bytes(hex)}), repeat('x', 100))`);
    }
    await server.sql(`update t set id = id + 1000 where id > 0`);
    await server.sql('commit');
    await server.sql(`insert into t values (500, 'after')`);
    await running.caughtUp(server);
    expect(running.warnings.length > 0).toBe(raw);
    expect(running.transactions).toHaveLength(3);
    const seen = running.rows().map(({ action, after }) => [action, after?.['id'], after?.['a']]);
    expect(seen).toEqual([
      ['insert', '-1', 'before'],
      ['insert', '0', 'first'],
      ...texts.map(([, cell], index) => ['insert', String(index + 1), cell]),
      ...texts.map(([, cell], index) => ['update', String(index + 1001), cell]),
      ['insert', '500', 'after'],
    ]);
  });

  test('names in the server encoding', async () => {
    await using server = await testServer({ major, encoding: 'LATIN1' });
    await server.sql(
      `create table "größe" (id int primary key, "maß" text); create publication rowseal for table "größe"`,
    );
    await using running = await capture(server);
    await server.sql(`insert into "größe" values (1, 'ß')`);
    await running.caughtUp(server);
    expect(running.rows()[0]).toMatchObject({
      table: 'public.größe',
      after: { maß: 'ß' },
      relation: { primaryKey: ['id'] },
    });
  });
});
