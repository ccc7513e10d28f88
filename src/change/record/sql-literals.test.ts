import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskedStatement, maskLiterals } from './sql-literals.ts';

describe('literals', () => {
  test.each([
    ["select 'a''b', 1", "select '…', 1"],
    ["select E'a\\'b' , e'\\\\', 2", "select E'…' , e'…', 2"],
    ["select type'a'", "select type'…'"],
    ["select $$a'b$$, $x$ $$ $x$, $1, a$b$c", 'select $$…$$, $$…$$, $1, a$b$c'],
    ['select "a\'b""c", \'d\'', 'select "a\'b""c", \'…\''],
    ["select 1 -- don't\n, 'x'", "select 1  \n, '…'"],
    ["select /* it's /* nested */ 'y' */ 2, 'x'", "select   2, '…'"],
    ["select U&'d\\0061t', B'01', x'ff', numeric(12,2)", "select U&'…', B'…', x'…', numeric(12,2)"],
    ["default 'cut here", "default '…'"],
    ["'a\\' , 'secret'", "'…'"],
    ["a, \"cut 'secret'", 'a, "…'],
  ])('%s', (statement, expected) => {
    expect(maskLiterals(statement)).toBe(expected);
  });
  test('no literal of any kind shows, whatever stands around it', () => {
    const noise = fc.string({
      unit: fc.constantFrom('a', ' ', '"a b"', '--\n', '/*', '*/', '-', '1', '(', '\n'),
    });
    fc.assert(
      fc.property(
        noise,
        fc.constantFrom("'SECRET'", "E'x\\'SECRET'", '$$SECRET$$', '$t$SECRET$t$'),
        noise,
        (a, literal, b) => {
          // A letter before a dollar makes it part of a name.
          fc.pre(!/\w$/.test(a));
          expect(maskLiterals(`${a} ${literal} ${b}`)).not.toContain('SECRET');
        },
      ),
    );
  });
});

test('statements about credentials are dropped whole', () => {
  const dropped = (statement: string, tag = 'X', type = 'table') =>
    maskedStatement(statement, tag, type) === null;
  expect(dropped("create role x password 'y'", 'CREATE ROLE', 'role')).toBe(true);
  expect(dropped('alter subscription s connection $$x$$', 'ALTER SUBSCRIPTION', 'subscription')).toBe(true);
  expect(dropped('x', 'CREATE USER MAPPING', 'user mapping')).toBe(true);
  expect(dropped('x', 'ALTER SERVER', 'server')).toBe(true);
  expect(dropped("create table t(); alter  user x with password 'y'", 'CREATE TABLE')).toBe(true);
  expect(dropped('create table users (password text)', 'CREATE TABLE')).toBe(false);
  expect(maskedStatement("create table t (a text default 'b')", 'CREATE TABLE', 'table')).toBe(
    "create table t (a text default '…')",
  );
});
