/**
 * What seals and records of level 2 say of records before them: where the policy stands, what is open, who answered for
 * it, how many sessions a log told. Honest, lied about and signed again; and where what they point at is not there.
 */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  type Loose,
  laterGenesis,
  ofLevel2,
  type SealDraft,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { sealPath } from '../trail/names.ts';

const time = '2026-11-21T20:01:04.000Z';
const line = (record: Loose): string => JSON.stringify(record);
const lifecycle = (event: string): string => line({ kind: 'lifecycle', time, event, details: {} });
const gap = (reason = 'ancestry_unknown'): string => line({ kind: 'gap', time, from: 'a', to: 'b', reason });
const tamper: string = line({ kind: 'tamper', what: 'trigger_disabled', details: {} });
const acknowledged = (leaf: number): string =>
  line({ kind: 'acknowledged', time, leaf, reason: 'seen', who: {} });
const auth = (number: unknown, id = `made:log:${number}`): string =>
  line({
    kind: 'auth',
    id,
    time,
    actor: { type: 'login' },
    attribution: { tier: 'logged' },
    outcome: 'success',
    action: 'login',
    target: {},
  });

type Lines = readonly string[] | SealDraft['records'];

/** A seal at which nothing moves on but these records (of class trail, or by class), with this state. */
function seal(records: Lines, state?: Loose): SealDraft {
  const byClass = Array.isArray(records) ? (records.length === 0 ? {} : { trail: records }) : records;
  return {
    records: byClass as SealDraft['records'],
    source: { from: 'p', through: 'p', transactions: 0, ...(state === undefined ? {} : { state }) },
    reason: 'age',
  };
}

/** Leaves 0 to 3: genesis, started, capture, seal 0. */
const begun = (state: Loose = { policy: 1, capture: 2 }): SealDraft =>
  seal([laterGenesis(), lifecycle('started'), lifecycle('capture')], state);
/** Leaves 4 to 7: a gap, a tamper record, a relation, seal 1. */
const alarmed = (open: readonly number[] = [4, 5]): SealDraft =>
  seal(
    {
      trail: [gap(), tamper],
      default: [line({ kind: 'relation', class: 'default', target: {}, columns: [] })],
    },
    { policy: 1, capture: 2, open },
  );
/** Leaf 8 and what follows. */
const then = (records: Lines, state: Loose = {}): SealDraft =>
  seal(records, { policy: 1, capture: 2, ...state });

interface Found {
  readonly codes: string[];
  readonly messages: string;
}

async function found(
  drafts: SealDraft[],
  options: Loose & { gone?: string; now?: Date } = {},
): Promise<Found> {
  const objects = await buildTrail(ofLevel2(drafts));
  const { gone, ...rest } = options;
  for (const key of objects.keys()) if (gone !== undefined && key.startsWith(gone)) objects.delete(key);
  const verdict = await verified(objects, rest);
  return { codes: verdict.codes, messages: verdict.findings.map(({ message }) => message).join('\n') };
}
const codes = async (drafts: SealDraft[], options: Loose = {}) => (await found(drafts, options)).codes;

