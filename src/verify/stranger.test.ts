/**
 * What somebody found who wrote a verifier from FORMAT.md alone: lies that were signed and chained and passed, and
 * honest trails that did not. Each test is one of his.
 */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  change,
  genesis,
  honestDrafts,
  type Loose,
  type SealDraft,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { signerOf, signNote } from '../trail/note.ts';
import { exitStatus } from './report.ts';

type Edit = (drafts: SealDraft[]) => void;
async function codesOf(edit: Edit): Promise<string[]> {
  const drafts = honestDrafts();
  edit(drafts);
  return (await verified(await buildTrail(drafts))).codes;
}
const lie =
  (number: number, more: (seal: Loose) => void): Edit =>
  (drafts) => {
    drafts[number] = { ...drafts[number]!, lie: more };
  };
const put =
  (number: number, records: SealDraft['records'], source?: Loose): Edit =>
  (drafts) => {
    drafts[number] = { ...drafts[number]!, records, ...(source === undefined ? {} : { source }) };
  };
const at = (number: number, index: number, transaction: Loose, more: Loose = {}): string =>
  change(number, index, {
    transaction: { id: `7${number}`, position: `0/${number}`, number, index, ...transaction },
    ...more,
  });

describe('an unfinished transaction', () => {
  it('goes on at its own position, also where the next seal has no partial', async () => {
    const moved = put(3, { default: [at(3, 4, { position: '0/9' })], money: [change(4, 1)] });
    expect(await codesOf(moved)).toContain('record_transaction');
    const drafts = honestDrafts();
    moved(drafts);
    // Only the seal before tells, where its records are not read.
    expect((await verified(await buildTrail(drafts), { since: 3 })).codes).toContain('partial_rule');
    const mixed = put(3, { default: [change(3, 4), at(3, 5, { position: '0/9' })], money: [change(4, 1)] });
    expect(await codesOf(mixed)).toContain('record_transaction');
  });

  it('has a record, here or before', async () => {
    const unfinished = { from: 'p2', through: 'p2', transactions: 2, partial: { position: '0/3', next: 5 } };
    expect(
      await codesOf((d) => {
        d[1] = { ...d[1]!, reason: 'stop', source: unfinished };
      }),
    ).toContain('partial_rule');
    const nothing = { from: 'p0', through: 'p0', transactions: 0, partial: { position: '0/1', next: 5 } };
    expect(await codesOf(put(0, { trail: [genesis()] }, nothing))).toContain('partial_rule');
  });

  it('stays where it is while nothing behind it is sealed', async () => {
    const still = { from: 'p2', transactions: 3, partial: { position: '0/3', next: 5 } };
    const through = put(3, { default: [change(3, 4)] }, { ...still, through: 'p3' });
    expect(await codesOf(through)).toContain('partial_rule');
    const another = put(
      3,
      { default: [change(3, 4), change(4, 1)] },
      { ...still, through: 'p2', transactions: 4 },
    );
    expect(await codesOf(another)).toContain('partial_rule');
  });
});

describe('the records of a transaction', () => {
  const others: [string, Loose, Loose][] = [
    ['another id', { id: '8' }, {}],
    ['another position', { position: '0/9' }, {}],
    ['another time', {}, { time: '2026-11-21T20:00:02.000000Z' }],
  ];
  it.each(others)('agree: %s, in one segment, over two, over two seals', async (_what, transaction, more) => {
    const other = (number: number, index: number) => at(number, index, transaction, more);
    const one = put(0, { trail: [genesis()], default: [change(1, 1), other(1, 2), change(2, 1)] });
    expect(await codesOf(one)).toContain('record_transaction');
    const two = put(0, { trail: [genesis()], default: [change(1, 1), change(2, 1)], money: [other(1, 2)] });
    expect(await codesOf(two)).toContain('record_transaction');
    const seals = put(3, { default: [other(3, 4), change(4, 1)] });
    expect((await codesOf(seals)).some((code) => ['record_transaction', 'partial_rule'].includes(code))).toBe(
      true,
    );
  });

  it('agree whatever the spelling of their texts', async () => {
    const escaped = change(1, 2).replace('"position":"0/1"', '"position":"\\u0030/1"');
    expect(
      await codesOf(put(0, { trail: [genesis()], default: [change(1, 1), escaped, change(2, 1)] })),
    ).toEqual([]);
    const over = { trail: [genesis()], default: [change(1, 1), change(2, 1)], money: [escaped] };
    expect(await codesOf(put(0, over))).toEqual([]);
  });

  it('do not share a position with the next one', async () => {
    const same = at(2, 1, { position: '0/1' });
    expect(await codesOf(put(0, { trail: [genesis()], default: [change(1, 1), same] }))).toContain(
      'record_transaction',
    );
    const over = { trail: [genesis()], default: [change(1, 1)], money: [same] };
    expect(await codesOf(put(0, over))).toContain('record_transaction');
    const seals = put(4, { default: [at(5, 1, { position: '0/4' })] });
    expect(await codesOf(seals)).toContain('record_transaction');
  });

  it.each([{ id: undefined }, { id: 7 }, { id: '' }, { position: '' }, { position: undefined }])(
    'say which: %j',
    async (more) => {
      expect(await codesOf(put(4, { default: [at(5, 1, more)] }))).toContain('record_member');
    },
  );
});

