/** Values of every type arrive as the server itself writes them, and each column knows how it becomes JSON. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from '../../../../test/support/postgres.ts';
import { capture } from '../../../../test/support/postgres-capture.ts';
import type { ValueEncoding } from '../../../change/change.ts';

const STRING: ValueEncoding = { as: 'string' };
const PLAIN: ValueEncoding = { as: 'string', plain: true };
const NUMBER: ValueEncoding = { as: 'number' };
const FLOAT: ValueEncoding = { as: 'float' };
const JSONB: ValueEncoding = { as: 'json', trusted: true };
const array = (element: ValueEncoding, delimiter = ','): ValueEncoding => ({
  as: 'array',
  element,
  delimiter,
});

/** Type, encoding, values as SQL. */
const TYPES: readonly [type: string, encoding: ValueEncoding, values: readonly string[]][] = [
  ['boolean', { as: 'boolean' }, ['true', 'false']],
  ['smallint', NUMBER, ['-32768', '32767']],
  ['integer', NUMBER, ['-2147483648', '0']],
  ['bigint', PLAIN, ['9223372036854775807', '-9007199254740993']],
  ['oid', NUMBER, ['4294967295']],
  ['numeric', PLAIN, ["'NaN'", "'Infinity'", '123456789012345678901234567890.1234567890', "'-0.000'"]],
  ['numeric(12,2)', PLAIN, ['1.5']],
  ['real', FLOAT, ['1.1', "'Infinity'", '3.4028235e38', '1e-45']],
  ['double precision', FLOAT, ['0.1', "'NaN'", "'-Infinity'", '1.7976931348623157e308', "'-0'"]],
  ['money', PLAIN, ['1234.56']],
  ['text', STRING, ["'quote \" slash \\ tab \t ü 😀'", "''"]],
  ['character varying(20)', STRING, ["'abc'"]],
  ['character(5)', STRING, ["'ab'"]],
  ['name', STRING, ["'a name'"]],
  ['"char"', STRING, ["'x'"]],
  ['bytea', { as: 'binary' }, ["'\\x00ff5c'", "''"]],
  ['date', PLAIN, ["'0044-03-15 BC'", "'infinity'", "'9999-12-31'", "'294276-01-01'"]],
  ['time without time zone', PLAIN, ["'24:00:00'", "'01:02:03.000001'"]],
  ['time with time zone', PLAIN, ["'01:02:03.5+05:30'"]],
  ['timestamp without time zone', PLAIN, ["'4713-01-01 00:00:00 BC'", "'-infinity'"]],
  ['timestamp(3) with time zone', PLAIN, ["'2026-11-21 20:18:33.1234+02'", "'infinity'"]],
  ['interval', PLAIN, ["'1 year 2 mons -3 days 04:05:06.789'", "'-1 sec'"]],
  ['interval day to second(2)', PLAIN, ["'3 days 04:05:06.789'"]],
  ['uuid', PLAIN, ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]],
  ['json', { as: 'json' }, ['\'{"a" : 1e400,\n "a":[1, 12345678901234567890.10]}\'']],
  ['jsonb', JSONB, ['\'{"b":12345678901234567890.10,"a":null}\'', '\'"text"\'']],
  ['bit(3)', PLAIN, ["B'101'"]],
  ['bit varying', PLAIN, ["B'1'"]],
  ['inet', STRING, ["'192.168.0.1/24'"]],
  ['cidr', STRING, ["'10.0.0.0/8'"]],
  ['macaddr', STRING, ["'08:00:2b:01:02:03'"]],
  ['point', STRING, ["'(1.5,2)'"]],
  ['polygon', STRING, ["'((0,0),(1,1),(1,0))'"]],
  ['box', STRING, ["'(1,1),(0,0)'"]],
  ['tsvector', STRING, ["'fat:2 cat:3'"]],
  ['xml', STRING, ["'<a>x</a>'"]],
  ['pg_lsn', PLAIN, ["'16/B374D848'"]],
  ['int4range', STRING, ["'[1,5)'", "'empty'"]],
  ['tstzrange', STRING, ["'[2026-01-01,)'"]],
  ['int4multirange', STRING, ["'{[1,3),[5,7)}'"]],
  ['int2vector', PLAIN, ["'1 2 3'"]],
  ['oidvector', PLAIN, ["'1 2'"]],
  ['regclass', STRING, ["'public.named'"]],
  ['regtype', STRING, ["'public.mood'"]],
  ['integer[]', array(NUMBER), ["'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={1,2}'", "'{}'"]],
  ['text[]', array(STRING), ["array['a,b', 'quote\"', 'NULL', '', null, 'back\\slash']"]],
  ['boolean[]', array({ as: 'boolean' }), ["'{t,f}'"]],
  ['jsonb[]', array(JSONB), ['array[\'{"a": [1]}\'::jsonb]']],
  ['bytea[]', array({ as: 'binary' }), ["array['\\x00ff'::bytea]"]],
  ['numeric(6,2)[]', array(PLAIN), ["'{1.5}'"]],
  ['timestamp with time zone[]', array(PLAIN), ["array['2026-01-01 00:00:00.5+00'::timestamptz]"]],
  ['box[]', array(STRING, ';'), ["'{(1,1),(0,0);(2,2),(1,1)}'"]],
  ['public.mood', STRING, ["'so ''so'''"]],
  ['public.mood[]', array(STRING), ["array['happy', 'so ''so''']::public.mood[]"]],
  ['public.pair', STRING, ["row(1, 'a\"b')"]],
  ['public.pair[]', array(STRING), ["array[row(1, 'x')::public.pair]"]],
  ['public.cents', NUMBER, ['5']],
  ['public.cents[]', array(NUMBER), ["'{5,6}'"]],
  ['public.tags', array(STRING), ["'{a,b}'"]],
  ['public.deep', NUMBER, ['7']],
  ['public.floats', STRING, ["'[1.5,2.5]'"]],
];

