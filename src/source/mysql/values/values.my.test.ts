/**
 * The cells' truth is the server: what it prints for SELECT, on real MySQL and MariaDB, of every type at its extremes
 * and at random, of every code of every character set, and of JSON after partial updates.
 */
import ZongJi from '@vlasky/zongji';
import { describe, expect, test } from 'vitest';
import { type TestMysql, testMysql } from '../../../../test/support/mysql.ts';
import { MYSQL_RELEASES } from '../../../../test/support/mysql-releases.ts';
import { createRandom, seedOfRun } from '../../../../test/support/random.ts';
import { NULL, RAW, type RowImage, TEXT, UNCHANGED } from '../../../change/change.ts';
import type { MysqlFlavor, MysqlVersion } from '../../../embedded/mysql-packages.ts';
import { EVENT, HEADER_BYTES, readHeader } from '../events/events.ts';
import { createRowsReader, isRowsEvent, type RowAction } from '../events/rows.ts';
import { createTableMaps, type TableMap, tableIdOf } from '../events/table-map.ts';
import { parseMysqlUrl } from '../wire/connection.ts';
import { startDump } from '../wire/link.ts';

/** A cell: its text, null, or what it is instead (`RAW:<hex>`, `ABSENT`, `UNCHANGED`). */
type Cells = readonly (string | null)[];
interface Row {
  readonly table: TableMap;
  readonly action: RowAction;
  readonly before: Cells | null;
  readonly after: Cells | null;
}

/** The embedded servers' binlogs have checksums. */
const CRC32_BYTES = 4;

const seed = seedOfRun();
let replicas = 0;

async function freshServer(flavor: MysqlFlavor, version: MysqlVersion): Promise<TestMysql> {
  const server = await testMysql({ flavor, version });
  await server.sql(
    `set names utf8mb4; set session time_zone = '+00:00', sql_mode = '', group_concat_max_len = 1000000`,
  );
  return server;
}

/** Runs the SQL and reads back from the binlog the rows that it changed in the server's database. */
async function captured(server: TestMysql, sql: readonly string[]): Promise<Row[]> {
  await server.sql('create table if not exists the_end (n int auto_increment primary key)');
  const where = await server.sql(server.flavor === 'mysql' ? 'show binary log status' : 'show master status');
  for (const text of sql) await server.sql(text);
  await server.sql('insert into the_end values (null)');
  const rows: Row[] = [];
  const maps = createTableMaps(server.flavor);
  const reader = createRowsReader();
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const target = parseMysqlUrl(
    `${server.url}?${server.caFile === null ? 'ssl-mode=DISABLED' : `ssl-mode=VERIFY_CA&ssl-ca=${server.caFile}`}`,
  );
  const onEvent = (event: Buffer): undefined => {
    try {
      const header = readHeader(event);
      const body = event.subarray(HEADER_BYTES, event.length - CRC32_BYTES);
      if (header.type === EVENT.TABLE_MAP) {
        if (maps.read(body).table === 'the_end') resolve();
      } else if (isRowsEvent(header.type)) {
        const table = maps.find(tableIdOf(body));
        if (table?.schema !== server.database || table.table === 'the_end') return;
        const untold = reader.read(header.type, body, table, (action, before, after) => {
          rows.push({ table, action, before: before && cells(before), after: after && cells(after) });
        });
        expect(untold).toBe(0);
      }
    } catch (error) {
      reject(error);
    }
  };
  const link = await startDump({
    target,
    flavor: server.flavor,
    serverId: 77_000 + process.pid * 10 + replicas++,
    start: { by: 'file', file: String(where[0]?.['File']), position: Number(where[0]?.['Position']) },
    encodeSet: () => Buffer.alloc(0),
    onEvent,
    heartbeatMs: 10_000,
    clock: Date.now,
  });
  await Promise.race([ended, link.done]).finally(() => link.end());
  return rows;
}

function cells(image: RowImage): Cells {
  return Array.from({ length: image.count }, (_, i) => {
    const bytes = image.bytes.subarray(image.starts[i], image.ends[i]);
    switch (image.kinds[i]) {
      case TEXT:
        return bytes.toString();
      case RAW:
        return `RAW:${bytes.toString('hex')}`;
      case NULL:
        return null;
      case UNCHANGED:
        return 'UNCHANGED';
      default:
        return 'ABSENT';
    }
  });
}

