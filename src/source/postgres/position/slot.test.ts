import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import { decideOpening, type OpeningFacts, type SlotState } from './slot.ts';

const SLOT: SlotState = {
  plugin: 'pgoutput',
  slotType: 'logical',
  database: 'shop',
  temporary: false,
  active: false,
  activePid: null,
  twoPhase: false,
  walStatus: 'reserved',
  invalidationReason: null,
  confirmedFlush: '0/100',
};

function facts(change: {
  through?: string | null;
  accept?: string;
  partial?: string;
  incarnation?: string | null;
  slot?: Partial<SlotState> | null;
  server?: Partial<OpeningFacts['server']>;
}): OpeningFacts {
  return {
    slotName: 'rowseal',
    plugin: 'pgoutput',
    database: 'shop',
    resume: {
      through: change.through === undefined ? '0/200' : change.through,
      incarnation: change.incarnation === undefined ? '42/3' : change.incarnation,
      acceptGap: change.accept ?? null,
      partial: change.partial ?? null,
    },
    server: { systemIdentifier: '42', timeline: 3, flushed: '0/900', forkedAt: null, ...change.server },
    slot: change.slot === null ? null : { ...SLOT, ...change.slot },
  };
}

function outcome(change: Parameters<typeof facts>[0]) {
  try {
    return decideOpening(facts(change));
  } catch (error) {
    return (error as RowsealError).code;
  }
}

describe('opening', () => {
  test('goes on at or behind the last seal', () => {
    expect(outcome({})).toEqual({ action: 'use', start: '0/200', gap: null });
    expect(outcome({ slot: { confirmedFlush: '0/200' } })).toEqual({
      action: 'use',
      start: '0/200',
      gap: null,
    });
    expect(outcome({ slot: { walStatus: 'unreserved' } })).toMatchObject({ action: 'use' });
  });

  test('a new trail', () => {
    const fresh = { through: null, incarnation: null };
    expect(outcome({ ...fresh, slot: null })).toEqual({ action: 'create', start: null, gap: null });
    expect(outcome(fresh)).toEqual({ action: 'use', start: '0/100', gap: null });
    expect(outcome({ ...fresh, slot: { active: true } })).toBe('slot_in_use');
    expect(outcome({ ...fresh, slot: { walStatus: 'lost' } })).toBe('slot_lost');
  });

  test.each<[string, Parameters<typeof facts>[0]]>([
    ['slot_missing', { slot: null }],
    ['slot_lost', { slot: { walStatus: 'lost' } }],
    ['slot_lost', { slot: { invalidationReason: 'idle_timeout' } }],
    ['slot_moved', { slot: { confirmedFlush: '0/201' } }],
    ['slot_moved', { slot: { confirmedFlush: null } }],
    ['source_changed', { incarnation: '41/3' }],
    ['source_changed', { server: { flushed: '0/1FF' } }],
    ['source_changed', { server: { timeline: 4, forkedAt: '0/150' } }],
  ])('%s, until the position is accepted that the error names', (code, change) => {
    expect(outcome(change)).toBe(code);
    expect(outcome({ ...change, accept: '0/201' })).toBe(code);
    expect(outcome({ ...change, accept: 'nonsense' })).toBe(code);
    expect(outcome({ ...change, accept: '0/200' })).toMatchObject({ gap: { from: '0/200' } });
    try {
      decideOpening(facts(change));
    } catch (error) {
      expect((error as RowsealError).message).toContain('--accept-gap=0/200');
      expect((error as RowsealError).details).toMatchObject({ accept_gap: '0/200' });
    }
  });

  test('what follows an accepted gap', () => {
    const accept = '0/200';
    expect(outcome({ slot: null, accept })).toMatchObject({ action: 'create', start: null });
    expect(outcome({ slot: { walStatus: 'lost' }, accept })).toMatchObject({
      action: 'recreate',
      start: null,
    });
    expect(outcome({ slot: { confirmedFlush: '0/300' }, accept })).toMatchObject({
      action: 'use',
      start: '0/300',
    });
    // What the new timeline wrote behind the fork is not skipped.
    const forked = { server: { timeline: 4, forkedAt: '0/150' }, accept };
    expect(outcome(forked)).toMatchObject({ action: 'use', start: '0/150' });
    expect(outcome({ ...forked, slot: { confirmedFlush: '0/160' } })).toMatchObject({
      action: 'use',
      start: '0/160',
    });
  });

  test('a promotion that kept the slot and all that was sealed is no gap', () => {
    expect(outcome({ server: { timeline: 4, forkedAt: '0/200' } })).toEqual({
      action: 'use',
      start: '0/200',
      gap: null,
    });
    expect(outcome({ server: { timeline: 2 } })).toBe('source_changed');
    expect(outcome({ server: { timeline: 2 }, accept: '0/200' })).toBe('source_changed');
  });

  // The seal ended inside a transaction whose commit the promoted standby never got. The stream then went on with
  // another transaction, was refused as strayed at every start, and no --accept-gap could help.
  test('a server that never had the transaction that the last seal ends inside of', () => {
    const promoted = { partial: '0/240', server: { timeline: 4, forkedAt: '0/210' } };
    expect(outcome(promoted)).toBe('source_changed');
    expect(outcome({ ...promoted, accept: '0/200' })).toMatchObject({
      action: 'use',
      start: '0/210',
      gap: { from: '0/200' },
    });
    expect(outcome({ ...promoted, server: { timeline: 4, forkedAt: '0/240' } })).toBe('source_changed');
    expect(outcome({ ...promoted, server: { timeline: 4, forkedAt: '0/241' } })).toMatchObject({ gap: null });
    // A gap moves on, be it by what stands at the fork itself: the switch, which is no commit.
    expect(
      outcome({ ...promoted, server: { timeline: 4, forkedAt: '0/200' }, accept: '0/200' }),
    ).toMatchObject({
      start: '0/201',
      gap: { from: '0/200' },
    });
    expect(outcome({ partial: '0/240', server: { flushed: '0/230' } })).toBe('source_changed');
    expect(outcome({ partial: '0/240' })).toMatchObject({ gap: null });
    // Moved, but not over that commit: nothing is missing, and from its beginning again it would be there twice.
    const moved = { partial: '0/240', slot: { confirmedFlush: '0/240' } };
    expect(outcome(moved)).toBe('slot_moved');
    expect(outcome({ ...moved, accept: '0/200' })).toEqual({ action: 'use', start: '0/200', gap: null });
  });

  test.each<Partial<SlotState>>([
    { plugin: 'test_decoding' },
    { database: 'other' },
    { slotType: 'physical', plugin: null, database: null },
    { temporary: true },
    { twoPhase: true },
  ])('%o is a slot of another kind', (slot) => {
    expect(outcome({ slot })).toBe('source_misconfigured');
    expect(outcome({ slot, accept: '0/200' })).toBe('source_misconfigured');
    expect(outcome({ slot, through: null })).toBe('source_misconfigured');
  });

  test('a slot in use is retryable', () => {
    expect(outcome({ slot: { active: true, activePid: '7' } })).toBe('slot_in_use');
    expect(new RowsealError('slot_in_use', '').retryable).toBe(true);
  });
});