describe('a newest seal that was spoiled', () => {
  const spoil = async (how: (bytes: Buffer) => Buffer) => {
    const objects = await buildTrail(honestDrafts());
    const key = 'seals/000000000004';
    return await verified(objects.set(key, how(objects.get(key)!)));
  };
  const cases: [string, (b: Buffer) => Buffer][] = [
    ['a byte appended', (b) => Buffer.concat([b, Buffer.of(0x20)])],
    ['an LF appended', (b) => Buffer.concat([b, Buffer.of(0x0a)])],
    ['its blank line gone', (b) => Buffer.from(b.toString().replace('\n\n', '\n'))],
    ['line breaks in its JSON', (b) => Buffer.from(b.toString().replace('"stop"', '"s\n\nop"'))],
    ['over 1 MiB', (b) => Buffer.concat([Buffer.alloc(1024 * 1024, 'x'), b])],
    [
      'junk before the note',
      (b) => Buffer.from(`junk${b.toString().slice(b.toString().indexOf('\n\n') + 2)}`),
    ],
    ['bytes of no text before it', (b) => Buffer.concat([Buffer.of(0xff, 0), b])],
    ['another line of signature', (b) => Buffer.concat([b, Buffer.from('hello\n')])],
  ];
  it.each(cases)('is a finding: %s', async (_what, how) => {
    expect((await spoil(how)).codes).toContain('head_behind');
  });

  it('every byte of it gone or changed is a finding or in its signature, and none is silence', async () => {
    const whole = (await buildTrail(honestDrafts())).get('seals/000000000004')!;
    const note = whole.lastIndexOf('\n\n') - 80;
    for (let i = 0; i < note; i += 37) {
      const verdict = await spoil((b) => Buffer.concat([b.subarray(0, i), b.subarray(i + 1)]));
      expect(verdict.codes, `byte ${i}`).toContain('head_behind');
    }
    for (let i = note; i < whole.length; i++) {
      const verdict = await spoil((b) => Buffer.concat([b.subarray(0, i), b.subarray(i + 1)]));
      expect(verdict.counts.findings + verdict.counts.notices, `byte ${i}`).toBeGreaterThan(0);
    }
  });

  it('but an older checkpoint of the key, in junk, stays a notice', async () => {
    const objects = await buildTrail(honestDrafts());
    const old = objects.get('seals/000000000002')!;
    objects.set('seals/000000000005', Buffer.concat([Buffer.from('junk'), old]));
    expect(await verified(objects)).toMatchObject({ result: 'ok', counts: { notices: 1 } });
  });
});