/** One column of a type, values for it as SQL, and how the server is asked for what we should say. */
interface TypeCase {
  readonly type: string;
  readonly values: readonly string[];
  readonly ask?: string;
  readonly only?: 'mysql' | 'mariadb';
}

const random = createRandom(seed);
const many = (make: () => string, count = 60): string[] => Array.from({ length: count }, make);
const digits = (count: number) => Array.from({ length: count }, () => random.below(10)).join('');
const big = (low: bigint, high: bigint) => String(low + (BigInt(`0x${hexOf(8)}`) % (high - low + 1n)));
const hexOf = (bytes: number) =>
  Array.from({ length: bytes }, () => random.below(256).toString(16).padStart(2, '0')).join('');
const two = (below: number) => String(random.below(below)).padStart(2, '0');
const clock = () => `${two(24)}:${two(60)}:${two(60)}.${digits(6)}`;
const day = () =>
  `${String(1 + random.below(9999)).padStart(4, '0')}-${String(1 + random.below(12)).padStart(2, '0')}-${String(1 + random.below(28)).padStart(2, '0')}`;
const decimal = (whole: number, scale: number) =>
  `${random.chance(0.5) ? '-' : ''}${digits(1 + random.below(whole))}.${digits(scale)}`;

function integers(name: string, bits: number): TypeCase[] {
  const top = 1n << BigInt(bits);
  const half = top / 2n;
  return [
    {
      type: name,
      values: ['0', '1', '-1', `${-half}`, `${half - 1n}`, ...many(() => big(-half, half - 1n))],
    },
    { type: `${name} unsigned`, values: ['0', `${half}`, `${top - 1n}`, ...many(() => big(0n, top - 1n))] },
  ];
}

const HEX = "concat('\\\\x', lower(hex(v)))";
const moment = (scale: number): TypeCase[] => [
  {
    type: `time(${scale})`,
    values: [
      "'-838:59:59.000000'",
      "'838:59:59'",
      "'00:00:00'",
      "'-00:00:00.999999'",
      "'-00:00:01'",
      ...many(
        () => `'${random.chance(0.5) ? '-' : ''}${random.below(838)}:${two(60)}:${two(60)}.${digits(6)}'`,
      ),
    ],
  },
  {
    type: `datetime(${scale})`,
    values: [
      "'0000-00-00 00:00:00'",
      "'9999-12-31 23:59:59'",
      "'2024-02-00 00:00:01.5'",
      ...many(() => `'${day()} ${clock()}'`),
    ],
  },
  {
    type: `timestamp(${scale}) null`,
    values: [
      "'0000-00-00 00:00:00'",
      "'1970-01-01 00:00:01'",
      "'2038-01-19 03:14:07.499999'",
      "'2000-02-29 12:00:00.000001'",
      ...many(() => `from_unixtime(${1 + random.below(2 ** 31 - 2)}.${digits(6)})`),
    ],
    ask: "if(left(v, 4) = '0000', concat(v), concat(v, '+00'))",
  },
];

