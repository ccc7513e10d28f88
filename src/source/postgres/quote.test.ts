import { expect, test } from 'vitest';
import { quoteIdentifier, quoteLiteral } from './quote.ts';

test('names and literals keep what is in them', () => {
  expect(quoteIdentifier('Or"ders')).toBe('"Or""ders"');
  expect(quoteLiteral(`it's`)).toBe(`'it''s'`);
  expect(quoteLiteral(`a\\'b`)).toBe(` E'a\\\\''b'`);
});
