/**
 * Random values of every kind of Postgres type, as SQL literals. They favour what goes wrong: limits, infinities,
 * years BC, numbers that a double can't hold, quotes and backslashes, empty and very long texts.
 */
import type { Random } from './random.ts';

export type ValueKind = keyof typeof GENERATORS;

/** A literal with its cast, or NULL. */
export function literalOf(kind: ValueKind, random: Random, nullable = true): string {
  if (nullable && random.chance(0.12)) return 'NULL';
  const { type, text } = GENERATORS[kind];
  return `${quote(text(random))}::${type}`;
}

export function quote(text: string): string {
  return text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
}

interface Generator {
  readonly type: string;
  readonly text: (random: Random) => string;
}

const kind = (type: string, text: (random: Random) => string): Generator => ({ type, text });
const oneOf = (type: string, ...texts: string[]): Generator => ({
  type,
  text: (random) => random.pick(texts),
});

const integer = (digits: number) => (random: Random) => {
  let text = random.pick(['', '-']) + String(1 + random.below(9));
  for (let i = random.below(digits); i > 0; i--) text += String(random.below(10));
  return text;
};

const PIECES = [
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
  'é',
  'ß',
  '漢字',
  '😀',
  '\u2028',
  'NULL',
  '{}',
  ',',
  'x=1',
  '$$',
  '-- ',
  '/*',
  '\ufeff',
  '\ue000',
];

function text(random: Random, most = 8): string {
  let result = '';
  for (let i = random.below(most + 1); i > 0; i--) result += random.pick(PIECES);
  return result;
}

/** Hardly compressible, so that it goes out of line. */
export function longText(random: Random, length: number): string {
  let result = '';
  while (result.length < length) result += Math.floor(random.next() * 2 ** 52).toString(36);
  return result.slice(0, length) + text(random, 3);
}

const date = (random: Random) =>
  `${1 + random.below(12)}-${1 + random.below(28)}`.replace(/\b(\d)\b/g, '0$1');
const clock = (random: Random) =>
  `${String(random.below(24)).padStart(2, '0')}:${String(random.below(60)).padStart(2, '0')}:${String(random.below(60)).padStart(2, '0')}.${random.below(1_000_000)}`;
const moment = (random: Random) =>
  random.pick([
    () => 'infinity',
    () => '-infinity',
    () => `${String(1 + random.below(4000)).padStart(4, '0')}-${date(random)} ${clock(random)} BC`,
    () => `${1990 + random.below(40)}-${date(random)} ${clock(random)}`,
    () => `${10_000 + random.below(200_000)}-${date(random)} ${clock(random)}`,
    () => `1890-${date(random)} 00:00:00.000001`,
  ])();

function jsonValue(random: Random, depth: number): string {
  const leaf = () =>
    random.pick([
      () => 'null',
      () => 'true',
      () => '12345678901234567890',
      () => '12345678901234567891',
      () => '0.1000',
      () => '-0.0',
      () => '1e300',
      () => String(random.below(100)),
      () => JSON.stringify(text(random, 4).replaceAll('\u0000', '')),
      () => '"\\u00e9\\/"',
    ])();
  if (depth === 0 || random.chance(0.3)) return leaf();
  const space = random.pick(['', ' ', '\n ']);
  const count = random.below(5);
  if (random.chance(0.4)) {
    return `[${space}${Array.from({ length: count }, () => jsonValue(random, depth - 1)).join(`,${space}`)}]`;
  }
  const names = ['a', 'b', 'a/b', 'm~n', '', 'é', 'list', 'deep'].slice(0, 3 + random.below(6));
  const chosen = names.filter(() => random.chance(0.5));
  return `{${space}${chosen.map((name) => `${JSON.stringify(name)}: ${jsonValue(random, depth - 1)}`).join(`,${space}`)}}`;
}