const CASES: readonly TypeCase[] = [
  ...integers('tinyint', 8),
  ...integers('smallint', 16),
  ...integers('mediumint', 24),
  ...integers('int', 32),
  ...integers('bigint', 64),
  { type: 'tinyint(1)', values: ['0', '1', '-128'] },
  { type: 'int(9) unsigned zerofill', values: ['0', '42'], ask: 'concat(v + 0)' },
  {
    type: 'decimal(65,30)',
    values: ['0', '-0.1', `-${'9'.repeat(35)}.${'9'.repeat(30)}`, ...many(() => decimal(35, 30))],
  },
  { type: 'decimal(65,0)', values: ['9'.repeat(65), '-1', ...many(() => decimal(65, 0))] },
  { type: 'decimal(30,30)', values: ['0', `-0.${'9'.repeat(30)}`, ...many(() => `0.${digits(30)}`)] },
  {
    type: 'decimal(12,2) unsigned',
    values: ['0.01', '9999999999.99', ...many(() => `${digits(10)}.${digits(2)}`)],
  },
  { type: 'decimal(1,0)', values: ['-9', '0', '9'] },
  { type: 'decimal(19,10)', values: many(() => decimal(9, 10)) },
  { type: 'bit(1)', values: ["b'0'", "b'1'"], ask: 'bin(v + 0)' },
  { type: 'bit(13)', values: many(() => `${random.below(8192)}`), ask: "lpad(bin(v + 0), 13, '0')" },
  {
    type: 'bit(64)',
    values: ['0', '18446744073709551615', ...many(() => `0x${hexOf(8)}`)],
    ask: "lpad(bin(v + 0), 64, '0')",
  },
  { type: 'year', values: ['0', '1901', '2155', '2026'], ask: 'concat(v + 0)' },
  { type: 'date', values: ["'0000-00-00'", "'9999-12-31'", "'2024-00-00'", ...many(() => `'${day()}'`)] },
  ...[0, 1, 2, 3, 4, 5, 6].flatMap(moment),
  {
    type: "enum('a','ü','it''s','x,y') charset latin1",
    values: ["'a'", "'ü'", "'it''s'", "'x,y'", "''", "'bad'"],
  },
  { type: `enum(${Array.from({ length: 300 }, (_, i) => `'m${i}'`)})`, values: ["'m0'", "'m255'", "'m299'"] },
  { type: "set('a','б','c''d')", values: ["''", "'a'", "'a,б,c''d'", "'c''d'"] },
  {
    type: `set(${Array.from({ length: 64 }, (_, i) => `'s${i}'`)})`,
    values: ['0', '1', '9223372036854775808', '18446744073709551615', ...many(() => `0x${hexOf(8)} + 0`, 20)],
  },
  { type: 'char(10) charset utf8mb4', values: ["''", "'abc   '", "'ünïcødé'", "'𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞'", "' x'"] },
  { type: 'char(255) charset utf8mb4', values: ["repeat('€', 255)", "''", "'a'"] },
  { type: 'char(0)', values: ["''"] },
  { type: 'varchar(20) charset latin1', values: ["''", "'é€ÿ  '"] },
  { type: 'varchar(255) charset utf8mb4', values: ["repeat('𝄞', 255)", "'a\\0b'"] },
  { type: 'varchar(300) charset ucs2', values: ["repeat('ж', 300)", "''"] },
  { type: 'tinytext', values: ["repeat('x', 255)"] },
  { type: 'text charset utf16le', values: ["repeat('𝄞ab', 300)"] },
  { type: 'mediumtext charset utf32', values: ["repeat('ж', 30000)"] },
  { type: 'longtext charset utf8mb4', values: ["repeat('€', 70000)"] },
  { type: 'binary(8)', values: ["''", "'ab'", '0x0000000000000001', '0x2020', '0x00'], ask: HEX },
  { type: 'binary(255)', values: ['repeat(0xff, 255)', "'a'"], ask: HEX },
  { type: 'varbinary(300)', values: ["''", '0x00ff00', 'repeat(0xfe, 300)'], ask: HEX },
  { type: 'tinyblob', values: ['0x00', 'repeat(0x80, 255)'], ask: HEX },
  { type: 'mediumblob', values: ['repeat(0xc3, 70000)'], ask: HEX },
  {
    type: 'geometry',
    values: [
      "st_geomfromtext('POINT(1 -2.5)')",
      "st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))', 4326)",
    ],
    ask: HEX,
  },
  { type: 'vector(3)', values: ["to_vector('[1,-2.5,3e-30]')"], ask: HEX, only: 'mysql' },
  { type: 'varchar(400) compressed', values: ["repeat('añ', 200)", "''", "'a'"], only: 'mariadb' },
  { type: 'text compressed charset latin1', values: ["repeat('é', 5000)", "''"], only: 'mariadb' },
  { type: 'blob compressed', values: ['repeat(0x00ff, 5000)', "''", '0x41'], ask: HEX, only: 'mariadb' },
  // What the binlog tells of these is BINARY(16) and BINARY(4), in the order of the text.
  {
    type: 'uuid',
    values: ["'123e4567-e89b-12d3-a456-426655440000'", "'6ba7b810-9dad-11d1-80b4-00c04fd43000'"],
    ask: "concat('\\\\x', replace(v, '-', ''))",
    only: 'mariadb',
  },
  {
    type: 'inet4',
    values: ["'1.2.0.0'", "'0.0.0.0'"],
    ask: "concat('\\\\x', lower(hex(inet6_aton(v))))",
    only: 'mariadb',
  },
  {
    type: 'inet6',
    values: ["'::1'", "'fe80::'"],
    ask: "concat('\\\\x', lower(hex(inet6_aton(v))))",
    only: 'mariadb',
  },
  { type: 'json', values: [`'{"a": 1.50, "a ": [1e3]}'`], only: 'mariadb' },
];

