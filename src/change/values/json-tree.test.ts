import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical, exactJson } from '../../../test/support/plain-record.ts';
import { runs } from '../../../test/support/runs.ts';
import { jsonOfTree, parseJsonTree } from './json-tree.ts';

test('reads what JSON.parse reads, and writes it with the same digits', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
      const tree = parseJsonTree(text);
      expect(tree).toBeDefined();
      expect(canonical(exactJson(jsonOfTree(tree!)))).toBe(canonical(exactJson(text)));
    }),
  );
});

test('never accepts what JSON.parse or the strict reader refuses', () => {
  const unit = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    'a',
    ':',
    ',',
    '1',
    '0',
    '.',
    'e',
    '-',
    '+',
    '\\',
    'u',
    'd',
    '8',
    ' ',
    '\n',
    'true',
    'null',
  );
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      const tree = parseJsonTree(text);
      if (tree === undefined) return;
      JSON.parse(text);
      exactJson(text.replaceAll('\n', ' '));
    }),
    { numRuns: runs(5000) },
  );
});

test('accepts what both accept, after one character was changed', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('', '0', '"', ',', '}', '\\'), (text, at, put) => {
      const changed = text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1);
      fc.pre(!/\d[eE]/.test(changed)); // may be beyond a double, which the strict reader doesn't look at
      let strict: string | undefined;
      try {
        strict = canonical(exactJson(changed));
      } catch {}
      const tree = parseJsonTree(changed);
      expect(tree === undefined ? undefined : canonical(exactJson(jsonOfTree(tree)))).toBe(strict);
    }),
    { numRuns: runs(2000) },
  );
});

test('a member called __proto__ is a member', () => {
  const tree = parseJsonTree('{"__proto__":{"a":1},"toJSON":2}');
  expect(jsonOfTree(tree!)).toBe('{"__proto__":{"a":1},"toJSON":2}');
  expect(parseJsonTree('{"__proto__":1,"__proto__":2}')).toBeUndefined();
});