/** Valid for Postgres' json, but no I-JSON. */
const ODD_JSON = [
  '{"a":1,"a":2}',
  '"\\ud800"',
  '[1e400]',
  `${'['.repeat(70)}${']'.repeat(70)}`,
  '{"x":"\\udc00 alone"}',
];

const json = (random: Random) => (random.chance(0.08) ? random.pick(ODD_JSON) : jsonValue(random, 3));
/** jsonb keeps the last of duplicates, and refuses lone surrogates. */
const jsonb = (random: Random) =>
  random.chance(0.05)
    ? random.pick(['{"a":1,"a":2}', '[1e400]', `${'['.repeat(70)}${']'.repeat(70)}`])
    : jsonValue(random, 3);

const element = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
const array = (item: (random: Random) => string) => (random: Random) => {
  const items = (count: number) =>
    Array.from({ length: count }, () => (random.chance(0.15) ? 'NULL' : element(item(random)))).join(',');
  if (random.chance(0.1)) return '{}';
  if (random.chance(0.15)) return `{{${items(2)}},{${items(2)}}}`;
  const count = 1 + random.below(4);
  return random.chance(0.1) ? `[2:${count + 1}]={${items(count)}}` : `{${items(count)}}`;
};

const ip = (random: Random) => `10.${random.below(256)}.${random.below(256)}.${random.below(256)}`;
const point = (random: Random) => `(${random.below(100)}.25,${random.below(100)})`;

