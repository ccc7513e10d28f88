/** A relation whose redaction has no column comes in the middle of what is recorded, waits, and was sealed. */
import { expect, test } from 'vitest';
import { column, relation } from '../../../test/support/plain-record.ts';
import { play, recorderWith, row, session } from '../../../test/support/recorder-play.ts';
import { compilePolicy } from '../policy/policy.ts';

const of = (name: string, contextTrigger: boolean) =>
  relation([column('id', { as: 'number' }, true), column(name, { as: 'string' })], {
    table: 'payments',
    oid: 7,
    contextTrigger,
  });
const policy = compilePolicy({ tables: [{ match: 'public.payments', columns: { card: 'mask' } }] });

test('what was recorded stays, nothing of it is, and progress stands before it', () => {
  const { recorder, records } = recorderWith({ policy });
  play(recorder, 1, [row(of('card', false), 'SECRET-1')]);
  expect(() =>
    play(recorder, 2, [row(of('card', false), 'SECRET-2'), row(of('pan', false), 'SECRET-3')]),
  ).toThrow(expect.objectContaining({ code: 'redaction_unmatched' }));
  expect(records.map(({ text }) => JSON.parse(text).kind)).toEqual(['relation', 'change', 'change']);
  expect(JSON.stringify(records)).not.toContain('SECRET');
  expect(recorder.progress()).toEqual({
    through: '0/18',
    transactions: 2,
    partial: { position: '0/20', next: 2 },
  });
});

test('rows that wait for their context are redacted already, and come again', () => {
  const { recorder, records } = recorderWith({ policy });
  play(recorder, 1, [row(of('card', true), 'SECRET-1'), session('u1')]);
  const told = records.length;
  expect(() =>
    play(recorder, 2, [row(of('card', true), 'SECRET-2'), row(of('pan', true), 'SECRET-3')]),
  ).toThrow(expect.objectContaining({ code: 'redaction_unmatched' }));
  expect(records).toHaveLength(told);
  expect(recorder.waitingBytes()).toBeGreaterThan(0);
  expect(recorder.progress()).toEqual({ through: '0/18', transactions: 1, partial: null });
});