const SINCE_11_8: readonly TypeCase[] = [
  { type: 'vector(3)', values: ["vec_fromtext('[1,-2.5,3e-30]')"], ask: HEX },
  { type: 'timestamp(6) null', values: ["'2106-02-07 06:28:15.999999'"], ask: "concat(v, '+00')" },
];

const DOUBLES = [
  '0',
  '-0e0',
  '1',
  '-1',
  '0.1',
  '1e15',
  '1e16',
  '123456789012345680',
  '1234567890123456.5',
  '1e17',
  '1e20',
  '1e21',
  '1e22',
  '1e23',
  '1.5e300',
  '-1.7976931348623157e308',
  '2.2250738585072014e-308',
  '5e-324',
  '0.001',
  '0.0001',
  '0.00001',
  '1e-5',
  '1.5e-7',
  '1e-14',
  '1e-15',
  '1e-16',
  '123.456e-15',
  '999999999999999.9',
  '9007199254740993',
  '4503599627370496.5',
  '0.30000000000000004',
  '100',
  '1e14',
  '123456789012345',
  '12345678901234567',
]; // prettier-ignore

describe.each(MYSQL_RELEASES)('$flavor $version', ({ flavor, version }) => {
  const fresh = () => freshServer(flavor, version);

  test('every type at its extremes and at random', async () => {
    await using server = await fresh();
    const cases = [...CASES, ...(version === '11.8' ? SINCE_11_8 : [])].filter(
      (one) => one.only === undefined || one.only === flavor,
    );
    const sql = cases.flatMap(({ type, values }, i) => [
      `create table t${i} (id int auto_increment primary key, v ${type})`,
      `insert into t${i} (v) values ${values.map((value) => `(${value})`)}, (null)`,
    ]);
    const rows = await captured(server, sql);
    for (const [i, { type, ask = 'v' }] of cases.entries()) {
      const said = await server.sql(`select ${ask} as said from t${i} order by id`);
      const ours = rows.filter(({ table }) => table.table === `t${i}`).map(({ after }) => after?.[1]);
      expect(ours, `${type} (seed ${seed})`).toEqual(said.map((row) => row['said']));
    }
  });

  test('names of types, keys, generated and invisible columns', async () => {
    await using server = await fresh();
    const invisible = 'i int invisible default 7';
    const [row] = await captured(server, [
      `create table parts (b varchar(30) charset utf8mb4, a int unsigned, g int generated always as (a + 1) virtual,
        s bigint generated always as (a + 2) stored, y year, z smallint unsigned, ${invisible}, c char(3) charset utf8mb4,
        d datetime(3), e enum('x','y'), p point, t tinytext charset latin1, w varbinary(9), q decimal(7,3),
        primary key (a, b(10)))`,
      `insert into parts (a, b, z, t) values (1, 'k', 65535, 'é')`,
    ]);
    const { columns, primaryKey } = row?.table.relation ?? { columns: [], primaryKey: [] };
    const said = await server.sql(
      `select column_name n, replace(replace(replace(replace(column_type, '(11)', ''), '(10)', ''), '(20)', ''), '(5)', '') t
       from information_schema.columns where table_schema = database() and table_name = 'parts' order by ordinal_position`,
    );
    const plain = (type: string | null | undefined) => type?.replace('year(4)', 'year');
    expect(columns.map(({ name, type }) => [name, type])).toEqual(said.map(({ n, t }) => [n, plain(t)]));
    expect(primaryKey).toEqual(['a', 'b']);
    expect(row?.table.hasNames).toBe(true);
    // MariaDB does not say it.
    const hidden = row?.table.columns.findIndex(({ visible }) => !visible);
    expect(hidden).toBe(flavor === 'mysql' ? 6 : -1);
    expect(row?.after?.slice(0, 8)).toEqual(['k', '1', '2', '3', null, '65535', '7', null]);
    expect(row?.after?.[11]).toBe('é');
  });

  test('floats and doubles read back to the same bits, in the shortest text', async () => {
    await using server = await fresh();
    const bytes = Buffer.alloc(8);
    const doubles = [
      ...DOUBLES,
      ...many(() => {
        bytes.write(hexOf(8), 'hex');
        const value = bytes.readDoubleLE(0);
        return Number.isFinite(value) ? `${value}` : '0';
      }, 500),
      ...many(() => `${random.below(1e9) / 10 ** random.below(9)}`, 300),
    ];
    const floats = [
      ...['0', '-0e0', '1.17549e-38', '3.40282e38', '16777217', '0.1', '1e-45', '-1.5'],
      ...many(() => {
        bytes.write(hexOf(4), 'hex');
        const value = bytes.readFloatLE(0);
        return Number.isFinite(value) ? `${value}` : '0';
      }, 500),
      ...many(() => `${random.below(1e6) / 10 ** random.below(6)}`, 300),
    ];
    const rows = await captured(server, [
      'create table d (id int auto_increment primary key, v double)',
      'create table f (id int auto_increment primary key, v float)',
      `insert into d (v) values ${doubles.map((value) => `(${value})`)}`,
      `insert into f (v) values ${floats.map((value) => `(${value})`)}`,
    ]);
    const texts = (name: string) =>
      rows.filter(({ table }) => table.table === name).map(({ after }) => after?.[1] as string);
    const exact = await server.sql('select v as said from d order by id');
    expect(texts('d').map(Number)).toEqual(exact.map((row) => Number(row['said'])));
    for (const text of texts('d'))
      expect(Number(text).toString().length).toBeGreaterThanOrEqual(text.length - 2);
    // The server adds nothing when a float becomes a double.
    const said = await server.sql('select cast(v as double) as said from f order by id');
    expect(texts('f').map((text) => Math.fround(Number(text)))).toEqual(
      said.map((row) => Number(row['said'])),
    );
    for (const text of texts('f')) {
      const significant = text.replace(/e.*|[-.]/g, '').replace(/^0+|0+$/g, '');
      expect(significant.length).toBeLessThanOrEqual(9);
    }
  });

  test('every code of every older character set, and every character of Unicode', async () => {
    await using server = await fresh();
    const sets = await server.sql(
      `select character_set_name as name, maxlen as width from information_schema.character_sets
       where character_set_name not in ('binary', 'ucs2', 'utf16', 'utf16le', 'utf32', 'utf8mb3', 'utf8mb4')`,
    );
    await server.sql('create table codes (id int auto_increment primary key, code varbinary(4) not null)');
    for (const codes of batches(allCodes(flavor), 20_000)) {
      await server.sql(`insert into codes (code) values ${codes.map((code) => `(0x${code})`)}`);
    }
    for (const { name, width } of sets) {
      // What is one well-formed character in the set.
      const one = `octet_length(code) <= ${width} and octet_length(convert(code using ${name})) = octet_length(code)
        and char_length(cast(code as char character set ${name})) = 1
        and cast(code as char character set ${name}) is not null`;
      const rows = await captured(server, [
        `create table c_${name} (id int primary key, v varchar(4) character set ${name})`,
        `insert into c_${name} select id, cast(code as char character set ${name}) from codes where ${one}`,
      ]);
      const said = await server.sql(
        `select hex(v) as code, convert(v using utf8mb4) as said from c_${name} order by id`,
      );
      expect(said.length, `${name}`).toBeGreaterThan(width === '1' ? 127 : 5000);
      const expected = said.map(({ code, said: text }) =>
        // The server has no character for the code: the bytes are what there is.
        (text === '?' && code !== '3F') || (text === '\ufffd' && name !== 'gb18030')
          ? `RAW:${code?.toLowerCase()}`
          : text,
      );
      expect(
        rows.map(({ after }) => after?.[1]),
        `${name}`,
      ).toEqual(expected);
    }
    const points = Array.from({ length: 0x11_0000 }, (_, i) => i).filter(
      (i) => (i < 0xd800 || i > 0xdfff) && (i < 0x1_1000 || i % 23 === 0),
    );
    const texts = batches(points, 2000).map((part) => String.fromCodePoint(...part));
    for (const name of ['utf8mb4', 'utf8mb3', 'ucs2', 'utf16', 'utf16le', 'utf32']) {
      const known =
        name === 'utf8mb3' || name === 'ucs2'
          ? texts.filter((text) => !/[\u{10000}-\u{10ffff}]/u.test(text))
          : texts;
      await server.sql(
        `create table u_${name} (id int auto_increment primary key, v longtext character set ${name})`,
      );
      const rows = await captured(server, [
        ...known.map(
          (text) =>
            `insert into u_${name} (v) values (convert(0x${Buffer.from(text).toString('hex')} using utf8mb4))`,
        ),
      ]);
      expect(
        rows.map(({ after }) => after?.[1]),
        name,
      ).toEqual(known);
    }
  });

  test('zongji says the same of what it can read', async () => {
    await using server = await fresh();
    const words = ['', 'plain', 'ünïcødé', '𝄞', "it's"];
    const value = () =>
      [
        `${random.below(2 ** 32)}`,
        big(-(1n << 63n), (1n << 63n) - 1n),
        decimal(10, 4),
        `'${random.pick(words).replaceAll("'", "''")}'`,
        `'${random.pick(['é', 'a'])}'`,
        `'${random.pick(['x', 'y', 'x,y', ''])}'`,
        `x'${hexOf(random.below(9))}'`,
        `'${day()} ${clock()}'`,
        `'${random.below(838)}:${two(60)}:${two(60)}'`,
        `${random.below(1e6) / 8}`,
        `${random.below(127) - 63}`,
        `${1901 + random.below(200)}`,
      ].map((text) => (random.chance(0.1) ? 'null' : text));
    const create = `create table z (a int unsigned, b bigint, c decimal(20,4), d varchar(30) charset utf8mb4,
      e enum('a','é') charset latin1, f set('x','y'), g varbinary(9), h datetime(6), i time, j double, k tinyint, l year)`;
    const [where] = await server.sql(flavor === 'mysql' ? 'show binary log status' : 'show master status');
    const rows = await captured(server, [
      create,
      `insert into z values ${many(() => `(${value()})`, 200)}`,
      'update z set k = k + 1 where k is not null',
      'delete from z where a < 2147483648',
    ]);
    const theirs = await readByZongji(
      server,
      String(where?.['File']),
      Number(where?.['Position']),
      rows.length,
    );
    expect(rows.length).toBeGreaterThan(300);
    const texts = (cells: Cells | null) =>
      cells?.map((cell, i) => (cell !== null && i === 9 ? String(Number(cell)) : cell)) ?? null;
    expect(rows.map(({ before, after }) => [texts(before), texts(after)])).toEqual(theirs);
  });

  test('images that hold some columns only', async () => {
    await using server = await fresh();
    const rows = await captured(server, [
      'create table i (id int primary key, a int, b varchar(20), t text)',
      "insert into i values (1, 2, 'x', 'long')",
      "set session binlog_row_image = 'MINIMAL'",
      'update i set a = 3 where id = 1',
      "set session binlog_row_image = 'NOBLOB'",
      "update i set b = 'y' where id = 1",
      'update i set t = null where id = 1',
      "set session binlog_row_image = 'MINIMAL'",
      'delete from i where id = 1',
      "set session binlog_row_image = 'FULL'",
    ]);
    const gone = 'ABSENT';
    expect(rows.map(({ action, before, after }) => [action, before, after])).toEqual([
      ['insert', null, ['1', '2', 'x', 'long']],
      ['update', ['1', gone, gone, gone], [gone, '3', gone, gone]],
      ['update', ['1', '3', 'x', gone], ['1', '3', 'y', gone]],
      ['update', ['1', '3', 'y', gone], ['1', '3', 'y', null]],
      ['delete', ['1', gone, gone, gone], null],
    ]);
  });
});

