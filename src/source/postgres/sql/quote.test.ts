import { expect, it } from 'vitest';
import { quoteIdentifier, quoteLiteral, quoteRegclass } from './quote.ts';

it('quotes names and literals', () => {
  expect(quoteIdentifier('Or"ders')).toBe('"Or""ders"');
  expect(quoteIdentifier('a\\b')).toBe('"a\\b"');
  expect(quoteLiteral(`it's`)).toBe(`'it''s'`);
  expect(quoteLiteral(`a\\'b`)).toBe(` E'a\\\\''b'`);
});

it('writes on one line what hides', () => {
  expect(quoteIdentifier('a\n"\\\u202e\u{e0041}')).toBe('U&"a\\+00000A""\\\\\\+00202E\\+0E0041"');
  expect(quoteLiteral(`a\r'\\\u0001`)).toBe(` E'a\\U0000000D''\\\\\\U00000001'`);
  expect(quoteRegclass({ schema: 'a', table: 'b\n"c' })).toBe(` E'"a"."b\\U0000000A""c"'`);
});
