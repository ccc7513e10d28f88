import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recorded } from '../../../../test/support/binlog-recorded.ts';
import { parseGtidSet } from './gtid.ts';

const A = 'aaaaaaaa-1111-2222-3333-444444444444';
const B = 'bbbbbbbb-1111-2222-3333-444444444444';

describe('text', () => {
  test.each([
    ['', ''],
    [`${A}:1`, `${A}:1`],
    [` ${A.toUpperCase()}:3-5:1-2 ,\n${B}:7`, `${A}:1-5,${B}:7`],
    [`${B}:7,${A}:9-9`, `${A}:9,${B}:7`],
    [`${A}:1-3:My_Tag:1-2:5:other:4`, `${A}:1-3,${A}:my_tag:1-2:5,${A}:other:4`],
    [`${A}:tag:1,${A}:tag:2`, `${A}:tag:1-2`],
    [`${A}:5-4`, ''],
    [`${A.replaceAll('-', '')}:1`, `${A}:1`],
    [`${A}:9223372036854775806`, `${A}:9223372036854775806`],
  ])('%j', (text, canonical) => {
    expect(parseGtidSet(text).text()).toBe(canonical);
  });
  test.each(['x', A, `${A}:`, `${A}:0`, `${A}:1-x`, `${A}:9223372036854775807`, `${A}:1-2-3`, `${A}:tag!:1`])(
    '%j is none',
    (text) => {
      expect(() => parseGtidSet(text)).toThrow(expect.objectContaining({ code: 'stream_not_understood' }));
    },
  );
});

describe('as sets of numbers', () => {
  const member = fc.tuple(fc.constantFrom(A, B, `${A}:t`), fc.integer({ min: 1, max: 30 }));
  const members = fc.array(member, { maxLength: 40 });
  const setOf = (of: readonly (readonly [string, number])[]) => {
    const set = parseGtidSet('');
    for (const [source, number] of of) set.add(source, BigInt(number));
    return set;
  };
  const keys = (of: readonly (readonly [string, number])[]) =>
    [...new Set(of.map(([source, number]) => `${source}:${number}`))].sort();
  const all = [A, B, `${A}:t`].flatMap((source) =>
    Array.from({ length: 31 }, (_, index): [string, number] => [source, index + 1]),
  );

  test('union, difference, containment and text', () => {
    fc.assert(
      fc.property(members, members, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        const held = (set: { has(source: string, number: bigint): boolean }) =>
          keys(all.filter(([source, number]) => set.has(source, BigInt(number))));
        expect(held(a)).toEqual(keys(left));
        expect(held(a.union(b))).toEqual(keys([...left, ...right]));
        const rest = keys(left).filter((key) => !keys(right).includes(key));
        expect(held(a.subtract(b))).toEqual(rest);
        expect(b.contains(a)).toBe(rest.length === 0);
        expect(a.subtract(b).isEmpty).toBe(rest.length === 0);
        expect(parseGtidSet(a.text()).text()).toBe(a.text());
        expect(a.text()).toBe(setOf([...left].reverse()).text());
        const copy = a.copy();
        copy.add(B, 31n);
        expect(a.has(B, 31n)).toBe(false);
      }),
    );
  });
});

describe('bytes', () => {
  test('with tags: those that a server writes into PREVIOUS_GTIDS', () => {
    const previous = recorded('mysql-9.7').flatMap(({ events }) => events.filter((event) => event[4] === 35));
    const event = previous.at(-1)!;
    const executed =
      '80e313c1-e619-11f1-9818-02fc00000001:1-62:my_tag:1-2,aaaaaaaa-1111-2222-3333-444444444444:77:other:9000000000000000';
    expect(parseGtidSet(executed).encode().toString('hex')).toBe(event.toString('hex', 19, event.length - 4));
  });
  test('without: as servers before tags read them', () => {
    expect(parseGtidSet(`${A}:1-3:7`).encode().toString('hex')).toBe(
      ['0100000000000000', A.replaceAll('-', ''), '0200000000000000']
        .concat(['0100000000000000', '0400000000000000', '0700000000000000', '0800000000000000'])
        .join(''),
    );
    expect(parseGtidSet('').encode()).toEqual(Buffer.alloc(8));
  });
});