describe.each(MYSQL_RELEASES.filter((one) => one.flavor === 'mysql'))(
  '$flavor $version',
  ({ flavor, version }) => {
    const fresh = () => freshServer(flavor, version);

    test('JSON as the server prints it', async () => {
      await using server = await fresh();
      const values = [
        ...[
          'null',
          'true',
          'false',
          '0',
          '-1',
          '[]',
          '{}',
          '""',
          '"\\u0000\\u001f\\b\\f\\n\\r\\t\\"\\\\/é𝄞"',
        ],
        ...[
          '32767',
          '32768',
          '-32768',
          '-32769',
          '65535',
          '65536',
          '2147483647',
          '2147483648',
          '-2147483649',
        ],
        ...[
          '4294967296',
          '-9223372036854775808',
          '9223372036854775807',
          '18446744073709551615',
          '18446744073709551616',
        ],
        ...DOUBLES.map((value) =>
          value.startsWith('-0e')
            ? '-0.0'
            : value.includes('.') || value.includes('e')
              ? value
              : `${value}.0`,
        ),
        ...many(() => `${random.below(1e9) / 10 ** random.below(20)}`, 200),
        ...many(() => `${(random.next() - 0.5) * 10 ** (random.below(600) - 300)}`, 300),
        `${'['.repeat(99)}${']'.repeat(99)}`,
        JSON.stringify(
          Array.from({ length: 30_000 }, (_, i) => ({ [`k${i % 7}`]: i, s: 'x'.repeat(i % 50) })),
        ),
        JSON.stringify(
          Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`key ${i}`, i % 3 ? i * 70_000 : null])),
        ),
        JSON.stringify({
          long: 'ü'.repeat(40_000),
          b: ['x'.repeat(127), 'y'.repeat(128), 'z'.repeat(16_384)],
        }),
        ...many(() => JSON.stringify(document(4)), 200),
      ].map((text) => `convert(0x${Buffer.from(text).toString('hex')} using utf8mb4)`);
      const opaque = [
        "cast('-838:59:59.5' as time(6))",
        "cast('2024-02-29' as date)",
        "cast('0000-00-00' as date)",
        "cast('9999-12-31 23:59:59.999999' as datetime(6))",
        "timestamp'2024-01-02 03:04:05'",
        "cast('0:0:0' as time)",
        '-1.50',
        `cast('${'9'.repeat(35)}.${'9'.repeat(30)}' as decimal(65,30))`,
        '0.00',
        "x'00ff41'",
        'repeat(0xff, 200)',
        "b'101'",
        'cast(2024 as year)',
        "st_geomfromtext('POINT(1 2)')",
        "cast('a' as binary(5))",
        'cast(1.5 as float)',
      ]; // prettier-ignore
      const rows = await captured(server, [
        'create table j (id int auto_increment primary key, v json)',
        ...batches(values, 50).map((some) => `insert into j (v) values ${some.map((value) => `(${value})`)}`),
        ...opaque.map(
          (value) => `insert into j (v) values (json_array(${value})), (json_object('k', ${value}))`,
        ),
        ...opaque.slice(0, 11).map((value) => `insert into j (v) values (cast(${value} as json))`),
      ]);
      const said = await server.sql('select cast(v as char) as said from j order by id');
      for (const [i, { said: text }] of said.entries())
        expect(rows[i]?.after?.[1], `seed ${seed}`).toBe(text);
      expect(rows.length).toBe(said.length);
    });

    test('partial updates of JSON become the whole document', async () => {
      await using server = await fresh();
      await server.sql('create table p (id int primary key, v json, n int, w json)');
      const big = JSON.stringify({
        pad: 'x'.repeat(500),
        list: [1, 2, { deep: ['a'] }],
        'odd "name"': { é: 1 },
        z: null,
      });
      await server.sql(
        `insert into p values (1, convert(0x${Buffer.from(big).toString('hex')} using utf8mb4), 0, '[1,2,3,4,5,6,7,8,9]')`,
      );
      const paths = [
        '$.list',
        '$.list[0]',
        '$.list[last]',
        '$.list[last-1]',
        '$.list[2].deep',
        '$.list[2].deep[0]',
        '$.z',
        '$."odd \\\\"name\\\\""',
        '$."odd \\\\"name\\\\"".é',
        '$.new',
        '$."a b"',
        '$.list[7]',
        '$.pad',
      ]; // prettier-ignore
      const path = () => `'${random.pick(paths)}'`;
      const value = () =>
        random.pick([
          '1',
          '-2.5',
          "'text é'",
          'null',
          "json_array(1, 'x')",
          "json_object('k', 3e5)",
          "repeat('y', 300)",
          '70000',
        ]);
      const one = () =>
        random.pick([
          () => `json_set(v, ${path()}, ${value()})`,
          () => `json_replace(v, ${path()}, ${value()}, ${path()}, ${value()})`,
          () => `json_remove(v, ${path()})`,
          () => `json_set(json_remove(v, ${path()}), ${path()}, ${value()})`,
        ])();
      const statements: string[] = [`set session binlog_row_value_options = 'PARTIAL_JSON'`];
      for (let i = 1; i <= 300; i++) {
        const other = random.chance(0.3) ? `, w = json_set(w, '$[${random.below(9)}]', ${value()})` : '';
        statements.push(`update p set n = ${i}, v = ${one()}${other} where id = 1`);
        statements.push(`create table if not exists seen (n int primary key, v longtext, w longtext)`);
        statements.push(`insert into seen select n, cast(v as char), cast(w as char) from p`);
        if (i % 20 === 0)
          statements.push(
            `update p set v = convert(0x${Buffer.from(big).toString('hex')} using utf8mb4), n = ${i} + 1000 where id = 1`,
          );
      }
      const rows = await captured(server, statements);
      await server.sql(`set session binlog_row_value_options = ''`);
      const said = await server.sql('select n, v, w from seen order by n');
      const ours = rows.filter(({ table, after }) => table.table === 'p' && Number(after?.[2]) <= 1000);
      expect(ours.length).toBe(300);
      for (const [i, { n, v, w }] of said.entries())
        expect(ours[i]?.after, `seed ${seed}, ${statements[1 + 3 * i]}`).toEqual(['1', v, n, w]);
    });
  },
);

