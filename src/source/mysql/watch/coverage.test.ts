import { expect, test } from 'vitest';
import { coverageOf, coverageProblems } from './coverage.ts';
import type { Kit } from './kit.ts';

const kit = (tables: string[], whole = tables): Kit => ({
  objects: new Map(),
  tableOf: new Map(),
  present: null,
  tables: new Set(tables),
  whole: new Set(whole),
});
const named = (...names: string[]) =>
  names.map((name) => ({ schema: name.split('.')[0]!, table: name.split('.')[1]! }));
const rules = {
  covers: (schema: string) => schema.toLowerCase() === 'shop',
  wantsTrigger: (_: string, table: string) => table !== 'plain',
};
const texts = (...given: Parameters<typeof coverageOf>) =>
  coverageProblems(coverageOf(...given)).map(({ text }) => text);

test('which tables match, and which of them lack what the configuration asks for', () => {
  const tables = named('shop.a', 'shop.b', 'shop.c', 'shop.plain', 'other.d');
  const found = coverageOf(tables, kit(['shop.a', 'shop.b'], ['shop.a']), false, rules);
  expect(found).toEqual({ matched: 4, lacking: ['shop.c'], altered: ['shop.b'], noKit: false });
  expect(coverageProblems(found).map(({ text }) => text)).toEqual([
    'shop.c has no context trigger',
    'shop.b has an altered context trigger',
  ]);
});

test('who sees no table at all does not say that there is none', () => {
  expect(coverageOf([], null, false, rules).matched).toBeNull();
  expect(coverageOf(named('other.d'), null, false, rules).matched).toBe(0);
});

test('without a kit that can be seen one problem stands for all', () => {
  expect(texts(named('shop.a', 'shop.b'), null, false, rules)).toEqual([
    '2 tables have no context trigger: there is no kit that the account may see',
  ]);
  expect(texts(named('shop.plain', 'other.d'), null, false, rules)).toEqual([]);
});

test('names are compared as the server does', () => {
  expect(texts(named('Shop.A'), kit(['shop.a']), true, rules)).toEqual([]);
  expect(texts(named('Shop.A'), kit(['shop.a']), false, rules)).toEqual(['Shop.A has no context trigger']);
});

test('what is told is bounded', () => {
  const many = Array.from({ length: 1000 }, (_, at) => `shop.t${at}`);
  const told = texts(named(...many), kit([]), false, rules);
  expect(told).toHaveLength(21);
  expect(told.at(-1)).toBe('980 more tables have no context trigger');
  expect(texts(named(...many.slice(0, 21)), kit([]), false, rules).at(-1)).toBe(
    '1 more table has no context trigger',
  );
});