const PINNED = `set search_path = ''; set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = postgres;
  set extra_float_digits = 3; set bytea_output = hex`;

describe.each([14, 16, 18])('values of Postgres %i', (major) => {
  let server: TestServer;
  beforeAll(async () => {
    // A server whose own settings would spoil every text, were they not pinned.
    server = await testServer({
      major,
      settings: {
        timezone: 'Asia/Kolkata',
        datestyle: 'SQL, DMY',
        intervalstyle: 'iso_8601',
        extra_float_digits: '0',
        bytea_output: 'escape',
      },
    });
    await server.sql(`create type mood as enum ('happy', 'so ''so'''); create type pair as (a int, b text);
      create domain cents as int check (value > 0); create domain tags as text[]; create domain deep as cents;
      create type floats as range (subtype = float8); create table named (id int)`);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test('arrive as the server writes them', async () => {
    const columns = TYPES.map(([type], index) => `c${index} ${type}`);
    await server.sql(`create table everything (id int primary key, ${columns.join(', ')});
      create publication rowseal for table everything`);
    await using running = await capture(server);
    const rows = Math.max(...TYPES.map(([, , values]) => values.length)) + 1;
    for (let id = 0; id < rows; id++) {
      const values = TYPES.map(([, , each]) => each[id] ?? 'null');
      await server.sql(`insert into everything values (${[id, ...values].join(', ')})`);
    }
    await running.until(() => running.transactions.length === rows);
    const texts = TYPES.map((_, index) => `c${index}::text as c${index}`).join(', ');
    const session = await server.session();
    await session.query(PINNED);
    const said = await session.query(`select id::text as id, ${texts} from public.everything order by id`);
    // A cast strips the padding of character(n) and the sign of "char"; the stream has the type's own output.
    const padded = `c${TYPES.findIndex(([type]) => type === 'character(5)')}`;
    said.rows[0][padded] = 'ab   ';
    const bool = `c0`;
    for (const row of said.rows) row[bool] = row[bool] === null ? null : row[bool] === 'true' ? 't' : 'f';
    expect(running.rows().map((row) => row.after)).toEqual(said.rows);
  });

  test('each column names its type and its way to JSON', async () => {
    await using running = await capture(server, { slot: 'names', resume: undefined as never });
    await server.sql('insert into everything (id) values (1000)');
    await running.until(() => running.transactions.length === 1);
    const { columns, primaryKey } = running.rows()[0]!.relation;
    expect(columns.slice(1).map(({ type, encoding }) => [type, encoding])).toEqual(
      TYPES.map(([type, encoding]) => [type, encoding]),
    );
    expect(primaryKey).toEqual(['id']);
  });
});
