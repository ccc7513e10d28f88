import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactJson } from '../../../test/support/plain-record.ts';
import { RecordBuffer } from '../buffer.ts';
import { RAW, TEXT, type ValueEncoding } from '../change.ts';
import { compileValue } from './plan.ts';
import { writeValue } from './values.ts';

function written(encoding: ValueEncoding, cell: string | Buffer, maxBytes = 1 << 20) {
  const out = new RecordBuffer(1);
  out.json('before');
  const source = Buffer.concat([Buffer.from('xx'), Buffer.from(cell), Buffer.from('yy')]);
  const kind = typeof cell === 'string' ? TEXT : RAW;
  const encoded = writeValue(out, compileValue(encoding), kind, source, 2, source.length - 2, maxBytes);
  const text = out.bytes.toString('utf8', 6, out.length);
  exactJson(text);
  return { text, encoded };
}

const wellFormed = fc.string({ unit: 'binary' });
const json = (cell: string, trusted = false) => written({ as: 'json', trusted }, cell);

describe('strings', () => {
  test('any text comes back from JSON, whatever it holds', () => {
    fc.assert(
      fc.property(wellFormed, (cell) => {
        expect(JSON.parse(written({ as: 'string' }, cell).text)).toBe(cell);
      }),
    );
  });
  test('every byte below 128, and long text over many chunks', () => {
    const all = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i));
    expect(JSON.parse(written({ as: 'string' }, all).text)).toBe(all);
    const long = `${all}né\u2028`.repeat(2000);
    expect(JSON.parse(written({ as: 'string' }, long).text)).toBe(long);
  });
  test('plain text is copied', () => {
    expect(written({ as: 'string', plain: true }, '0001-01-01 BC').text).toBe('"0001-01-01 BC"');
  });
});

describe('scalars keep their own text', () => {
  test.each([
    [{ as: 'boolean' }, 't', 'true'],
    [{ as: 'boolean' }, 'f', 'false'],
    [{ as: 'number' }, '-32768', '-32768'],
    [{ as: 'float' }, '1e+20', '1e+20'],
    [{ as: 'float' }, '5e-324', '5e-324'],
    [{ as: 'float' }, '-0', '-0'],
    [{ as: 'float' }, 'NaN', '"NaN"'],
    [{ as: 'float' }, '-Infinity', '"-Infinity"'],
    [{ as: 'binary' }, '\\x00ff', '"\\\\x00ff"'],
    [{ as: 'binary' }, '\\x', '"\\\\x"'],
  ] as [ValueEncoding, string, string][])('%j %s', (encoding, cell, expected) => {
    expect(written(encoding, cell)).toEqual({ text: expected, encoded: null });
  });
  test('bytes that are no text, and values over the bound', () => {
    expect(written({ as: 'string' }, Buffer.from([0x81, 0x00]))).toEqual({
      text: '"\\\\x8100"',
      encoded: 'bytes',
    });
    expect(written({ as: 'string' }, 'abcd', 3)).toEqual({
      text: '"88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589:4"',
      encoded: 'sha256',
    });
    expect(written({ as: 'string' }, 'abc', 3).encoded).toBe(null);
  });
});

