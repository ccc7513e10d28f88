/** Numbers of columns and what a later daemon has to know, as the recorder tells them. */
import { expect, test } from 'vitest';
import { column, image, relation } from '../../../test/support/plain-record.ts';
import { fresh, play, recorderWith, row } from '../../../test/support/recorder-play.ts';
import { type Known, NOTHING_KNOWN } from '../known.ts';
import { compilePolicy } from '../policy/policy.ts';

const named = (...names: string[]) =>
  relation(
    names.map((name) => column(name, { as: 'string' })),
    { table: 'orders', foldsColumns: true as const },
  );
const [ab, ac] = [named('a', 'b'), named('a', 'c')];
const move = {
  schema: 'public',
  table: 'orders',
  to: { schema: 'public', table: 'orders' },
  foldsNames: false,
};
const renamed = { ...move, columns: [{ from: 'b', to: 'c' }] };

type Records = ReturnType<typeof recorderWith>['records'];
const parsed = (records: Records) => records.map(({ text }) => JSON.parse(text));
const numbersIn = (records: Records) =>
  parsed(records)
    .filter(({ kind }) => kind === 'relation')
    .map(({ columns }) => columns.map(({ number }: { number: number }) => number).join());
const started = { kind: 'lifecycle', event: 'started', details: {} } as const;

// The log's bytes were those of an earlier table, and so was the plan: its numbers would have been given twice.
test('a relation that comes again is no more what it was', () => {
  const { recorder, records } = recorderWith();
  play(recorder, 1, [row(ab, 'x'), row(ac, 'x'), row(ab, 'x'), row(ab, 'x')]);
  expect(numbersIn(records)).toEqual(['1,2', '3,4', '5,6']);
});

test('a statement that an earlier daemon went through is not gone through again', () => {
  const { recorder, records } = recorderWith();
  play(recorder, 1, [row(ab, 'x')]);
  recorder.observe(started);
  recorder.begin({ id: '2', position: '0/20', time: '2026-11-21T20:18:33.123456Z' });
  recorder.moved!([renamed]);
  recorder.message('rowseal.ddl', Buffer.from('{}'));
  recorder.settle();
  const progress = recorder.progress();
  expect(progress.partial).toEqual({ position: '0/20', next: 2 });
  const { details, time } = parsed(records).at(-1)!;
  const next = recorderWith({ resume: progress, known: { ...NOTHING_KNOWN, policy: { details, time } } });
  next.recorder.begin({ id: '2', position: '0/20', time: '2026-11-21T20:18:33.123456Z' });
  next.recorder.moved!([{ ...move, columns: [{ from: 'c', to: 'b' }] }]);
  next.recorder.message('rowseal.ddl', Buffer.from('{}'));
  next.recorder.commit('0/28');
  play(next.recorder, 3, [row(ac, 'x')]);
  expect(numbersIn(next.records)).toEqual(['1,2']);
});

test('tables are told when something of them changed, once, and never ahead of rows that wait', () => {
  const { recorder, records } = recorderWith();
  const told = () => parsed(records).filter(({ event }) => event === 'tables').length;
  recorder.settle();
  play(recorder, 1, [row(ab, 'x')]);
  recorder.settle();
  expect([told(), records.length]).toEqual([0, 2]); // it has not begun
  recorder.observe(started);
  recorder.settle();
  expect(told()).toBe(0);
  play(recorder, 2, [row(named('a', 'b', 'c'), 'x')]);
  recorder.settle();
  recorder.settle();
  expect(told()).toBe(1);
  const waits = relation(ab.columns, { table: 'waits', contextTrigger: true });
  recorder.begin({ id: '3', position: '0/30', time: '2026-11-21T20:18:33.123456Z' });
  recorder.row('update', waits, null, false, image('1', 'x'));
  recorder.settle();
  expect(told()).toBe(1);
  recorder.commit('0/38');
  recorder.settle();
  expect(told()).toBe(2);
  expect(parsed(records).at(-1)!['details'].captured).toHaveLength(2);
});

test('what is old is written again: tables, and what the looks found', () => {
  let now = Date.UTC(2026, 10, 21);
  const known: Known = {
    policy: null,
    capture: { time: new Date(now - 900).toISOString(), details: { seen: 1 } },
  };
  const { recorder, records } = recorderWith({
    known,
    renewMs: 1000,
    now: () => now,
    effective: { configuration: 1 },
    resume: fresh,
  });
  recorder.observe(started);
  const events = () => parsed(records).map(({ event }) => event);
  recorder.settle();
  expect(events()).toEqual(['started']);
  now += 100;
  recorder.settle();
  expect(parsed(records).at(-1)).toMatchObject({ event: 'capture', details: { seen: 1 } });
  now += 900;
  recorder.settle();
  recorder.settle();
  expect(events()).toEqual(['started', 'capture', 'tables']);
  expect(parsed(records).at(-1)!['details']).toEqual({ configuration: 1, captured: [] });
  recorder.observe({ kind: 'lifecycle', event: 'capture', details: { seen: 2 } });
  now += 1000;
  recorder.settle();
  expect(parsed(records).at(-1)!['details']).toEqual({ seen: 2 });
});

test('a gap that was accepted ends what names say of columns', () => {
  const { recorder, records } = recorderWith();
  play(recorder, 1, [row(ab, 'x')]);
  recorder.observe({ kind: 'gap', from: '0/18', to: '0/20', reason: 'accepted: x', details: {} });
  play(recorder, 3, [row(named('a', 'b'), 'x')]);
  expect(numbersIn(records)).toEqual(['1,2', '3,4']);
});

test('lost numbers: the severest redaction, and the record says so', () => {
  const policy = compilePolicy({ tables: [{ match: 'public.*', columns: { b: 'mask' } }] });
  const { recorder, records } = recorderWith({ policy });
  const lost = relation(
    ['id', 'b'].map((name) => column(name, { as: 'string' })),
    { table: 'orders', oid: 7, numbers: 'lost' },
  );
  play(recorder, 1, [row(lost, 'SECRET')]);
  const [told, change] = parsed(records);
  expect(told).toMatchObject({
    numbers: 'lost',
    target: { schema: 'public', table: 'orders', oid: 7 },
    columns: [{ redaction: 'mask' }, { redaction: 'mask' }],
  });
  expect(told!['columns'][0]).not.toHaveProperty('number');
  expect(change!['patch'][0].value).toEqual({ id: null, b: null });
});
