/** An operator who holds the key, signs and chains what is not so: every lie has its name. */
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  change,
  genesis,
  honestDrafts,
  type Loose,
  OTHER_SIGNER,
  type SealDraft,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { compressOptions } from '../trail/segment.ts';

/** What is found when draft `number` is changed. */
async function found(number: number, draft: Partial<SealDraft>): Promise<string[]> {
  const drafts = honestDrafts();
  drafts[number] = { ...drafts[number]!, ...draft };
  const verdict = await verified(await buildTrail(drafts));
  return [...verdict.codes, ...verdict.noticed.map((code) => `notice:${code}`)];
}

const lie = (number: number, change: (seal: Loose) => void) => found(number, { lie: change });
const ZERO = Buffer.alloc(32).toString('base64');

describe('an honest trail', () => {
  it('is accepted', async () => {
    const verdict = await verified(await buildTrail(honestDrafts()));
    expect(verdict).toMatchObject({ result: 'ok', findings: [], notices: [], checked: { records: 13 } });
  });
});

describe('a seal that lies, signed and chained', () => {
  const lies: [string, number, (seal: Loose) => void, string][] = [
    [
      'kind',
      2,
      (s) => {
        s['kind'] = 'change';
      },
      'seal_member',
    ],
    [
      'trail',
      2,
      (s) => {
        s['trail'] = 'audit.example.com/other';
      },
      'seal_trail',
    ],
    [
      'trail, no name',
      2,
      (s) => {
        s['trail'] = '../x';
      },
      'seal_member',
    ],
    [
      'number',
      2,
      (s) => {
        s['number'] = 3;
      },
      'seal_number',
    ],
    [
      'previous',
      2,
      (s) => {
        s['previous'] = ZERO;
      },
      'previous_mismatch',
    ],
    [
      'previous null',
      2,
      (s) => {
        s['previous'] = null;
      },
      'seal_member',
    ],
    [
      'sealed_at',
      2,
      (s) => {
        s['sealed_at'] = '2026-11-20T20:01:02.000Z';
      },
      'sealed_at_descends',
    ],
    [
      'sealed_at, other date',
      2,
      (s) => {
        s['sealed_at'] = '2026-11-22T20:01:02.000Z';
      },
      'segment_path',
    ],
    [
      'sealed_at, no date',
      2,
      (s) => {
        s['sealed_at'] = '2026-02-30T20:01:02.000Z';
      },
      'seal_member',
    ],
    [
      'reason',
      2,
      (s) => {
        s['reason'] = 'because';
      },
      'seal_member',
    ],
    [
      'first',
      2,
      (s) => {
        s['first'] += 1;
      },
      'seal_member',
    ],
    ['first and before', 1, (s) => Object.assign(s, { first: 0, before: [] }), 'first_mismatch'],
    [
      'count',
      2,
      (s) => {
        s['count'] += 1;
      },
      'seal_counts',
    ],
    [
      'count of an idle seal',
      1,
      (s) => {
        s['count'] = 1;
      },
      'seal_counts',
    ],
    [
      'before',
      2,
      (s) => {
        s['before'] = s['before'].map(() => ZERO);
      },
      'before_mismatch',
    ],
    ['before, length', 2, (s) => void s['before'].push(ZERO), 'seal_member'],
    [
      'before, base64',
      2,
      (s) => {
        s['before'][0] = s['before'][0].replace('=', '');
      },
      'seal_member',
    ],
    ['segments gone', 2, (s) => Object.assign(s, { segments: [], count: 0 }), 'transactions_rule'],
    [
      'class',
      2,
      (s) => {
        s['segments'][0].class = 'other';
      },
      'segment_path',
    ],
    [
      'class, no name',
      2,
      (s) => {
        s['segments'][0].class = '../x';
      },
      'seal_member',
    ],
    [
      'object',
      2,
      (s) => {
        s['segments'][0].object = '../../../etc/passwd';
      },
      'segment_path',
    ],
    [
      'sha256',
      2,
      (s) => {
        s['segments'][0].sha256 = 'ab'.repeat(32);
      },
      'segment_path',
    ],
    [
      'sha256, upper case',
      2,
      (s) => {
        s['segments'][0].sha256 = 'AB'.repeat(32);
      },
      'seal_member',
    ],
    [
      'bytes',
      2,
      (s) => {
        s['segments'][0].bytes += 1;
      },
      'bytes_mismatch',
    ],
    [
      'bytes, huge',
      2,
      (s) => {
        s['segments'][0].bytes = 2 ** 40;
      },
      'seal_member',
    ],
    [
      'plain_bytes',
      2,
      (s) => {
        s['segments'][0].plain_bytes += 1;
      },
      'plain_bytes_mismatch',
    ],
    [
      'plain_bytes, less',
      2,
      (s) => {
        s['segments'][0].plain_bytes -= 1;
      },
      'plain_bytes_mismatch',
    ],
    [
      'plain_bytes, huge',
      2,
      (s) => {
        s['segments'][0].plain_bytes = 2 ** 27;
      },
      'seal_member',
    ],
    [
      'entry first',
      3,
      (s) => {
        s['segments'][1].first += 1;
      },
      'seal_member',
    ],
    [
      'entry first, power of two',
      0,
      (s) => {
        s['segments'][0].first = 8;
      },
      'segment_first',
    ],
    [
      'entry count',
      0,
      (s) => {
        s['segments'][0].count = 2;
      },
      'segment_first',
    ],
    [
      'range',
      2,
      (s) => {
        s['segments'][0].range[0] = ZERO;
      },
      'range_mismatch',
    ],
    ['range, length', 2, (s) => void s['segments'][0].range.pop(), 'seal_member'],
    [
      'entry retain_until, longer',
      2,
      (s) => {
        s['segments'][0].retain_until = '2100-01-01T00:00:00Z';
      },
      'retention_rule',
    ],
    [
      'entry retain_until, past',
      2,
      (s) => {
        s['segments'][0].retain_until = '2020-01-01T00:00:00Z';
      },
      'retention_rule',
    ],
    [
      'entry retain_until, no midnight',
      2,
      (s) => {
        s['segments'][0].retain_until = '2098-01-01T00:00:01Z';
      },
      'seal_member',
    ],
    [
      'trail class kept shorter',
      0,
      (s) => {
        s['segments'][0].retain_until = '2098-01-01T00:00:00Z';
      },
      'retention_rule',
    ],
    [
      'from',
      2,
      (s) => {
        s['source'].from = 'p1';
      },
      'source_gap',
    ],
    [
      'through',
      0,
      (s) => {
        s['source'].through = 'p1';
      },
      'source_gap',
    ],
    [
      'transactions',
      2,
      (s) => {
        s['source'].transactions = 4;
      },
      'transactions_rule',
    ],
    [
      'transactions, less',
      2,
      (s) => {
        s['source'].transactions = 1;
      },
      'transactions_rule',
    ],
    [
      'transactions of an idle seal',
      1,
      (s) => {
        s['source'].transactions = 3;
      },
      'transactions_rule',
    ],
    [
      'partial position',
      2,
      (s) => {
        s['source'].partial.position = '0/9';
      },
      'partial_rule',
    ],
    [
      'partial next, less',
      2,
      (s) => {
        s['source'].partial.next = 3;
      },
      'partial_rule',
    ],
    [
      'partial next, more',
      2,
      (s) => {
        s['source'].partial.next = 5;
      },
      'partial_rule',
    ],
    ['partial gone', 2, (s) => void delete s['source'].partial, 'transactions_rule'],
    [
      'partial gone, nothing moved',
      3,
      (s) => {
        s['source'].through = 'p2';
      },
      'partial_rule',
    ],
    [
      'retain_until',
      2,
      (s) => {
        s['retain_until'] = '2020-01-01T00:00:00Z';
      },
      'retention_rule',
    ],
    [
      'retain_until shorter than a class',
      2,
      (s) => {
        s['retain_until'] = '2097-01-01T00:00:00Z';
      },
      'retention_rule',
    ],
    [
      'log_key',
      0,
      (s) => {
        s['log_key'] = OTHER_SIGNER.key.vkey;
      },
      'log_key_mismatch',
    ],
    ['log_key gone', 0, (s) => void delete s['log_key'], 'seal_member'],
    [
      'gaps that lead nowhere',
      2,
      (s) => {
        s['gaps'] = [{ from: 'p2', to: 'p3' }];
      },
      'source_gap',
    ],
    [
      'gaps without a record',
      2,
      (s) => {
        s['gaps'] = [{ from: 'p2', to: 'p2' }];
      },
      'gap_unrecorded',
    ],
    [
      'gaps of another type',
      2,
      (s) => {
        s['gaps'] = {};
      },
      'seal_member',
    ],
    [
      'abandoned of another type',
      2,
      (s) => {
        s['abandoned'] = [1];
      },
      'seal_member',
    ],
    [
      'two segments of one class',
      3,
      (s) => {
        s['segments'][1].class = 'default';
      },
      'seal_counts',
    ],
  ];
  it.each(lies)('%s (seal %i)', async (_what, number, change, code) => {
    const codes = await lie(number, change);
    expect(codes).toContain(code);
  });

  it('every member missing, or of every other type', async () => {
    const paths = [
      'kind',
      'trail',
      'number',
      'previous',
      'sealed_at',
      'reason',
      'first',
      'count',
      'before',
      'segments',
    ]
      .concat(['source', 'source.from', 'source.through', 'source.transactions', 'retain_until'])
      .concat(
        ['class', 'object', 'sha256', 'bytes', 'plain_bytes', 'first', 'count', 'range', 'retain_until'].map(
          (m) => `segments.0.${m}`,
        ),
      );
    for (const path of paths) {
      for (const value of [undefined, null, -1, 1.5, 2 ** 53, {}, [null], true]) {
        const codes = await lie(2, (seal) => {
          const steps = path.split('.');
          let at = seal;
          for (const step of steps.slice(0, -1)) at = at[step];
          at[steps.at(-1)!] = value;
        });
        expect(codes, `${path} = ${JSON.stringify(value)}`).toContain('seal_member');
      }
    }
  });

  it.each([
    ['a duplicate member', (t: string) => t.replace('"number":2', '"number":2,"number":2'), 'seal_json'],
    ['a number of another shape', (t: string) => t.replace('"number":2', '"number":2.0'), 'seal_member'],
    ['an exponent', (t: string) => t.replace('"number":2', '"number":2e0'), 'seal_member'],
    ['a lone surrogate', (t: string) => t.replace('"p2"', '"\\ud800"'), 'seal_json'],
    ['a trailing comma', (t: string) => t.replace(/}$/, ',}'), 'seal_json'],
    ['101 levels', (t: string) => t.replace(/}$/, `,"x":${'['.repeat(100)}${']'.repeat(100)}}`), 'seal_json'],
  ])('JSON with %s', async (_what, lieText, code) => {
    expect(await found(2, { lieText })).toContain(code);
  });

  it('signed by another key', async () => {
    expect(await found(2, { signer: OTHER_SIGNER })).toContain('signature_missing');
    const all = honestDrafts().map((draft) => ({ ...draft, signer: OTHER_SIGNER }));
    const verdict = await verified(await buildTrail(all));
    expect(verdict.codes).toEqual(expect.arrayContaining(['no_signed_seal', 'signature_missing']));
  });

  it('at the head: a signed checkpoint beyond the last whole seal is a finding', async () => {
    const codes = await lie(4, (seal) => {
      seal['segments'][0].first += 1;
    });
    expect(codes).toContain('head_behind');
  });
});