/** The rows of table `z` as zongji has them, as text. */
async function readByZongji(
  server: TestMysql,
  filename: string,
  position: number,
  count: number,
): Promise<[Cells | null, Cells | null][]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { hostname: host, port, username: user, password } = new URL(server.url);
  const zongji = new ZongJi({
    ...{ host, port: Number(port), user, password: decodeURIComponent(password) },
    ...{
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      ssl: { rejectUnauthorized: false },
    },
  });
  const found: [Cells | null, Cells | null][] = [];
  const texts = (row: Record<string, unknown> | undefined): Cells | null =>
    row === undefined ? null : Object.values(row).map(plainText);
  zongji.on('error', reject);
  zongji.on('binlog', (event) => {
    for (const row of (event as { rows?: Record<string, unknown>[] }).rows ?? []) {
      const kind = event.getEventName();
      if (kind === 'updaterows') found.push([texts(row['before'] as never), texts(row['after'] as never)]);
      else found.push(kind === 'writerows' ? [null, texts(row)] : [texts(row), null]);
    }
    if (found.length >= count) resolve();
  });
  zongji.start({
    serverId: 76_000 + process.pid * 10 + replicas++,
    filename,
    position,
    includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows'],
    includeSchema: { [server.database]: ['z'] },
  });
  await promise.finally(() => zongji.stop());
  return found;
}

