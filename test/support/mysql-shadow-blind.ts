/** Alterations of a trail of the MySQL workload that the comparison with its shadow log must see (shadow-blind.ts). */
import { type Alteration, first, without } from './shadow-blind.ts';

export const MYSQL_ALTERATIONS: Readonly<Record<string, Alteration>> = {
  'a ddl record is missing': (records) => without(records, (line) => line.includes('"tag":"ALTER TABLE"')),
  'a digit of a new value': (records) =>
    first(records, /("op":"add","path":"","value":\{.*"id":"?)(\d)/, '$19'),
  'a digit beyond a double': (records) => first(records, /1844674407370955161\d/, '18446744073709551610'),
  'an old value': (records) => first(records, /("op":"test","path":"\/n","value":"?)\d/, '$199'),
  'a member inside json': (records) =>
    first(records, /("op":"(?:add|replace)","path":"\/doc\/[^"]*","value":)/, '$1[],"x":'),
  'a byte of a binary value': (records) => first(records, /"\\\\x0/, '"\\\\x1'),
  'a digit of a fraction of a second': (records) =>
    first(records, /("\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d*)0(\+00)?"/, '$11$2"'),
  'an actor': (records) => first(records, /"id":"u_8842"/, '"id":"u_8843"'),
  'a tier': (records) =>
    first(records, /"tier":"connection","via":"trigger"/, '"tier":"session","via":"setting"'),
  'a login': (records) => first(records, /("connection":\{"user":"app)_a/, '$1_b'),
  'an image': (records) => first(records, /"image":"full"/, '"image":"changed"'),
  'a commit time': (records) => first(records, /("kind":"change".*?"time":"[^"]*)\dZ/, '$1xZ'),
  'a transaction': (records) => first(records, /("transaction":\{"id":"[^"]*)\d"/, '$1x"'),
  'a key': (records) => first(records, /"key":\{"code":"/, '"key":{"code":"-'),
  'how a value is encoded': (records) => first(records, /,"encoded":\{[^}]*"mask"[^}]*\}/, ''),
};
