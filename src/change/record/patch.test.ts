import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  absent,
  applyPatch,
  applyReverse,
  type Cell,
  canonical,
  column,
  type Exact,
  exactJson,
  image,
  member,
  relation,
  text,
  unchanged,
} from '../../../test/support/plain-record.ts';
import { runs } from '../../../test/support/runs.ts';
import { UNATTRIBUTED } from '../attribution/attribution.ts';
import { RecordBuffer } from '../buffer.ts';
import type { Relation } from '../change.ts';
import { compilePolicy, type Redaction } from '../policy/policy.ts';
import { compileRow } from '../policy/row-plan.ts';
import type { RowAction } from './patch.ts';
import { transactionBytes, writeChange } from './record.ts';

const KEY = Buffer.from('a key of thirty-two bytes, or so');
const start = { id: '7712', position: '0/16B3790', time: '2026-11-21T20:18:33.123456Z' };

function record(
  shape: Relation,
  action: RowAction,
  before: readonly Cell[] | null,
  after: readonly Cell[] | null,
  options: { beforeIsKey?: boolean; columns?: Record<string, Redaction>; maxValueBytes?: number } = {},
): Exact {
  const policy = compilePolicy({
    tables: [{ match: '*', columns: options.columns }],
    hmac: { id: 'k1', key: KEY },
  });
  const out = new RecordBuffer(1);
  const place = {
    transaction: transactionBytes('orders', start, 318),
    index: 3,
    attribution: UNATTRIBUTED,
    actorHole: 0,
    contextHole: 0,
  };
  const change = {
    action,
    before: before === null ? null : image(...before),
    beforeIsKey: options.beforeIsKey ?? false,
    after: after === null ? null : image(...after),
  };
  writeChange(out, place, compileRow(shape, policy)!, change, {
    maxValueBytes: options.maxValueBytes ?? 1 << 20,
    hmac: policy.hmac,
    encoded: [],
  });
  return exactJson(out.bytes.toString('utf8', 0, out.length));
}

const patchOf = (tree: Exact) => canonical(member(tree, 'patch'));
const imageOf = (tree: Exact) => text(member(tree, 'image'));

const awkward = ['id', 'a/b', 'm~n', '"quoted\\"', 'né', '__proto__', ''];
const wide = relation(
  awkward.map((name, i) => column(name, i === 2 ? { as: 'number' } : { as: 'string' }, i === 0)),
  { primaryKey: ['id'] },
);
const withJson = relation(
  [
    column('id', { as: 'number' }, true),
    column('a/j', { as: 'json', trusted: true }),
    column('k', { as: 'json' }),
  ],
  { primaryKey: ['id'] },
);

/** What a row is as a document, read by the oracle. */
function document(shape: Relation, cells: readonly Cell[]): Exact {
  const members = new Map<string, Exact>();
  shape.columns.forEach((each, i) => {
    const cell = cells[i];
    if (cell === null) members.set(each.name, { word: 'null' });
    else if (typeof cell === 'string') {
      const isText = each.encoding.as === 'string' || (each.encoding.as === 'json' && cell === 'null');
      members.set(each.name, isText ? { string: cell } : exactJson(cell));
    }
  });
  return { members };
}

function reproduces(shape: Relation, before: readonly Cell[] | null, after: readonly Cell[] | null) {
  const action = before === null ? 'insert' : after === null ? 'delete' : 'update';
  const tree = record(shape, action, before, after);
  expect(imageOf(tree)).toBe('full');
  const patch = member(tree, 'patch');
  const now = after?.map((cell, i) => (cell === unchanged ? before![i]! : cell)) ?? null;
  const old = before === null ? undefined : document(shape, before);
  const fresh = now === null ? undefined : document(shape, now);
  expect(canonical(applyPatch(old, patch))).toBe(canonical(fresh));
  expect(canonical(applyReverse(fresh, patch))).toBe(canonical(old));
  return tree;
}

const cellText = fc.option(fc.string({ unit: 'binary' }));
const wideRow = fc.tuple(
  ...awkward.map((_, i) => (i === 2 ? fc.option(fc.bigInt().map(String)) : cellText)),
) as fc.Arbitrary<Cell[]>;
const number = fc.oneof(
  fc.bigInt().map(String),
  fc.constantFrom('12345678901234567890', '12345678901234567891', '1.0', '1.00', '1e2', '-0'),
);
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number,
    fc.constantFrom('true', 'null', '"a"', '"\\u00e9"', '"é"', '"~/"'),
    fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
    fc
      .dictionary(
        fc.constantFrom('a', 'b', '~', '/', 'a/b', '1', '', '__proto__', 'toJSON', 'length'),
        tie('json'),
        {
          maxKeys: 4,
        },
      )
      .map(
        (members) =>
          `{${Object.entries(members)
            .map(([name, value]) => `${JSON.stringify(name)}: ${value}`)
            .join(', ')}}`,
      ),
  ),
}));
const jsonRow = fc.tuple(fc.integer().map(String), fc.option(json), fc.option(json));

