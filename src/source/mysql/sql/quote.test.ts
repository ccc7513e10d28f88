import { describe, expect, it } from 'vitest';
import { granteeOf, hidesName, quoteGrantee, quoteIdentifier, quoteLiteral } from './quote.ts';

it('quotes names and literals under any sql_mode', () => {
  expect(quoteIdentifier('Or`ders\\')).toBe('`Or``ders\\`');
  expect(quoteLiteral(`it's`)).toBe(`'it''s'`);
  expect(quoteLiteral('a\\')).toBe('_utf8mb4 0x615c');
  expect(quoteLiteral('a\n')).toBe('_utf8mb4 0x610a');
});

it('accounts: as the server tells them, and as SQL', () => {
  expect(granteeOf('app@10.0.0.4')).toBe(`'app'@'10.0.0.4'`);
  expect(granteeOf('app')).toBe(`'app'@'%'`);
  expect(quoteGrantee(`'app'@'10.%'`)).toBe(`'app'@'10.%'`);
  expect(quoteGrantee(granteeOf(`x'@'%', 'y@%`))).toBe("`x'@'%', 'y`@'%'");
  expect(quoteGrantee(`'a\\'@'%'`)).toBe("`a\\`@'%'");
});

describe('hidesName', () => {
  it.each([
    'ALTER TABLE `t\n; DROP`',
    "SELECT 'a\rb'",
    'SELECT "a\u001b"',
    "-- it's\nALTER TABLE `a\u202e`",
    "/*!80000 GRANT x TO 'a\n'@'%' */;",
  ])('sees what %j hides', (sql) => expect(hidesName(sql)).toBe(true));

  it.each(["-- it's a remark\nSELECT\n  `表`,\n 'x';", "/* don't\n */ SELECT 1;\n# it's\n", 'SELECT\n1'])(
    'lets %j pass',
    (sql) => expect(hidesName(sql)).toBe(false),
  );
});