describe('the state in a seal', () => {
  it('points at the last policy and the last capture', async () => {
    expect(await codes([begun()])).toEqual([]);
    expect(await codes([begun({})])).toEqual([]);
    expect(await codes([begun(), then([]), then([lifecycle('tables')], { policy: 5 })])).toEqual([]);
    const more = [lifecycle('source_reincarnated'), lifecycle('capture'), lifecycle('stopped')];
    expect(await codes([begun(), then(more, { policy: 4, capture: 5 })])).toEqual([]);
    expect(await codes([begun(), seal([]), then([])])).toEqual(['state_rule']);
  });

  it.each<[string, SealDraft[], RegExp]>([
    ['an earlier policy', [begun(), then([lifecycle('tables')])], /last policy is leaf 1: it is leaf 4/],
    ['an earlier capture', [begun(), then([lifecycle('capture')])], /last capture is leaf 2: it is leaf 4/],
    ['another record', [begun({ policy: 0 })], /last policy is leaf 0: it is leaf 1/],
    ['none', [seal([laterGenesis()], { policy: 0 })], /last policy is leaf 0: there is none/],
    ['its own leaf', [begun({ policy: 3 })], /points at leaf 3, which is not before/],
    ['open beyond', [begun({ open: [9] })], /points at leaf 9, which is not before/],
    ['no policy any more', [begun(), then([], { policy: undefined })], /lacks the policy/],
    ['no capture any more', [begun(), then([], { capture: undefined })], /lacks the capture/],
  ])('does not point at %s', async (_what, drafts, said) => {
    const { codes: found_, messages } = await found(drafts);
    expect(found_).toEqual(['state_rule']);
    expect(messages).toMatch(said);
  });

  it('means nothing at level 1, whose records it may point at', async () => {
    const drafts = [begun({ policy: 99, open: 'x' }), then([])];
    const levels = ofLevel2(drafts);
    levels[0] = drafts[0]!;
    expect((await verified(await buildTrail(levels))).codes).toEqual([]);
    levels[1] = ofLevel2([then([], { policy: 0 })])[0]!;
    expect((await verified(await buildTrail(levels))).codes).toEqual(['state_rule']);
  });

  it('names what is open: gap and tamper records, of level 2, that nobody answered for', async () => {
    expect(await codes([begun(), alarmed()])).toEqual([]);
    expect(await codes([begun(), alarmed([5])])).toEqual([]);
    expect(await codes([begun(), alarmed(), then([acknowledged(4)], { open: [5] })])).toEqual([]);
    const answered = await found([begun(), alarmed(), then([acknowledged(4)], { open: [4, 5] })]);
    expect(answered).toMatchObject({
      codes: ['state_rule'],
      messages: expect.stringContaining('acknowledged'),
    });
    for (const leaf of [0, 1, 3, 6, 7]) {
      const open = [begun(), alarmed([]), then([], { open: [leaf] })];
      expect((await found(open)).messages, String(leaf)).toContain('no gap and no tamper record');
    }
    const accepted = [begun(), seal([gap('accepted: known')], { policy: 1, capture: 2, open: [4] })];
    expect(await codes(accepted)).toEqual(['state_rule']);
    const first = [begun({}), alarmed([]), ...ofLevel2([then([], { open: [4] })])];
    const verdict = await verified(await buildTrail(first));
    expect(verdict.findings.map(({ message }) => message)).toEqual([expect.stringContaining('of level 1')]);
  });

  it('is held to the bounds alone where what it points at was not read', async () => {
    const lies = { policy: 2, capture: 1, open: [1] };
    const drafts = [begun(), then([], lies), then([lifecycle('stopped')], lies), then([], { policy: 2 })];
    expect(await codes(drafts)).toContain('state_rule');
    expect(await codes([begun(), ...drafts.slice(1, 3)], { since: 1 })).toEqual(['state_rule']);
    // From where nothing is known but what the seal before said, that still holds.
    expect(await codes(drafts.slice(0, 3), { since: 2 })).toEqual([]);
    expect((await found(drafts, { since: 2 })).messages).toContain('last capture is leaf 2: it is leaf 1');
    const beyond = [begun(), then([], { open: [9] })];
    expect((await found(beyond, { since: 1 })).messages).toContain('not before its own');
    expect((await found(beyond, { sealsOnly: true })).messages).toContain('not before its own');
  });

  it('is not held to a segment that has expired, nor to one that is a finding itself', async () => {
    const lie = { policy: 1, capture: 2, open: [5] };
    const drafts = [begun(), alarmed(), seal([acknowledged(5)], lie)];
    const now = new Date('2099-06-01T00:00:00Z');
    expect(await codes(drafts)).toEqual(['state_rule']);
    expect(await codes(drafts, { now, gone: 'segments/' })).toEqual([]);
    expect(await codes(drafts, { gone: 'segments/trail/2026/11/21/000000000002' })).toEqual([
      'segment_missing',
    ]);
    // What lies before one that is not there may have been anything.
    const unread = { gone: 'segments/trail/2026/11/21/000000000001' };
    const behind = [begun(), alarmed([]), then([acknowledged(6)], { open: [6] })];
    expect(await codes(behind)).toEqual(['record_member', 'state_rule']);
    expect(await codes(behind, unread)).toEqual(['segment_missing']);
    const expired = { gone: 'segments/default/', now: new Date('2098-06-01T00:00:00Z') };
    expect(await codes(behind, expired)).toEqual(['record_member', 'state_rule']);
  });
});

