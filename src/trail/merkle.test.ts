import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRange, EMPTY_ROOT, hashRecords, leafHash, nodeHash, rangeLength, rootOf } from './merkle.ts';

/** The plain definition: RFC 6962 section 2.1. */
function plainRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return hash('sha256', '', 'buffer');
  if (leaves.length === 1) return hash('sha256', Buffer.concat([Buffer.of(0), leaves[0]!]), 'buffer');
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [plainRoot(leaves.slice(0, split)), plainRoot(leaves.slice(split))];
  return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
}

/** The plain definition of a compact range: FORMAT.md section 6, by trying every aligned subtree. */
function plainRange(first: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 0) return [];
  let size = 1;
  while (first % (size * 2) === 0 && size * 2 <= leaves.length) size *= 2;
  return [plainRoot(leaves.slice(0, size)), ...plainRange(first + size, leaves.slice(size))];
}

const leavesOf = (n: number) => Array.from({ length: n }, (_, i) => Buffer.from(`{"n":${i}}`));

describe('the tree', () => {
  it('knows the roots of RFC 6962 test vectors', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(leafHash(Buffer.alloc(0)).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'];
    const range = createRange(0);
    for (const input of inputs) range.append(Buffer.from(input, 'hex'));
    range.append(Buffer.from('606162636465666768696a6b6c6d6e6f', 'hex'));
    expect(range.root().toString('hex')).toBe(
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    );
  });

  it('has the root of the plain definition at every size', () => {
    for (let n = 0; n <= 70; n++) {
      const range = createRange(0);
      for (const leaf of leavesOf(n)) range.append(leaf);
      expect(range.root().equals(plainRoot(leavesOf(n)))).toBe(true);
      expect(rootOf(range.range()).equals(plainRoot(leavesOf(n)))).toBe(true);
    }
  });

  it('merges adjacent ranges into the plain range, wherever they are cut', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(80), fc.nat(80), (first, left, right) => {
        const leaves = leavesOf(left + right);
        const a = createRange(first);
        for (const leaf of leaves.slice(0, left)) a.append(leaf);
        const b = createRange(first + left);
        for (const leaf of leaves.slice(left)) b.append(leaf);
        expect(a.range()).toEqual(plainRange(first, leaves.slice(0, left)));
        expect(a.range()).toHaveLength(rangeLength(first, left));
        a.merge(b.range(), right);
        expect(a.range()).toEqual(plainRange(first, leaves));
        expect(a.count()).toBe(left + right);
        const again = createRange(first, a.range(), a.count());
        again.append(Buffer.from('x'));
        expect(again.range()).toEqual(plainRange(first, [...leaves, Buffer.from('x')]));
      }),
    );
  });

  it('hashes LF-ended records in place and leaves the bytes as they were', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(70), fc.nat(3), (first, n, headroom) => {
        const leaves = leavesOf(n);
        const bytes = Buffer.concat([
          Buffer.alloc(headroom, 7),
          ...leaves.map((l) => Buffer.concat([l, Buffer.of(10)])),
        ]);
        const copy = Buffer.from(bytes);
        const { count, range } = hashRecords(bytes, first, headroom);
        expect(count).toBe(n);
        expect(range).toEqual(plainRange(first, leaves));
        expect(bytes.equals(copy)).toBe(true);
      }),
    );
    expect(() => hashRecords(Buffer.from('{}\n{}'), 0)).toThrow(RangeError);
  });

  it('counts with indexes beyond 32 bits', () => {
    const first = 2 ** 40 - 3;
    const range = createRange(first);
    for (const leaf of leavesOf(10)) range.append(leaf);
    expect(range.range()).toEqual(plainRange(first, leavesOf(10)));
    expect(rangeLength(2 ** 52, 2 ** 52 - 1)).toBe(52);
    expect(nodeHash(leafHash(Buffer.of(1)), leafHash(Buffer.of(2)))).toHaveLength(32);
  });
});
