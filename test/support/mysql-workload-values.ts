/**
 * Random values of every kind of MySQL and MariaDB type, as SQL literals. They favour what goes wrong: limits, zero dates,
 * numbers that a double can't hold, quotes and backslashes, empty and long texts, characters of every character set.
 */
import type { MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import type { Random } from './random.ts';

interface Generator {
  readonly type: string;
  /** A SQL expression. */
  readonly sql: (random: Random) => string;
  /** Where only one of the two has the type. */
  readonly only?: MysqlFlavor;
  /** MariaDB has it from 11.7 on. */
  readonly since117?: boolean;
}

export type ValueKind = keyof typeof GENERATORS;

/** A literal, or NULL. */
export function literalOf(kind: ValueKind, random: Random, nullable = true): string {
  if (nullable && random.chance(0.12)) return 'NULL';
  return GENERATORS[kind].sql(random);
}

export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

/** The kinds that this server has. */
export function kindsOf(flavor: MysqlFlavor, version: string): ValueKind[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const kinds = Object.entries(GENERATORS) as [ValueKind, Generator][];
  return kinds
    .filter(([, { only }]) => only === undefined || only === flavor)
    .filter(([, g]) => !(g.since117 && flavor === 'mariadb' && (major < 11 || (major === 11 && minor < 7))))
    .map(([kind]) => kind);
}

const ASCII = [
  'a',
  'Zebra',
  ' ',
  "'",
  '"',
  '\\',
  '/',
  '~',
  '\n',
  '\t',
  '\u0001',
  '\u007f',
  'NULL',
  '{}',
  ',',
  '%',
  '`',
];
const LATIN1 = [...ASCII, 'é', 'ß', 'ÿ', '€', '“'];
const CYRILLIC = [...ASCII, 'Ж', 'я', '№', 'ё'];
const CHINESE = [...ASCII, '汉', '字', '数', '据'];
const JAPANESE = [...ASCII, '日', '本', 'カ', '亜', 'あ'];
const KOREAN = [...ASCII, '한', '글', '가'];
const TRADITIONAL = [...ASCII, '漢', '字', '龍'];
const BMP = [...LATIN1, '漢字', '\u2028', 'ก', '\ufeff', 'Ω'];
const ALL = [...BMP, '😀', '𝒳'];

const textOf = (pieces: readonly string[], most: number) => (random: Random) => {
  let result = '';
  for (let i = random.below(most + 1); i > 0; i--) result += random.pick(pieces);
  return quote(result);
};

export function longText(random: Random, length: number): string {
  let result = '';
  while (result.length < length) result += Math.floor(random.next() * 2 ** 52).toString(36);
  return result.slice(0, length);
}

const kind = (type: string, sql: Generator['sql']): Generator => ({ type, sql });
const oneOf = (type: string, ...literals: string[]): Generator => ({
  type,
  sql: (random) => random.pick(literals),
});

const hex = (most: number) => (random: Random) => {
  let text = '';
  for (let i = random.below(most + 1); i > 0; i--)
    text += random.pick(['00', 'ff', '20', '5c', '27', '0a', 'c3', 'e9', '80']);
  return `x'${text}'`;
};
const two = (value: number) => String(value).padStart(2, '0');
const day = (random: Random) => `${two(1 + random.below(12))}-${two(1 + random.below(28))}`;
const fraction = (random: Random) =>
  random.pick(['', '.000001', '.5', '.999999', `.${random.below(1_000_000)}`]);
const clock = (random: Random) =>
  `${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}${fraction(random)}`;
const datetime = (random: Random) =>
  random.pick([
    () => "'0000-00-00 00:00:00'",
    () => "'2026-00-00 00:00:00'",
    () => "'1000-01-01 00:00:00.000001'",
    () => "'9999-12-31 23:59:59'",
    () => `'${1000 + random.below(8999)}-${day(random)} ${clock(random)}'`,
  ])();
/** In the session's time zone; none is more than 14 hours from UTC. */
const timestamp = (random: Random) =>
  random.pick([
    () => "'0000-00-00 00:00:00'",
    () => "'1970-01-02 00:00:01.000001'",
    () => "'2038-01-18 00:00:00'",
    () => `'${1971 + random.below(66)}-${day(random)} ${clock(random)}'`,
  ])();
const time = oneOf(
  '',
  "'838:59:59'",
  "'-838:59:59'",
  "'00:00:00'",
  "'-00:00:01'",
  "'-00:00:00.5'",
  "'12:34:56.789012'",
  "'99:59:59.999'",
).sql;
const point = (random: Random) => `ST_GeomFromText('POINT(${random.below(180)} ${random.below(90)}.25)')`;

function jsonValue(random: Random, depth: number): string {
  const leaf = () =>
    random.pick([
      () => 'null',
      () => 'true',
      () => '18446744073709551615',
      () => '-9223372036854775808',
      () => '12345678901234567891',
      () => '0.1000',
      () => '1e300',
      () => '-0.0',
      () => '0.30000000000000004',
      () => String(random.below(100_000) - 50_000),
      () => JSON.stringify(random.pick(ALL) + random.pick(ALL)),
      () => '"\\u00e9\\/"',
    ])();
  if (depth === 0 || random.chance(0.3)) return leaf();
  const count = random.below(5);
  if (random.chance(0.4))
    return `[${Array.from({ length: count }, () => jsonValue(random, depth - 1)).join(', ')}]`;
  const names = ['a', 'b', 'a/b', 'm~n', '', 'é', 'list', 'deep'].filter(() => random.chance(0.5));
  return `{${names.map((name) => `${JSON.stringify(name)}: ${jsonValue(random, depth - 1)}`).join(', ')}}`;
}

/** Of kinds that only SQL can put into a document. */
const ODD_JSON = [
  "JSON_OBJECT('d', CAST('2026-11-21' AS DATE), 't', CAST('12:34:56.5' AS TIME(3)), 'x', 1.50)",
  "JSON_ARRAY(CAST('2026-11-21 01:02:03.000004' AS DATETIME(6)), CAST(123456789012345678901234567890.5 AS DECIMAL(40,2)))",
  `JSON_OBJECT('big', '${'x'.repeat(300)}', 'list', JSON_ARRAY(1, 2, 3))`,
];
const json = (random: Random) => (random.chance(0.1) ? random.pick(ODD_JSON) : quote(jsonValue(random, 3)));

const integers = (type: string, low: string, high: string) =>
  kind(type, (random) => random.pick([low, high, '0', '1', String(random.below(100))]));

export const GENERATORS = {
  tinyint: integers('tinyint', '-128', '127'),
  utinyint: integers('tinyint unsigned', '0', '255'),
  boolean: oneOf('boolean', 'true', 'false'),
  smallint: integers('smallint', '-32768', '32767'),
  usmallint: integers('smallint unsigned', '0', '65535'),
  mediumint: integers('mediumint', '-8388608', '8388607'),
  umediumint: integers('mediumint unsigned', '0', '16777215'),
  integer: kind('int', (random) => String(random.below(1_000_000) - 1000)),
  uint: integers('int unsigned', '0', '4294967295'),
  bigint: integers('bigint', '-9223372036854775808', '9223372036854775807'),
  ubigint: integers('bigint unsigned', '9007199254740993', '18446744073709551615'),
  decimal: kind('decimal(65,30)', (random) =>
    random.pick([
      '0',
      '-0.5',
      `${'9'.repeat(35)}.${'9'.repeat(30)}`,
      `-${random.below(1e9)}.${random.below(1e9)}`,
    ]),
  ),
  amount: kind('decimal(12,3)', (random) => `${random.below(1e6) - 5e5}.5`),
  whole: integers('decimal(20,0) unsigned', '0', '99999999999999999999'),
  float: kind('float', (random) =>
    random.pick([
      '0',
      '0.1',
      '-123456.79',
      '3.4028234e38',
      '1.17549435e-38',
      '16777216',
      `${random.next() * 1000}e0`,
    ]),
  ),
  double: kind('double', (random) =>
    random.pick([
      '0',
      '0.1',
      '1e23',
      '5e-324',
      '-1.7976931348623157e308',
      '0.30000000000000004',
      `${random.next()}e0`,
    ]),
  ),
  udouble: oneOf('double unsigned', '0.1e0', '123456789012345680000'),
  bit1: oneOf('bit(1)', "b'0'", "b'1'"),
  bit9: oneOf('bit(9)', "b'101010101'", "b'0'", "b'1'"),
  bit64: oneOf('bit(64)', "x'ffffffffffffffff'", "x'8000000000000001'", "b'0'"),
  year: oneOf('year', '1901', '2155', '2026', '0'),
  date: kind('date', (random) =>
    random.pick(["'0000-00-00'", "'2026-00-00'", "'9999-12-31'", "'1000-01-01'", `'2026-${day(random)}'`]),
  ),
  time: kind('time', time),
  time3: kind('time(3)', time),
  time6: kind('time(6)', time),
  datetime: kind('datetime', datetime),
  datetime2: kind('datetime(2)', datetime),
  datetime6: kind('datetime(6)', datetime),
  timestamp: kind('timestamp', timestamp),
  timestamp3: kind('timestamp(3)', timestamp),
  timestamp6: kind('timestamp(6)', timestamp),
  char: oneOf('char(12)', "''", "'abc'", "'é  '", "'漢字😀'"),
  varchar: kind('varchar(200)', textOf(ALL, 10)),
  longVarchar: kind('varchar(400)', textOf(ALL, 30)),
  tinytext: kind('tinytext', textOf(BMP, 8)),
  text: kind('text', textOf(ALL, 20)),
  mediumtext: kind('mediumtext', textOf(ALL, 6)),
  big: kind('longtext', (random) => quote(longText(random, random.pick([0, 100, 900, 6000, 20_000])))),
  binary: kind('binary(5)', hex(5)),
  varbinary: kind('varbinary(60)', hex(20)),
  tinyblob: kind('tinyblob', hex(9)),
  blob: kind('blob', hex(60)),
  longblob: kind('longblob', hex(12)),
  enum: oneOf(
    "enum('sad','ok','very \"happy\"','it''s é')",
    "'sad'",
    "'ok'",
    "'it''s é'",
    '3',
    "'none of them'",
  ),
  manySet: oneOf("set('a','b','c é','d')", "''", "'a'", "'a,c é'", "'b,d,a'"),
  ascii: kind('varchar(60) character set ascii', textOf(ASCII, 6)),
  latin1: kind('varchar(60) character set latin1', textOf(LATIN1, 6)),
  latin1Char: kind('char(20) character set latin1', textOf(LATIN1, 3)),
  latin1Enum: oneOf("enum('é','ÿ') character set latin1", "'é'", "'ÿ'"),
  latin2: kind('varchar(60) character set latin2', textOf([...ASCII, 'ł', 'ő', 'Č'], 6)),
  cp1250: kind('varchar(60) character set cp1250', textOf([...ASCII, 'ł', 'ő', '€'], 6)),
  cp1251: kind('varchar(60) character set cp1251', textOf(CYRILLIC, 6)),
  cp1256: kind('varchar(60) character set cp1256', textOf([...ASCII, 'ع', 'ب'], 6)),
  cp1257: kind('varchar(60) character set cp1257', textOf([...ASCII, 'š', 'ė'], 6)),
  utf8mb3: kind('varchar(60) character set utf8mb3', textOf(BMP, 6)),
  ucs2: kind('varchar(60) character set ucs2', textOf(BMP, 6)),
  utf16: kind('varchar(60) character set utf16', textOf(ALL, 6)),
  utf16le: kind('varchar(60) character set utf16le', textOf(ALL, 6)),
  utf32: kind('varchar(60) character set utf32', textOf(ALL, 6)),
  gbk: kind('varchar(60) character set gbk', textOf(CHINESE, 6)),
  gb18030: {
    ...kind('varchar(60) character set gb18030', textOf([...CHINESE, '😀', 'é'], 6)),
    only: 'mysql',
  },
  big5: kind('varchar(60) character set big5', textOf(TRADITIONAL, 6)),
  sjis: kind('varchar(60) character set sjis', textOf(JAPANESE, 6)),
  cp932: kind('varchar(60) character set cp932', textOf([...JAPANESE, '①', '㈱'], 6)),
  ujis: kind('varchar(60) character set ujis', textOf(JAPANESE, 6)),
  euckr: kind('varchar(60) character set euckr', textOf(KOREAN, 6)),
  json: kind('json', json),
  geometry: kind('geometry', (random) =>
    random.pick([point(random), `ST_GeomFromText('LINESTRING(0 0,1 ${random.below(9)})')`]),
  ),
  point: kind('point', point),
  vector: {
    ...kind('vector(3)', (random) => `x'0000803f0000004000${two(random.below(99))}8040'`),
    since117: true,
  },
  uuid: {
    ...kind('uuid', (random) => `'a0eebc99-9c0b-4ef8-bb6d-${String(random.below(1e9)).padStart(12, '0')}'`),
    only: 'mariadb',
  },
  inet4: { ...oneOf('inet4', "'10.0.0.1'", "'255.255.255.255'", "'0.0.0.0'"), only: 'mariadb' },
  inet6: { ...oneOf('inet6', "'::1'", "'2001:db8::ff00:42:8329'", "'::'"), only: 'mariadb' },
  compressedText: { ...kind('text compressed', textOf(ALL, 40)), only: 'mariadb' },
  compressedVarchar: {
    ...kind('varchar(300) compressed', (random) => quote('ab'.repeat(random.below(140)))),
    only: 'mariadb',
  },
  compressedBlob: { ...kind('blob compressed', hex(200)), only: 'mariadb' },
} as const satisfies Record<string, Generator>;