describe('records that lie, signed and chained', () => {
  const cases: [string, string[], string][] = [
    ['twice', [change(3, 1), change(3, 1)], 'record_order'],
    ['out of order', [change(3, 2), change(3, 1), change(3, 3)], 'record_order'],
    ['of an earlier transaction', [change(2, 9), change(3, 1)], 'transactions_rule'],
    ['with a hole', [change(4, 1)], 'transactions_rule'],
    ['with another id', [change(3, 1, { id: 'made:3:2' })], 'record_id'],
    ['with the id of another trail', [change(3, 1, { id: 'other:3:1' })], 'record_id'],
    ['without id', [change(3, 1, { id: undefined })], 'record_member'],
    ['without actor', [change(3, 1, { actor: undefined })], 'record_member'],
    ['without attribution', [change(3, 1, { attribution: {} })], 'record_member'],
    ['without transaction', [change(3, 1, { transaction: undefined })], 'record_member'],
    ['with index 0', [change(3, 0)], 'record_member'],
    ['with an index that is no integer', [change(3, 1).replace('"index":1', '"index":1.0')], 'record_member'],
    ['of kind seal', ['{"kind":"seal"}'], 'record_kind'],
    ['of a second genesis', [genesis()], 'record_kind'],
    ['of kind ddl in a table’s class', ['{"kind":"ddl"}'], 'record_class'],
    ['without kind', ['{"a":1}'], 'record_member'],
    ['no object', ['[1]'], 'record_member'],
    ['a string', ['"x"'], 'record_member'],
    ['no JSON', ['{"kind":"change"'], 'record_json'],
    ['with a carriage return before', ['\ufeff{"kind":"x"}'], 'record_json'],
    ['empty', [change(3, 1), ''], 'record_json'],
    ['NaN', ['{"kind":"x","v":NaN}'], 'record_json'],
    ['duplicate members', ['{"kind":"x","a":1,"\\u0061":1}'], 'record_json'],
    ['lone surrogate', ['{"kind":"x","a":"\\udc00"}'], 'record_json'],
    ['101 levels', [`{"kind":"x","a":${'['.repeat(100)}${']'.repeat(100)}}`], 'record_json'],
    [
      'encoded that points nowhere',
      [change(3, 1, { encoded: { '/patch/7/value': 'hmac' } })],
      'record_encoded',
    ],
    ...['', '/patch/length', '/x~'].map((pointer): [string, string[], string] => [
      `encoded that points at nothing of the record: "${pointer}"`,
      [change(3, 1, { 'x~': 1, encoded: { [pointer]: 'of a kind to come' } })],
      'record_encoded',
    ]),
    ['unknown action', [change(3, 1, { action: 'upsert' })], 'record_member'],
    ['unknown image', [change(3, 1, { image: 'half' })], 'record_member'],
    [
      'an image of a truncate, be it no text',
      [change(3, 1, { action: 'truncate', image: 7, patch: undefined, options: {} })],
      'patch_malformed',
    ],
  ];
  it.each(cases)('%s', async (_what, lines, code) => {
    expect(await found(2, { records: { default: lines } })).toContain(code);
  });

  const patches: [string, Loose, string][] = [
    ['no array', { patch: {} }, 'patch_malformed'],
    ['an unknown operation', { patch: [{ op: 'move', from: '/a', path: '/b' }] }, 'patch_malformed'],
    ['no pointer', { patch: [{ op: 'add', path: 'a', value: 1 }] }, 'patch_malformed'],
    ['no test', { patch: [{ op: 'replace', path: '/a', value: 1 }] }, 'patch_irreversible'],
    [
      'a test elsewhere',
      {
        patch: [
          { op: 'test', path: '/b', value: 1 },
          { op: 'remove', path: '/a' },
        ],
      },
      'patch_irreversible',
    ],
    [
      'tests that contradict',
      {
        patch: [
          { op: 'test', path: '/a', value: 1 },
          { op: 'replace', path: '/a', value: 2 },
          { op: 'test', path: '/a', value: 1 },
          { op: 'replace', path: '/a', value: 3 },
        ],
      },
      'patch_inapplicable',
    ],
    [
      'what is gone',
      {
        patch: [
          { op: 'test', path: '/a', value: 1 },
          { op: 'remove', path: '/a' },
          { op: 'test', path: '/a', value: 1 },
          { op: 'remove', path: '/a' },
        ],
      },
      'patch_inapplicable',
    ],
    [
      'an add over a member',
      {
        patch: [
          { op: 'test', path: '/a', value: { b: 1 } },
          { op: 'replace', path: '/a', value: { b: 2 } },
          { op: 'add', path: '/a/b', value: 3 },
        ],
      },
      'patch_inapplicable',
    ],
    [
      'an insert of two',
      {
        action: 'insert',
        patch: [
          { op: 'add', path: '', value: {} },
          { op: 'add', path: '/a', value: 1 },
        ],
      },
      'patch_malformed',
    ],
    [
      'an insert of no row',
      { action: 'insert', patch: [{ op: 'add', path: '', value: 1 }] },
      'patch_malformed',
    ],
    [
      'a delete without its row',
      { action: 'delete', patch: [{ op: 'remove', path: '' }] },
      'patch_malformed',
    ],
    [
      'an update of the whole row',
      {
        patch: [
          { op: 'test', path: '', value: {} },
          { op: 'replace', path: '', value: {} },
        ],
      },
      'patch_malformed',
    ],
  ];
  it.each(patches)('a patch: %s', async (_what, more, code) => {
    const lines = [change(3, 1, more), change(3, 2), change(3, 3)];
    expect(await found(2, { records: { default: lines } })).toContain(code);
  });

  it('a change in class trail', async () => {
    const trail = [genesis(), change(1, 1)];
    const draft = { records: { trail, default: [change(1, 2), change(2, 1)] } };
    expect(await found(0, draft)).toContain('record_class');
  });

  it('no genesis, another one, one that names another key', async () => {
    const rest = { default: [change(1, 1), change(2, 1)] };
    expect(await found(0, { records: rest })).toContain('genesis_missing');
    const started = JSON.stringify({ kind: 'lifecycle', time: 't', event: 'started', details: {} });
    expect(await found(0, { records: { trail: [started], ...rest } })).toContain('genesis_missing');
    const other = genesis(OTHER_SIGNER.key.vkey);
    expect(await found(0, { records: { trail: [other], ...rest } })).toContain('log_key_mismatch');
  });

  it('one record twice, in two classes of one seal', async () => {
    const records = { default: [change(3, 1), change(3, 2), change(3, 3)], money: [change(3, 2)] };
    expect(await found(2, { records })).toContain('record_order');
  });

  it('a record of the unfinished transaction that an earlier seal says it holds', async () => {
    const records = { default: [change(3, 4)], money: [change(3, 2), change(3, 5), change(4, 1)] };
    expect(
      (await found(3, { records })).some((code) => ['record_order', 'partial_rule'].includes(code)),
    ).toBe(true);
  });
});

