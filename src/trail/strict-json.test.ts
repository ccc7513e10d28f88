import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/support/runs.ts';
import { JsonRefusal, parseJson, validateJson } from './strict-json.ts';

const accepts = (bytes: Buffer | string): boolean => {
  try {
    validateJson(Buffer.from(bytes as string));
    return true;
  } catch (error) {
    if (error instanceof JsonRefusal) return false;
    throw error;
  }
};

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('strict JSON', () => {
  it('accepts whatever JSON.stringify writes', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => accepts(text)));
    fc.assert(fc.property(fc.json(), (text) => accepts(JSON.stringify(JSON.parse(text), null, 2))));
  });

  it('agrees with JSON.parse on mutations, but for what it refuses on purpose', () => {
    const alphabet = fc.constantFrom(...'{}[]",:0123456789.eE+-truefalsn\\u/bd \n\té\u0001'.split(''));
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat(2), alphabet, (text, at, cut, put) => {
        const i = at % (text.length + 1);
        const mutated = text.slice(0, i) + put + text.slice(i + cut);
        if (!parses(mutated)) expect(accepts(mutated), mutated).toBe(false);
        else if (!/\\u|"/.test(put + text)) expect(accepts(mutated), mutated).toBe(true);
      }),
      { numRuns: runs(3000) },
    );
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 8 }), (cs) => {
        const text = cs.join('');
        if (!parses(text)) expect(accepts(text), text).toBe(false);
        else expect(accepts(text), text).toBe(true);
      }),
      { numRuns: runs(5000) },
    );
  });

  it('ends on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => accepts(Buffer.from(bytes)) !== undefined),
    );
  });

  it.each([
    ['duplicate members', '{"a":1,"a":2}'],
    ['duplicate members, one escaped', '{"a":1,"\\u0061":2}'],
    ['duplicate empty names', '{"":1,"":2}'],
    ['duplicates deep inside', '[{"x":{"a":1,"b":{"c":1},"a":2}}]'],
    ['a lone high surrogate', '"\\ud800"'],
    ['a lone high surrogate before another escape', '"\\ud800\\u0041"'],
    ['a lone low surrogate', '"\\udc00"'],
    ['surrogates the wrong way', '"\\udc00\\ud800"'],
    ['a byte order mark', '\ufeff{}'],
    ['NaN', 'NaN'],
    ['a leading zero', '01'],
    ['a plus sign', '+1'],
    ['a bare point', '1.'],
    ['a trailing comma', '[1,]'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['two values', '{} {}'],
    ['nothing', ''],
    ['a raw LF in a string', '"a\nb"'],
    ['an unknown escape', '"\\x41"'],
    ['101 levels', `${'['.repeat(101)}${']'.repeat(101)}`],
  ])('refuses %s', (_what, text) => {
    expect(accepts(text)).toBe(false);
  });

  it('refuses bytes that are not UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      expect(accepts(Buffer.from(bytes))).toBe(false);
    }
  });

  it('accepts 100 levels, surrogate pairs, equal names in different objects', () => {
    expect(accepts(`${'['.repeat(100)}${']'.repeat(100)}`)).toBe(true);
    expect(accepts('{"a":{"a":[{"a":1},{"a":"\\ud83d\\ude00"}]},"b":0}')).toBe(true);
  });

  it('finds duplicates in objects of any size, in good time', () => {
    for (const n of [2, 47, 48, 49, 50, 200_000]) {
      const names = Array.from({ length: n }, (_, i) => `"k${i}":0`);
      expect(accepts(`{${names.join()}}`)).toBe(true);
      expect(accepts(`{${names.join()},"k${n >> 1}":1}`)).toBe(false);
    }
  });

  it('gives false for numbers that are no integers of ours', () => {
    expect(parseJson(Buffer.from('[0,1e3,1.0,-0,12,-1,-1.0,-0.0]'))).toEqual([
      0,
      false,
      false,
      false,
      12,
      -1,
      false,
      false,
    ]);
    expect(parseJson(Buffer.from('{"é-1":"1.5 \\" -2","b":-2e1}'))).toEqual({ 'é-1': '1.5 " -2', b: false });
    expect(parseJson(Buffer.from('1.5'))).toBe(false);
  });
});