describe('members', () => {
  it('of seals: an idle one is empty, only seal 0 names a key, nor has it gaps', async () => {
    expect(
      await codesOf(
        lie(2, (s) => {
          s['reason'] = 'idle';
        }),
      ),
    ).toContain('seal_counts');
    expect(
      await codesOf(
        lie(1, (s) => {
          s['log_key'] = null;
        }),
      ),
    ).toContain('log_key_mismatch');
    expect(
      await codesOf(
        lie(0, (s) => {
          s['gaps'] = [{ from: 'o', to: 'p0' }];
        }),
      ),
    ).toContain('source_gap');
  });

  const gap = (more: Loose = {}) =>
    JSON.stringify({ kind: 'gap', time: 't', from: 'p2', to: 'p2', reason: 'r', ...more });
  it('of gaps: each has a record of its own', async () => {
    const gaps =
      (records: string[]): Edit =>
      (drafts) => {
        const more = { from: 'p2', through: 'p2', transactions: 2 };
        drafts[1] = {
          records: { trail: records },
          source: more,
          reason: 'gap',
          lie: (s) => {
            s['gaps'] = [
              { from: 'p2', to: 'p2' },
              { from: 'p2', to: 'p2' },
            ];
          },
        };
      };
    expect(await codesOf(gaps([gap()]))).toEqual(['gap_unrecorded']);
    expect(await codesOf(gaps([gap(), gap(), gap({ to: 'x' })]))).toEqual([]);
    expect(await codesOf(gaps([gap({ reason: undefined }), gap(), gap()]))).toContain('record_member');
  });

  const wrong: [string, Loose][] = [
    ['actor.type', { actor: { type: 'robot' } }],
    ['tier', { attribution: { tier: 'zz' } }],
    ['action', { action: 'merge' }],
    ['outcome', { outcome: 'failure' }],
    ['no outcome', { outcome: undefined }],
    ['time without microseconds', { time: '2026-11-21T20:00:01.000Z' }],
    ['time, a word', { time: 'yesterday' }],
    ['target without key', { target: { schema: 'public', table: 'orders' } }],
    ['target without schema', { target: { table: 'orders', key: {} } }],
    ['truncate without options', { action: 'truncate', image: undefined, patch: undefined }],
  ];
  it.each(wrong)('of changes: %s', async (_what, more) => {
    expect(await codesOf(put(4, { default: [change(5, 1, more)] }))).toContain('record_member');
  });

  it('of other kinds; of unknown kinds none', async () => {
    const beside = (line: string) => put(4, { trail: [line], default: [change(5, 1)] });
    for (const kind of ['lifecycle', 'gap', 'tamper', 'ddl']) {
      expect(await codesOf(beside(JSON.stringify({ kind }))), kind).toContain('record_member');
    }
    const relation = (more: Loose) =>
      put(4, {
        default: [JSON.stringify({ kind: 'relation', target: {}, columns: [], ...more }), change(5, 1)],
      });
    expect(await codesOf(relation({ class: 'money' }))).toContain('record_class');
    expect(await codesOf(relation({ class: 'default' }))).toEqual([]);
    expect(await codesOf(beside('{"kind":"later","actor":7}'))).toEqual([]);
    const bare = genesis().replace('"source":{"type":"made"},', '');
    expect(await codesOf(put(0, { trail: [bare], default: [change(1, 1), change(2, 1)] }))).toContain(
      'record_member',
    );
  });

  const row = { action: 'insert', patch: [{ op: 'add', path: '', value: { id: '42', x: 'v' } }] };
  it.each([
    ['mask', 'v'],
    ['hmac', 'k1:v'],
    ['sha256', 'v'],
    ['bytes', 'x41'],
    ['bytes', '\\xAB'],
    ['json', 7],
  ])('of encoded: %s is not %j', async (kind, value) => {
    const patch = [{ op: 'add', path: '', value: { id: '42', x: value } }];
    const line = change(5, 1, { ...row, patch, encoded: { '/patch/0/value/x': kind } });
    expect(await codesOf(put(4, { default: [line] }))).toContain('record_encoded');
  });

  it.each([
    ['mask', null],
    ['hmac', `k1:${Buffer.alloc(32).toString('base64')}`],
    ['sha256', `${'0'.repeat(64)}:0`],
    ['bytes', '\\x00ff'],
    ['json', '1e400'],
    ['later', 7],
  ])('of encoded: %s is %j', async (kind, value) => {
    const patch = [{ op: 'add', path: '', value: { id: '42', x: value } }];
    const line = change(5, 1, { ...row, patch, encoded: { '/patch/0/value/x': kind } });
    expect(await codesOf(put(4, { default: [line] }))).toEqual([]);
  });
});

describe('patches', () => {
  const test = (path: string, value: unknown) => ({ op: 'test', path, value });
  const remove = { op: 'remove', path: '' };
  const of = (more: Loose) => codesOf(put(4, { default: [change(5, 1, more)] }));

  it('of deletes that know the key only test the key', async () => {
    const gone = (patch: Loose[], more: Loose = {}) =>
      of({ action: 'delete', image: 'key', patch: [...patch, remove], ...more });
    expect(await gone([test('/id', '42')])).toEqual([]);
    expect(await gone([test('/other', '1')], { target: { schema: 's', table: 't', key: null } })).toEqual([]);
    // An identity index that is not the primary key is sent beside it, or instead of it.
    expect(await gone([test('/id', '42'), test('/code', 'x')])).toEqual([]);
    expect(await gone([])).toContain('patch_malformed');
    expect(await gone([test('', { id: '42' })])).toContain('patch_malformed');
    expect(await gone([test('/id', '42'), test('/id', '42')])).toContain('patch_malformed');
    expect(await gone([test('/id', '43')])).toContain('patch_inapplicable');
  });

  it('reach no place twice', async () => {
    const add = (path: string) => ({ op: 'add', path, value: 'n' });
    const replace = (path: string) => ({ op: 'replace', path, value: 'n' });
    expect(await of({ patch: [add('/x'), test('/x', 'n'), replace('/x')] })).toContain('patch_malformed');
    expect(
      await of({
        patch: [
          test('/x/0', 'a'),
          { op: 'remove', path: '/x/0' },
          test('/x/0', 'b'),
          { op: 'remove', path: '/x/0' },
        ],
      }),
    ).toContain('patch_malformed');
    expect(await of({ image: 'key', patch: [test('/x/a', 'n'), replace('/x/a'), replace('/x')] })).toContain(
      'patch_malformed',
    );
    expect(await of({ patch: [test('/x/a', 'n'), replace('/x/a'), add('/x!'), add('/x/ab')] })).toEqual([]);
    expect(await of({ patch: [test('/x', 'n'), { op: 'remove', path: '/x', value: 1 }] })).toEqual([]);
  });
});