describe('an acknowledged record', () => {
  it('answers for a gap or tamper record of any level before it', async () => {
    expect(await codes([begun(), alarmed([]), then([acknowledged(4), acknowledged(5)])])).toEqual([]);
    expect(await codes([begun(), then([tamper, acknowledged(4)])])).toEqual([]);
    const first = [begun(), alarmed([]), ...ofLevel2([then([acknowledged(5)])])];
    expect((await verified(await buildTrail(first))).codes).toEqual([]);
  });

  it.each([0, 1, 3, 6, 7])('does not answer for anything else: leaf %i', async (leaf) => {
    const objects = await buildTrail(
      ofLevel2([begun(), alarmed(), then([acknowledged(leaf)], { open: [4, 5] })]),
    );
    const { findings } = await verified(objects);
    expect(findings).toMatchObject([{ code: 'record_member', object: sealPath(2), seal: 2, leaf: 8 }]);
  });

  it('does not answer for itself, nor for what is to come', async () => {
    expect(await codes([begun(), then([acknowledged(4), tamper])])).toEqual(['record_member']);
    expect(await codes([begun(), then([acknowledged(5), tamper])])).toEqual(['record_member']);
  });
});

describe('the numbers of auth records', () => {
  const logged = (...numbers: unknown[]): SealDraft =>
    then({ default: numbers.map((number) => auth(number)) });
  const missing = 'segments/default/2026/11/21/000000000002';

  it('have no holes, over segments and seals', async () => {
    expect(await codes([begun(), logged(1, 2), then([]), logged(3), logged(4, 5)])).toEqual([]);
    const two = then({ default: [auth(2), auth(3), auth(6)], money: [auth(4), auth(5)] });
    expect(await codes([begun(), logged(1), two, logged(7)])).toEqual([]);
  });

  it.each<[string, SealDraft[], string]>([
    ['begin at 2', [begun(), logged(2)], 'record_id'],
    ['leave one out', [begun(), logged(1, 3)], 'record_id'],
    ['leave one out between seals', [begun(), logged(1), logged(3)], 'record_id'],
    ['go back', [begun(), logged(1, 3, 2)], 'record_order'],
    ['go back between seals', [begun(), logged(1, 2), logged(2)], 'record_id'],
    ['come twice', [begun(), logged(1, 1)], 'record_order'],
    ['come twice in two classes', [begun(), then({ default: [auth(1)], money: [auth(1)] })], 'record_id'],
    ['are 0', [begun(), logged(0)], 'record_id'],
    ['are written otherwise', [begun(), logged('01')], 'record_id'],
    ['are of another trail', [begun(), then({ default: [auth(1, 'else:log:1')] })], 'record_id'],
    ['are those of a change', [begun(), then({ default: [auth(1, 'made:1:1')] })], 'record_id'],
  ])('do not %s', async (_what, drafts, code) => {
    expect(await codes(drafts)).toEqual([code]);
  });

  it('go on behind what is not there', async () => {
    const drafts = [begun(), logged(1), logged(2, 3), logged(4)];
    const now = new Date('2098-06-01T00:00:00Z');
    expect(await codes(drafts, { now, gone: missing })).toEqual([]);
    expect(await codes([begun(), logged(1, 2), logged(3), logged(1)], { now, gone: missing })).toEqual([
      'record_id',
    ]);
    expect(await codes(drafts, { since: 2 })).toEqual([]);
    expect(await codes([begun(), logged(1), logged(2), logged(4)], { since: 2 })).toEqual(['record_id']);
  });
});
