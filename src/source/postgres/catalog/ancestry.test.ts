import { describe, expect, test } from 'vitest';
import { createLineages, isProven } from './ancestry.ts';

describe('what the catalogs of now prove of a change in transaction 100', () => {
  const XID = 100;
  const one = (proof: string | null, sameSchema = true) => ({ unmoved: [proof], unnamed: [], sameSchema });
  test.each([
    ['always', true],
    [null, false],
    ['99', true], // created before: who sees it came after its creator's commit
    ['100', false], // created, changed and moved in one transaction
    ['101', false], // a part of it
    ['4294967290', true], // ids go round
  ])('of a table whose proof is %s: %s', (proof, expected) => {
    expect(isProven(XID, one(proof))).toBe(expected);
  });
  test('a table that is gone proves nothing', () => {
    expect(isProven(XID, { unmoved: [], unnamed: [], sameSchema: false })).toBe(false);
  });
  test('every ancestor must have stayed where and what it was', () => {
    const proofs = (unmoved: (string | null)[], unnamed: (string | null)[], sameSchema = true) =>
      isProven(XID, { unmoved, unnamed, sameSchema });
    expect(proofs(['always', '5'], ['always'])).toBe(true);
    expect(proofs(['always', null], ['always'])).toBe(false);
    expect(proofs(['always', 'always'], [null])).toBe(false);
    expect(proofs(['always', 'always'], ['always'], false)).toBe(false);
    expect(isProven(XID, one('always', false))).toBe(true); // no ancestor, no name of one
  });
});

test('what was seen adds up, from the first look on', () => {
  const lineages = createLineages();
  expect(lineages.of(7)).toBeUndefined();
  lineages.saw(7, 10n, ['s.a'], false);
  lineages.saw(7, 20n, [], true);
  lineages.saw(7, 30n, ['s.b', 's.a'], false);
  expect(lineages.of(7)).toEqual({ since: 10n, ancestors: ['s.a', 's.b'], contextTrigger: true });
  expect(lineages.of(8)).toBeUndefined();
});

test('a lineage is unaltered since it was first seen as it is', () => {
  const { unaltered } = createLineages();
  expect([
    unaltered(7, 'x', 10n),
    unaltered(7, 'x', 20n),
    unaltered(7, 'y', 30n),
    unaltered(7, 'y', 40n),
  ]).toEqual([10n, 10n, 30n, 30n]);
  expect(unaltered(8, 'x', 50n)).toBe(50n);
});