describe('json', () => {
  test('its own digits, spaces for line breaks', () => {
    const cell = '{ "a":\r\n[1.10, 12345678901234567890,\n1e-400],"b":"\\n\\u00e9" }';
    const expected = '{ "a":  [1.10, 12345678901234567890, 1e-400],"b":"\\n\\u00e9" }';
    expect(json(cell)).toEqual({ text: expected, encoded: null });
    expect(json(cell, true)).toEqual({ text: expected, encoded: null });
  });
  test.each([
    ['duplicate members', '{"a":1,"\\u0061":2}', false],
    ['a lone high surrogate', '"\\ud800"', false],
    ['a lone low surrogate', '["\\udc00\\ud800"]', false],
    ['a lone surrogate as a name', '{"\\udfff":1}', false],
    ['a number beyond a double', '[1e400]', true],
    ['as many digits', `[-${'9'.repeat(400)}]`, true],
    ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`, true],
    ['no JSON at all', '{a:1}', false],
  ])('%s: kept as text and marked', (_name, cell, alsoTrusted) => {
    expect(json(cell)).toEqual({ text: JSON.stringify(cell), encoded: 'json' });
    if (alsoTrusted) expect(json(cell, true)).toEqual({ text: JSON.stringify(cell), encoded: 'json' });
  });
  test('what looks so only inside a string passes', () => {
    for (const cell of [`"${'['.repeat(100)}"`, '"1e400 \\" 1e400"', `${'['.repeat(64)}${']'.repeat(64)}`]) {
      expect(json(cell)).toEqual({ text: cell, encoded: null });
      expect(json(cell, true)).toEqual({ text: cell, encoded: null });
    }
  });
  // A column went from SQL's NULL to JSON's, and the record said: null, and before it null.
  test.each(['null', ' null\n'])('JSON’s null is told from SQL’s: %j', (cell) => {
    expect(json(cell)).toEqual({ text: '"null"', encoded: 'json' });
    if (cell === 'null') expect(json(cell, true)).toEqual({ text: '"null"', encoded: 'json' });
    for (const other of ['"null"', '[null]', '{"a":null}'])
      expect(json(other, true)).toEqual({ text: other, encoded: null });
  });
  test('any other JSON passes unchanged', () => {
    fc.assert(
      fc.property(fc.json(), (cell) => {
        fc.pre(cell.trim() !== 'null');
        fc.pre(!/\\ud[89a-f]/i.test(cell));
        expect(json(cell).text).toBe(cell);
        expect(json(cell, true).text).toBe(cell);
      }),
    );
  });
});

type Nested = string | null | Nested[];
/** As array_out writes it. */
function literal(value: Nested, delimiter: string): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return `{${value.map((each) => literal(each, delimiter)).join(delimiter)}}`;
  if (value === '' || /^null$/i.test(value) || /[\s{}"\\,;]/.test(value))
    return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
  return value;
}

describe('arrays', () => {
  const strings = (delimiter = ','): ValueEncoding => ({ as: 'array', element: { as: 'string' }, delimiter });
  test('any nested array of any text comes back', () => {
    const leaf = fc.option(wellFormed);
    const dimension = fc.array(leaf, { minLength: 1, maxLength: 4 });
    const nested = fc.oneof(dimension, fc.array(dimension, { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(nested, fc.constantFrom(',', ';'), (value, delimiter) => {
        const { text, encoded } = written(strings(delimiter), literal(value as Nested, delimiter));
        expect(JSON.parse(text)).toEqual(value);
        expect(encoded).toBe(null);
      }),
    );
  });
  test.each([
    [{ as: 'number' }, '{1,NULL,-3}', '[1,null,-3]'],
    [{ as: 'string' }, '{}', '[]'],
    [{ as: 'string' }, '{NULL,"NULL","null",""}', '[null,"NULL","null",""]'],
    [{ as: 'boolean' }, '{{t,f},{f,t}}', '[[true,false],[false,true]]'],
    [{ as: 'float' }, '{NaN,1.5}', '["NaN",1.5]'],
    [{ as: 'binary' }, '{"\\\\x00ff"}', '["\\\\x00ff"]'],
    [{ as: 'json' }, '{"{\\"a\\": 1.0}","[1,2]",NULL}', '[{"a": 1.0},[1,2],null]'],
    // SQL's NULL as an element would look the same.
    [{ as: 'json' }, '{1,NULL,"null"}', '"{1,NULL,\\"null\\"}"'],
    [{ as: 'json', trusted: true }, '{{1,"null"},{2,3}}', '"{{1,\\"null\\"},{2,3}}"'],
    [{ as: 'json' }, '{"\\"null\\"","[null]"," 1"}', '["null",[null], 1]'],
    [{ as: 'string' }, '{"null"}', '["null"]'],
    [{ as: 'number' }, '[2:4]={1,2,3}', '"[2:4]={1,2,3}"'],
  ] as [ValueEncoding, string, string][])('%j %s', (element, cell, expected) => {
    expect(written({ as: 'array', element, delimiter: ',' }, cell)).toEqual({
      text: expected,
      encoded: null,
    });
  });
  test('boxes are apart by semicolons', () => {
    expect(written(strings(';'), '{(1,1),(0,0);(2,2),(0,0)}').text).toBe('["(1,1),(0,0)","(2,2),(0,0)"]');
  });
  test('json inside that is not I-JSON: the whole literal as text', () => {
    const cell = '{"{\\"a\\":1,\\"a\\":2}"}';
    const element: ValueEncoding = { as: 'json' };
    expect(written({ as: 'array', element, delimiter: ',' }, cell)).toEqual({
      text: JSON.stringify(cell),
      encoded: 'json',
    });
  });
  test('what is no array literal stays a string', () => {
    for (const cell of ['', '{', '{a', '{a,}', '{,a}', '{"a}', '{a}b', '{a}}', '{a"b}', '{{a},', '{"a"b}']) {
      expect(written(strings(), cell).text).toBe(JSON.stringify(cell));
    }
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', ',', 'a', 'N') }), (cell) => {
        written(strings(), cell);
      }),
    );
  });
});