function plainText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  return Array.isArray(value) ? value.join(',') : String(value);
}

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** In hex: all of one and two bytes, three of the Japanese sets, and of GB 18030's four bytes those of the basic plane. */
function allCodes(flavor: string): string[] {
  const hex = (...bytes: number[]) => Buffer.from(bytes).toString('hex');
  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const codes = range(0, 255).map((a) => hex(a));
  for (const a of range(0x80, 0xff)) for (const b of range(0x30, 0xff)) codes.push(hex(a, b));
  for (const a of range(0xa1, 0xfe)) for (const b of range(0xa1, 0xfe)) codes.push(hex(0x8f, a, b));
  if (flavor === 'mariadb') return codes;
  for (const [a, step] of [
    [0x81, 1],
    [0x82, 1],
    [0x83, 1],
    [0x84, 1],
    [0x90, 1],
    [0x95, 7],
    [0xe3, 1],
    [0xfe, 7],
  ] as const) // prettier-ignore
    for (const b of range(0x30, 0x39))
      for (const c of range(0x81, 0xfe)) for (let d = 0x30; d <= 0x39; d += step) codes.push(hex(a, b, c, d));
  return codes;
}

/** Some JSON. */
function document(depth: number): unknown {
  const kind = random.below(depth === 0 ? 5 : 7);
  switch (kind) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
      return random.below(2 ** 31) * random.pick([1, -1, 2 ** 20]);
    case 2:
      return random.next() * 10 ** (random.below(40) - 20);
    case 3:
    case 4:
      return random.pick(['', 'a', 'ünï', '𝄞', 'q"\\\n', 'x'.repeat(random.below(300))]);
    case 5:
      return Array.from({ length: random.below(6) }, () => document(depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(6) }, () => [
          `${random.pick(['k', 'é', 'long key '])}${random.below(9)}`,
          document(depth - 1),
        ]),
      );
  }
}
