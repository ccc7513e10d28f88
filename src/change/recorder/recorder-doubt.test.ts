import { describe, expect, test } from 'vitest';
import { relation } from '../../../test/support/plain-record.ts';
import {
  changes,
  columns,
  type Event,
  left,
  orders,
  play,
  recorderWith,
  row,
  session,
  watched,
  who,
} from '../../../test/support/recorder-play.ts';
import type { Relation } from '../change.ts';
import { compilePolicy } from '../policy/policy.ts';

// A partition detached or dropped before its last rows were read has no ancestors any more; rules that name its parent
// left its rows out, and nothing said so.
describe('a relation whose ancestors are lost', () => {
  const lost = relation(columns, { id: '5', schema: 'other', table: 'events_2025', ancestry: 'lost' });
  test('left out though it may be a partition of what is recorded: each transaction is a gap, in order', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [row(left), row(lost), row(lost), row(orders)]);
    play(recorder, 2, [row(orders)]);
    play(recorder, 3, [{ truncate: [left, lost] }]);
    const kinds = records.map(({ text: each }) => JSON.parse(each)).filter(({ kind }) => kind !== 'relation');
    expect(kinds.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'gap shop:1:2',
      'change shop:1:4',
      'change shop:2:1',
      'gap shop:3:2',
    ]);
    expect(kinds[0]).toEqual({
      kind: 'gap',
      id: 'shop:1:2',
      time: '2026-11-21T20:18:33.123456Z',
      from: '0/0',
      to: '0/10',
      reason: 'ancestry_unknown',
      details: { schema: 'other', table: 'events_2025', partition_of: [], gone: false },
      transaction: { id: '71', position: '0/10', number: 1, index: 2 },
    });
    expect([kinds[3].from, kinds[3].to]).toEqual(['0/28', '0/30']);
    expect(recorder.counters.skipped).toBe(5);
  });
  test('a gap is no gap where no rule could record it', () => {
    const never = compilePolicy({ tables: [{ match: 'public.*' }, { match: 'other.*', exclude: true }] });
    const { recorder, records } = recorderWith({ policy: never });
    play(recorder, 1, [row(lost), row(left)]);
    expect(records).toEqual([]);
  });
  test('a transaction that an earlier run ended inside of tells its gap once', () => {
    const cut = { through: '0/8', transactions: 1, partial: { position: '0/10', next: 3 } };
    const { recorder, records } = recorderWith({ resume: cut });
    play(recorder, 1, [row(lost), row(orders), row(orders)]);
    expect(changes(records)).toHaveLength(1);
  });
  test('whatever a lost ancestor could withhold is withheld, and the relation record says so', () => {
    const rules = [{ match: '*.*' }, { match: 'other.events', columns: { v: 'mask' } }] as const;
    const { recorder, records } = recorderWith({ policy: compilePolicy({ tables: rules }) });
    play(recorder, 1, [row(lost, 'secret')]);
    const [described, change] = records.map(({ text: each }) => JSON.parse(each));
    expect(described).toMatchObject({ ancestry: 'lost', columns: [{}, { name: 'v', redaction: 'mask' }] });
    expect(change).toMatchObject({
      patch: [{ value: { id: 1, v: null } }],
      encoded: { '/patch/0/value/v': 'mask' },
    });
    expect(JSON.stringify(records)).not.toContain('secret');
  });
});

// Its context trigger was dropped before its backlog was read: its rows went ahead of the word that was theirs.
describe('a relation that may have had our trigger', () => {
  const lost = relation(columns, {
    id: '6',
    table: 'lost',
    primaryKey: ['id'],
    contextTriggerLost: ['16400'],
  });
  const gone = relation(columns, { id: '7', table: 'gone', primaryKey: ['id'], contextTriggerLost: [] });
  const update = (of: Relation): Event => ({ update: of });
  test('its updates take the word of its trigger, and of no other table', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [update(lost), session('u1', { relid: '16400' }), update(lost)]);
    play(recorder, 2, [update(lost), update(watched), session('u2', { relid: '9' })]);
    play(recorder, 3, [update(gone), row(gone), session('u3', { relid: '10' })]);
    play(recorder, 4, [update(lost), row(orders)]);
    expect(who(records)).toEqual([
      'shop:1:1 session u1',
      'shop:1:3 session u1',
      'shop:2:1 none unknown',
      'shop:2:2 session u2',
      'shop:3:1 session u3',
      'shop:3:2 session u3',
      'shop:4:1 none unknown',
      'shop:4:2 none unknown',
    ]);
  });
  test('its inserts do not wait, and its updates not without bound', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [
      row(lost),
      ...Array.from({ length: 20_000 }, () => update(lost)),
      session('u1', { relid: '16400' }),
    ]);
    expect(recorder.counters.waited).toBeGreaterThan(1000);
    expect(recorder.counters.waited).toBeLessThan(19_000);
    const told = records.map(({ text }) => JSON.parse(text)).filter(({ kind }) => kind === 'change');
    expect(told).toHaveLength(20_001);
    expect(new Set(told.map(({ attribution }) => attribution.tier))).toEqual(new Set(['none']));
  });
});
