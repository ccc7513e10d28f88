import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { sqlCommentIn, sqlCommentOf } from './comments.ts';

test.each([
  ["UPDATE t SET a=1 /*actor='u_1'*/", "actor='u_1'"],
  ["UPDATE t SET a=1 /* actor='u_1', route='%2Fx' */;", "actor='u_1', route='%2Fx'"],
  ["/*actor='u_1'*/ UPDATE t SET a=1", "actor='u_1'"],
  ["/*actor='u_1'*/ UPDATE t SET a=1 /*actor='u_2'*/", "actor='u_2'"],
  ["UPDATE t SET a=1 /*actor='u_1'*/ /* note */", "actor='u_1'"],
  ["UPDATE t /*actor='u_1'*/ SET a=1", null],
  ["UPDATE t SET a='/*actor=''u_1''*/'", null],
  ['UPDATE t SET a="/*actor=\'u_1\'*/"', null],
  ["UPDATE t SET a=1 -- /*actor='u_1'*/", null],
  ["UPDATE t SET a=1 /*!actor='u_1'*/", null],
  ["UPDATE t SET a=1 /*+actor='u_1'*/", null],
  ['UPDATE t SET a=1 /* a note with a secret */', null],
  ["UPDATE t SET a=1 /*actor='u_1' and more*/", null],
  ['UPDATE t SET a=1', null],
  ['', null],
])('%s', (statement, expected) => {
  expect(sqlCommentOf(statement)).toBe(expected);
  expect(sqlCommentIn(Buffer.from(statement))).toBe(expected);
});

test('a literal never passes for a comment, by whatever sql_mode the session reads a backslash', () => {
  // With backslash escapes the string ends behind the comment, without them before it, and the other way round.
  expect(sqlCommentOf("UPDATE t SET a='x\\', b='/*actor=\\'u_1\\'*/")).toBeNull();
  expect(sqlCommentOf("UPDATE t SET a='\\' /*actor='u_1'*/")).toBeNull();
  expect(sqlCommentOf("UPDATE t SET a='\\\\' /*actor='u_1'*/")).toBe("actor='u_1'");
});

test('bytes that are not UTF-8, and statements without end', () => {
  expect(sqlCommentIn(Buffer.from("UPDATE t SET a=1 /*actor='\xff'*/", 'latin1'))).toBeNull();
  expect(sqlCommentIn(Buffer.from("UPDATE t SET a='\xff' /*actor='u'*/", 'latin1'))).toBe("actor='u'");
  expect(sqlCommentIn(Buffer.alloc(5 * 1024 * 1024, "/*actor='u'*/"))).toBeNull();
});

test('ends on any bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...`/*'"\\=,a; -\n#$!`.split('')) }), (text) => {
      const found = sqlCommentIn(Buffer.from(text));
      if (found !== null) expect(text).toContain(found);
    }),
    { numRuns: runs(3000) },
  );
});

// Each quote in a literal was followed by a search for the next backslash, to the literal's end, and the other way round: a
// document of 4 MB in a statement with a comment held the whole trail up for minutes.
test('megabytes of quotes or backslashes take no time to speak of', () => {
  const tookCpuMs = (literal: string): number => {
    const statement = Buffer.from(`INSERT INTO t VALUES ('${literal}') /*actor='ana'*/`);
    const before = process.cpuUsage();
    expect(sqlCommentIn(statement)).toBe("actor='ana'");
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  expect(tookCpuMs("it''s ".repeat(600_000))).toBeLessThan(3000);
  expect(tookCpuMs('\\"k\\":'.repeat(600_000))).toBeLessThan(3000);
});