describe('full images', () => {
  test('patch(before) = after, and backwards: any text', () => {
    fc.assert(
      fc.property(fc.option(wideRow), wideRow, (before, after) => void reproduces(wide, before, after)),
    );
    fc.assert(fc.property(wideRow, (before) => void reproduces(wide, before, null)));
  });
  test('patch(before) = after, and backwards: any json', () => {
    fc.assert(
      fc.property(fc.option(jsonRow), fc.option(jsonRow), (before, after) => {
        if (before !== null || after !== null) reproduces(withJson, before, after);
      }),
      { numRuns: runs(1000) },
    );
  });
  test('unchanged TOAST is in the old row', () => {
    fc.assert(
      fc.property(wideRow, wideRow, fc.nat(awkward.length - 1), (before, after, i) => {
        reproduces(wide, before, after.with(i, unchanged));
      }),
    );
  });
  test('nothing changed', () => {
    expect(patchOf(reproduces(withJson, ['1', '{"a": 1}', null], ['1', '{"a": 1}', null]))).toBe('[]');
  });
});

// Tests of the changed columns alone: nobody could tell which row it had been.
describe('a table without a key', () => {
  const keyless = relation(
    wide.columns.map((each) => ({ ...each, identity: true })),
    { replicaIdentity: 'full' },
  );
  test('an update is the whole row before and the whole row behind it', () => {
    fc.assert(
      fc.property(wideRow, wideRow, fc.nat(awkward.length - 1), (before, after, i) => {
        const tree = reproduces(keyless, before, after.with(i, unchanged));
        expect(canonical(member(tree, 'target', 'key'))).toBe('null');
        expect(patchOf(tree)).toMatch(/^\[\{"op":"test","path":"","value":\{/);
      }),
    );
  });
  const narrow = relation(
    ['a', 'b'].map((name) => column(name, { as: 'json' }, true)),
    { replicaIdentity: 'full' },
  );
  test('also where nothing changed; what is encoded is so in both rows', () => {
    const row = ['1', 'null'];
    const tree = record(narrow, 'update', row, row);
    expect(patchOf(tree)).toBe(
      '[{"op":"test","path":"","value":{"a":1,"b":"null"}},{"op":"replace","path":"","value":{"a":1,"b":"null"}}]',
    );
    expect(canonical(member(tree, 'encoded'))).toBe('{"/patch/0/value/b":"json","/patch/1/value/b":"json"}');
  });
  test('of which not all was sent: what is now so', () => {
    const tree = record(narrow, 'update', ['1', absent], ['2', absent]);
    expect(imageOf(tree)).toBe('changed');
    expect(patchOf(tree)).toBe(
      '[{"op":"test","path":"/a","value":1},{"op":"replace","path":"/a","value":2}]',
    );
  });
  test('whose key the configuration drops', () => {
    const shape = relation([column('id', { as: 'number' }, true), column('a', { as: 'string' })], {
      primaryKey: ['id'],
    });
    const tree = record(shape, 'update', ['1', 'x'], ['1', 'y'], { columns: { id: 'drop' } });
    expect(canonical(member(tree, 'target', 'key'))).toBe('null');
    expect(patchOf(tree)).toBe(
      '[{"op":"test","path":"","value":{"a":"x"}},{"op":"replace","path":"","value":{"a":"y"}}]',
    );
  });
});

describe('inside json', () => {
  const pad = '"long enough that a member is shorter than the whole of it, which is the point"';
  const between = (old: string, now: string) =>
    patchOf(reproduces(withJson, ['1', old, null], ['1', now, null]));
  test('the member that changed, and equal doubles differ', () => {
    expect(
      between(`{"n": 12345678901234567890, "p": ${pad}}`, `{"n": 12345678901234567891, "p": ${pad}}`),
    ).toBe(
      '[{"op":"test","path":"/a~1j/n","value":12345678901234567890},{"op":"replace","path":"/a~1j/n","value":12345678901234567891}]',
    );
  });
  test('a number and the same text as a string differ', () => {
    expect(between(`{"n": 1, "p": ${pad}}`, `{"n": "1", "p": ${pad}}`)).toContain('"value":"1"');
  });
  test('removals stand behind a test', () => {
    expect(between(`{"p": ${pad}, "x": [1]}`, `{"p": ${pad}}`)).toBe(
      '[{"op":"test","path":"/a~1j/x","value":[1]},{"op":"remove","path":"/a~1j/x"}]',
    );
  });
  test('equal trees of other bytes are replaced whole', () => {
    const patch = exactJson(between(`{"a":1,"b":2,"p":${pad}}`, `{"b":2,"a":1,"p":${pad}}`));
    expect(text(member(patch, 1, 'path'))).toBe('/a~1j');
  });
  test('a patch larger than the value gives way', () => {
    expect(between('[1,2,3,4,5,6,7,8]', '[2,3,4,5,6,7,8,9]')).toBe(
      '[{"op":"test","path":"/a~1j","value":[1,2,3,4,5,6,7,8]},{"op":"replace","path":"/a~1j","value":[2,3,4,5,6,7,8,9]}]',
    );
  });
  test('json that is not I-JSON is kept whole and marked', () => {
    const tree = record(withJson, 'update', ['1', null, '{"a":1}'], ['1', null, '{"a":1,"a":2}']);
    expect(canonical(member(tree, 'encoded'))).toBe('{"/patch/1/value":"json"}');
    expect(text(member(tree, 'patch', 1, 'value'))).toBe('{"a":1,"a":2}');
  });
  test('the stock example of the design, byte by byte', () => {
    const shape = relation(
      [column('id', { as: 'string', plain: true }, true), column('status', { as: 'string' })],
      {
        table: 'orders',
        primaryKey: ['id'],
      },
    );
    const tree = record(shape, 'update', ['42', 'open'], ['42', 'paid']);
    expect('members' in tree && [...tree.members.keys()].join()).toBe(
      'kind,id,time,actor,attribution,action,target,outcome,transaction,image,patch',
    );
    expect(patchOf(tree)).toBe(
      '[{"op":"test","path":"/status","value":"open"},{"op":"replace","path":"/status","value":"paid"}]',
    );
    expect(canonical(member(tree, 'target'))).toBe('{"key":{"id":"42"},"schema":"public","table":"orders"}');
  });
});

describe('key images', () => {
  const shape = relation(
    [column('id', { as: 'number' }, true), column('a', { as: 'string' }), column('b', { as: 'string' })],
    {
      replicaIdentity: 'default',
      primaryKey: ['id'],
    },
  );
  test('no old row: what was sent is now so', () => {
    const tree = record(shape, 'update', null, ['1', 'x', unchanged]);
    expect(imageOf(tree)).toBe('key');
    expect(patchOf(tree)).toBe('[{"op":"replace","path":"/a","value":"x"}]');
  });
  test('the key changed: it alone has a test; target has the old one', () => {
    const tree = record(shape, 'update', ['1', absent, absent], ['2', 'x', null], { beforeIsKey: true });
    expect(imageOf(tree)).toBe('key');
    expect(canonical(member(tree, 'target', 'key'))).toBe('{"id":1}');
    expect(patchOf(tree)).toBe(
      '[{"op":"test","path":"/id","value":1},{"op":"replace","path":"/id","value":2},{"op":"replace","path":"/a","value":"x"},{"op":"replace","path":"/b","value":null}]',
    );
  });
  test('a delete tests the key', () => {
    const tree = record(shape, 'delete', ['1', absent, absent], null, { beforeIsKey: true });
    expect(patchOf(tree)).toBe('[{"op":"test","path":"/id","value":1},{"op":"remove","path":""}]');
  });
  test('only part of the columns sent: changed', () => {
    const tree = record(shape, 'update', ['1', absent, 'y'], ['1', 'x', absent]);
    expect(imageOf(tree)).toBe('changed');
    expect(patchOf(tree)).toBe('[{"op":"replace","path":"/a","value":"x"}]');
    expect(imageOf(record(shape, 'insert', null, ['1', absent, 'y']))).toBe('changed');
  });
  test('key: identity index without a primary key, none under FULL, none without either', () => {
    const byIndex = relation(shape.columns, { replicaIdentity: 'index' });
    expect(canonical(member(record(byIndex, 'insert', null, ['1', 'x', 'y']), 'target', 'key'))).toBe(
      '{"id":1}',
    );
    const full = relation(shape.columns.map((each) => ({ ...each, identity: true })));
    expect(canonical(member(record(full, 'insert', null, ['1', 'x', 'y']), 'target', 'key'))).toBe('null');
  });
});

// A table whose identity is another index than its primary key: its deletes said {}.
describe('key: the identity is not the primary key', () => {
  const shape = relation(
    [
      column('id', { as: 'number' }),
      column('code', { as: 'string' }, true),
      column('area', { as: 'string' }, true),
      column('note', { as: 'string' }),
    ],
    { replicaIdentity: 'index', primaryKey: ['id'] },
  );
  const key = (tree: Exact) => canonical(member(tree, 'target', 'key'));
  test('an insert has the primary key', () => {
    expect(key(record(shape, 'insert', null, ['1', 'a', 'b', 'n']))).toBe('{"id":1}');
  });
  test('a delete has the identity, which is what was sent', () => {
    const tree = record(shape, 'delete', [absent, 'a', 'b', absent], null, { beforeIsKey: true });
    expect(key(tree)).toBe('{"area":"b","code":"a"}');
  });
  test('an update has the identity as it was: the primary key may have changed with it', () => {
    const changed = record(shape, 'update', [absent, 'a', 'b', absent], ['2', 'c', 'b', 'n'], {
      beforeIsKey: true,
    });
    expect(key(changed)).toBe('{"area":"b","code":"a"}');
    expect(key(record(shape, 'update', null, ['2', 'a', 'b', 'n']))).toBe('{"area":"b","code":"a"}');
  });
  test('a full old row has the primary key', () => {
    const full = relation(
      shape.columns.map((each) => ({ ...each, identity: true })),
      { primaryKey: ['id'] },
    );
    expect(key(record(full, 'update', ['1', 'a', 'b', 'n'], ['2', 'a', 'b', 'n']))).toBe('{"id":1}');
  });
  test('what was sent of it in part; null where nothing was, never {}', () => {
    expect(key(record(shape, 'delete', [absent, 'a', absent, absent], null))).toBe('{"code":"a"}');
    const both = relation(
      [
        column('a', { as: 'string' }, true),
        column('b', { as: 'string' }, true),
        column('c', { as: 'string' }),
      ],
      { replicaIdentity: 'default', primaryKey: ['a', 'b'] },
    );
    expect(key(record(both, 'update', null, ['x', unchanged, 'y']))).toBe('{"a":"x"}');
    expect(key(record(both, 'update', null, [unchanged, unchanged, 'y']))).toBe('null');
  });
  test('redacted, without a mark of what was not taken', () => {
    const options = { beforeIsKey: true, columns: { area: 'mask', id: 'hmac' } } as const;
    const tree = record(shape, 'delete', [absent, 'a', 'b', absent], null, options);
    expect(key(tree)).toBe('{"area":null,"code":"a"}');
    expect(canonical(member(tree, 'encoded'))).toBe('{"/patch/1/value":"mask","/target/key/area":"mask"}');
  });
});

describe('redaction', () => {
  const shape = relation(
    ['id', 'card', 'email', 'gone'].map((name, i) => column(name, { as: 'string' }, i === 0)),
    {
      primaryKey: ['email', 'id'],
    },
  );
  const columns = { card: 'mask', email: 'hmac', gone: 'drop' } as const;
  const secrets = ['1', '4111', 'ana@example.com', 'secret'];
  const hmac = (value: string) => `k1:${createHmac('sha256', KEY).update(value).digest('base64')}`;
  test('insert, in the key too', () => {
    const tree = record(shape, 'insert', null, secrets, { columns });
    const digest = hmac('"ana@example.com"');
    expect(canonical(member(tree, 'patch', 0, 'value'))).toBe(`{"card":null,"email":"${digest}","id":"1"}`);
    expect(canonical(member(tree, 'target', 'key'))).toBe(`{"email":"${digest}","id":"1"}`);
    expect(canonical(member(tree, 'encoded'))).toBe(
      '{"/patch/0/value/card":"mask","/patch/0/value/email":"hmac","/target/key/email":"hmac"}',
    );
  });
  test('a change stays visible, its value does not', () => {
    const tree = record(shape, 'update', secrets, ['1', '4222', 'bob@example.com', 'other'], { columns });
    expect(canonical(member(tree, 'encoded'))).toBe(
      '{"/patch/0/value":"mask","/patch/1/value":"mask","/patch/2/value":"hmac","/patch/3/value":"hmac","/target/key/email":"hmac"}',
    );
    expect(text(member(tree, 'patch', 3, 'value'))).toBe(hmac('"bob@example.com"'));
  });
  test('nothing of a redacted value is in any record', () => {
    const secret = fc.string({ minLength: 6, unit: fc.constantFrom('S', 'E', 'C', 'R', 'T') });
    fc.assert(
      fc.property(secret, secret, fc.boolean(), (one, two, deleted) => {
        const tree = record(
          shape,
          deleted ? 'delete' : 'update',
          ['1', one, one, one],
          deleted ? null : ['1', two, two, two],
          {
            columns,
            maxValueBytes: 5,
          },
        );
        const plain = canonical(tree).replaceAll(/k1:[^"]*/g, '');
        expect(plain).not.toMatch(/[SECRT]{6}/);
      }),
    );
  });
  test('NULL under hmac is not told', () => {
    const tree = record(shape, 'insert', null, ['1', null, null, null], { columns });
    expect(text(member(tree, 'patch', 0, 'value', 'email'))).toBe(hmac('null'));
  });
});