describe('expiry', () => {
  const DAY = 86_400_000;
  /** Seals of three days, each with its date, kept for `keep[i]` days. */
  const ageing = (keep: number[], more: (seal: Loose, i: number, until: string[]) => void) => {
    const until = keep.map(
      (days, i) => `${new Date(Date.UTC(2026, 0, 1 + i + days)).toISOString().slice(0, 10)}T00:00:00Z`,
    );
    return buildTrail(
      keep.map(
        (_, i): SealDraft => ({
          records: i === 0 ? { trail: [genesis()] } : {},
          source: { from: 'p', through: 'p', transactions: 0 },
          sealedAt: `2026-01-0${i + 1}T00:00:00.000Z`,
          reason: i === 0 ? 'start' : 'idle',
          lie: (seal) => {
            seal['retain_until'] = until[i];
            for (const entry of seal['segments']) entry.retain_until = until[i];
            more(seal, i, until);
          },
        }),
      ),
    );
  };
  const saying = (seal: Loose, i: number, until: string[]) => {
    if (i > 0) seal['previous_retain_until'] = until[i - 1];
  };
  const now = new Date(Date.UTC(2026, 0, 31) + 1);

  it('of first seals is what the first one left says of the one before it', async () => {
    const objects = await ageing([30, 900, 900], saying);
    objects.delete('seals/000000000000');
    expect((await verified(objects, { now })).codes).toEqual([]);
    expect((await verified(objects, { now: new Date(now.getTime() - DAY) })).codes).toEqual(['seal_missing']);
    const two = await ageing([30, 30, 900], saying);
    two.delete('seals/000000000000');
    two.delete('seals/000000000001');
    expect((await verified(two, { now })).codes).toEqual(['seal_missing']);
  });

  // Whoever may write to the bucket could else make every later verification cry tampering, for ever.
  it('leaves a place where what anybody puts is junk, and no finding', async () => {
    const objects = await ageing([30, 900, 900], saying);
    objects.set('seals/000000000000', Buffer.alloc(500, 'j'));
    const verdict = await verified(objects, { now });
    expect([verdict.codes, verdict.noticed, exitStatus(verdict, false)]).toEqual([[], ['seal_junk'], 0]);
    expect((await verified(objects, { now: new Date(now.getTime() - DAY) })).codes).toEqual([
      'seal_malformed',
    ]);
  });

  it('leaves segments behind that are no residue', async () => {
    const objects = await ageing([30, 900, 900], saying);
    objects.delete('seals/000000000000');
    const verdict = await verified(objects, { now });
    expect([verdict.notices, exitStatus(verdict, true)]).toEqual([[], 0]);
  });

  it('comes in the order of the numbers, and what is said of it is so', async () => {
    expect((await verified(await ageing([90, 30, 30], saying))).codes).toEqual(['retention_rule']);
    const other = await ageing([30, 90, 90], (seal, i) => {
      if (i === 1) seal['previous_retain_until'] = '2026-01-30T00:00:00Z';
    });
    expect((await verified(other)).codes).toEqual(['retention_rule']);
    const first = await ageing([30], (seal) => {
      seal['previous_retain_until'] = '2026-01-30T00:00:00Z';
    });
    expect((await verified(first)).codes).toContain('seal_member');
  });
});

describe('a key', () => {
  it.each(['a/seals', 'A/b', 'a//b', 'a_b'])('whose name is no trail’s could not check: %s', async (name) => {
    const { key } = signerOf(name, Buffer.alloc(32, 1)).signer;
    const verdict = await verified(await buildTrail(honestDrafts()), { key });
    expect(verdict.codes).toEqual(['key_name']);
    expect([exitStatus(verdict, false), verdict.trust.how]).toEqual([2, 'none']);
  });

  it('of another origin that signed more leaves is no junk', async () => {
    const { signer } = signerOf('audit.example.com/made', Buffer.alloc(32, 1));
    const note = await signNote(`else.example\n999\n${Buffer.alloc(32).toString('base64')}\n`, [signer]);
    const objects = (await buildTrail(honestDrafts())).set('seals/000000000005', Buffer.from(note));
    expect((await verified(objects)).codes).toContain('head_behind');
  });
});