export const GENERATORS = {
  boolean: oneOf('boolean', 't', 'f'),
  smallint: kind('smallint', integer(4)),
  integer: kind('integer', integer(9)),
  bigint: oneOf('bigint', '9223372036854775807', '-9223372036854775808', '9007199254740993', '0', '42'),
  oid: oneOf('oid', '0', '4294967295', '16384'),
  real: oneOf(
    'real',
    '0.1',
    '-0',
    '1e20',
    '1.17549435e-38',
    '3.4028235e38',
    'NaN',
    'Infinity',
    '-Infinity',
    '123456.79',
  ),
  double: oneOf(
    'double precision',
    '0.1',
    '-0',
    '1e23',
    '5e-324',
    '1.7976931348623157e308',
    'NaN',
    'Infinity',
    '-Infinity',
    '0.30000000000000004',
    '9007199254740993',
  ),
  numeric: kind('numeric', (random) =>
    random.pick([
      () => 'NaN',
      () => 'Infinity',
      () => '-Infinity',
      () => `${integer(40)(random)}.${random.below(1e9)}000`,
    ])(),
  ),
  money: kind('money', (random) => `${integer(6)(random)}.${10 + random.below(90)}`),
  amount: kind('numeric(12,3)', (random) => `${integer(6)(random)}.5`),
  text: kind('text', (random) => text(random)),
  big: kind('text', (random) => longText(random, random.pick([0, 100, 900, 2500, 6000, 20_000]))),
  huge: kind('text', (random) => longText(random, 9_000 + random.below(9_000))),
  varchar: kind('varchar(200)', (random) => text(random, 10)),
  char: kind('char(12)', (random) => random.pick(['', 'abc', 'é  ', '漢字'])),
  byte: oneOf('"char"', 'a', '\\', '"', ''),
  name: oneOf('name', 'pg_class', 'Weird Name', '"'),
  bytea: kind(
    'bytea',
    (random) =>
      `\\x${longText(random, random.below(30))
        .replace(/[^0-9a-f]/g, '')
        .replace(/^(.(?:..)*)$/, '0$1')}`,
  ),
  date: kind('date', (random) =>
    random.pick([
      () => 'infinity',
      () => '-infinity',
      () => `0044-${date(random)} BC`,
      () => `2026-${date(random)}`,
    ])(),
  ),
  time: kind('time', clock),
  timetz: kind('timetz', (random) => `${clock(random)}+0${random.below(9)}:30`),
  timestamp: kind('timestamp', moment),
  timestamptz: kind('timestamptz', moment),
  interval: oneOf(
    'interval',
    '1 year 2 mons -3 days 04:05:06.789',
    '-1 days +02:03:00',
    '0',
    '178000000 years',
    '00:00:00.000001',
  ),
  uuid: kind('uuid', (random) => `a0eebc99-9c0b-4ef8-bb6d-${String(random.below(1e9)).padStart(12, '0')}`),
  json: kind('json', json),
  jsonb: kind('jsonb', jsonb),
  bit: oneOf('bit(9)', '101010101', '000000000'),
  varbit: oneOf('varbit', '1', '', '0011'),
  inet: kind('inet', (random) => random.pick([ip(random), `${ip(random)}/24`, '::1', 'fe80::/10'])),
  cidr: oneOf('cidr', '10.0.0.0/8', '::/0'),
  macaddr: oneOf('macaddr', '08:00:2b:01:02:03'),
  macaddr8: oneOf('macaddr8', '08:00:2b:01:02:03:04:05'),
  point: kind('point', point),
  box: kind('box', (random) => `${point(random)},${point(random)}`),
  circle: kind('circle', (random) => `<${point(random)},${1 + random.below(9)}>`),
  polygon: kind('polygon', (random) => `(${point(random)},${point(random)},${point(random)})`),
  tsvector: oneOf('tsvector', "'a' 'b':3A", "'it''s'", ''),
  tsquery: oneOf('tsquery', "'a' & !'b'"),
  int4range: kind('int4range', (random) =>
    random.pick(['empty', '(,)', `[${random.below(9)},1${random.below(9)})`]),
  ),
  numrange: oneOf('numrange', '(1.5,2.5]', '[1,)'),
  tstzrange: oneOf('tstzrange', '["2024-01-01 00:00:00+00","2025-01-01 00:00:00+00")', '(,infinity)'),
  multirange: oneOf('int4multirange', '{}', '{[1,3),[5,7)}'),
  jsonpath: oneOf('jsonpath', '$."a"[*]?(@ > 1)'),
  lsn: oneOf('pg_lsn', '16/B374D848', '0/0'),
  xid8: oneOf('xid8', '18446744073709551615', '7'),
  mood: oneOf('public.mood', 'sad', 'ok', 'very "happy"'),
  positive: kind('public.positive', (random) => String(1 + random.below(2 ** 31 - 2))),
  words: kind(
    'public.words',
    array((random) => text(random, 3)),
  ),
  address: kind('public.address', (random) => `(${element(text(random, 4))},${random.below(99_999)},)`),
  intArray: kind('integer[]', array(integer(5))),
  bigintArray: kind('bigint[]', array(integer(17))),
  textArray: kind(
    'text[]',
    array((random) => text(random, 4)),
  ),
  floatArray: kind(
    'double precision[]',
    array((random) => random.pick(['NaN', '-Infinity', '0.1', '1e300'])),
  ),
  boolArray: kind(
    'boolean[]',
    array((random) => random.pick(['t', 'f'])),
  ),
  jsonbArray: kind('jsonb[]', array(jsonb)),
  jsonArray: kind('json[]', array(json)),
  byteaArray: kind(
    'bytea[]',
    array((random) => random.pick(['\\x', '\\xdeadbeef'])),
  ),
  moodArray: kind(
    'public.mood[]',
    array((random) => random.pick(['sad', 'very "happy"'])),
  ),
  positiveArray: kind(
    'public.positive[]',
    array((random) => String(1 + random.below(99))),
  ),
  boxArray: kind(
    'box[]',
    (random) => `{${point(random)},${point(random)};${point(random)},${point(random)}}`,
  ),
  addressArray: kind(
    'public.address[]',
    array((random) => `(${element(text(random, 2))},1,x)`),
  ),
  momentArray: kind('timestamptz[]', array(moment)),
  int2vector: oneOf('int2vector', '1 2 3', ''),
  oidvector: oneOf('oidvector', '16 17'),
  regclass: oneOf('regclass', 'pg_class', '-'),
} as const satisfies Record<string, Generator>;