describe('segments that lie, signed and chained', () => {
  const lines = [change(3, 1), change(3, 2), change(3, 3)];
  const records = { default: lines };
  const zstd = (plain: Buffer) => zstdCompressSync(plain, compressOptions());
  const skippable = Buffer.from('502a4d1804000000aabbccdd', 'hex');
  it.each([
    ['a second frame', (p: Buffer) => Buffer.concat([zstd(p), zstd(p)]), 'frame_trailing'],
    ['a skippable frame first', (p: Buffer) => Buffer.concat([skippable, zstd(p)]), 'frame_skippable'],
    ['a skippable frame behind', (p: Buffer) => Buffer.concat([zstd(p), skippable]), 'frame_trailing'],
    ['a byte behind', (p: Buffer) => Buffer.concat([zstd(p), Buffer.of(0)]), 'frame_trailing'],
    ['a frame cut off', (p: Buffer) => zstd(p).subarray(0, -1), 'frame_malformed'],
    ['no zstd', (p: Buffer) => p, 'frame_malformed'],
    ['a bomb', () => zstd(Buffer.alloc(300_000_000)), 'plain_bytes_mismatch'],
    ['less than it says', (p: Buffer) => zstd(p.subarray(0, 10)), 'plain_bytes_mismatch'],
    ['other records', (p: Buffer) => zstd(Buffer.from(p.toString().replace('u_1', 'u_2'))), 'range_mismatch'],
    [
      'a checksum that is wrong',
      (p: Buffer) => {
        const z = zstd(p);
        z[z.length - 1]! ^= 1;
        return z;
      },
      'frame_corrupt',
    ],
  ])('%s', async (_what, compress, code) => {
    expect(await found(2, { records, compress })).toContain(code);
  });

  it.each([
    ['no last LF', (all: readonly string[]) => Buffer.from(all.join('\n')), 'record_unended'],
    ['an empty line behind', (all: readonly string[]) => Buffer.from(`${all.join('\n')}\n\n`), 'record_json'],
    [
      'bytes that are not UTF-8',
      (all: readonly string[]) => Buffer.from(`${all.join('\n')}\n`.replace('u_1', '\xff\xfe\xfd'), 'latin1'),
      'record_json',
    ],
    [
      'fewer records',
      (all: readonly string[]) => Buffer.from(`${all.slice(1).join('\n')}\n`),
      'count_mismatch',
    ],
  ])('%s', async (_what, plain, code) => {
    expect(await found(2, { records, plain })).toContain(code);
  });

  it('a record over 16 MiB', async () => {
    const large = `{"kind":"x","v":"${'a'.repeat(16 * 1024 * 1024)}"}`;
    expect(await found(2, { records: { default: [...lines, large] } })).toContain('record_too_large');
  });
});
