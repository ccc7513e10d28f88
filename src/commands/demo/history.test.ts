import { expect, it } from 'vitest';
import { type HistoryRecord, historyRows } from './history.ts';

const base: HistoryRecord = {
  kind: 'change',
  time: '2026-11-21T20:18:33.123456Z',
  action: 'update',
  actor: { type: 'user', id: 'u_1' },
  attribution: { tier: 'session' },
};

it('shows what from → to, one line a value, paths unescaped', () => {
  const record: HistoryRecord = {
    ...base,
    patch: [
      { op: 'test', path: '/status', value: 'open' },
      { op: 'replace', path: '/status', value: 'paid' },
      { op: 'test', path: '/details/a~1b', value: 1 },
      { op: 'remove', path: '/details/a~1b' },
      { op: 'add', path: '/details/c', value: null },
    ],
  };
  expect(historyRows([record])).toEqual([
    ['20:18:33.123456', 'user u_1', 'session', 'update  status: "open" → "paid"'],
    ['', '', '', '        details.a/b: 1 → (gone)'],
    ['', '', '', '        details.c: → null'],
  ]);
});

it('never takes a bare replace (image key) for a change from something', () => {
  const record: HistoryRecord = { ...base, patch: [{ op: 'replace', path: '/status', value: 'paid' }] };
  expect(historyRows([record])[0]?.[3]).toBe('update  status: → "paid"');
});

it('shows a masked value as masked, and an unknown actor as unknown', () => {
  const record: HistoryRecord = {
    ...base,
    actor: { type: 'unknown' },
    attribution: { tier: 'none', via: null },
    patch: [
      { op: 'test', path: '/card', value: null },
      { op: 'replace', path: '/card', value: null },
    ],
    encoded: { '/patch/0/value': 'mask', '/patch/1/value': 'mask' },
  };
  expect(historyRows([record])).toEqual([
    ['20:18:33.123456', 'unknown', 'none', 'update  card: (masked) → (masked)'],
  ]);
});

it('shows a ddl record with its statement and the application that sent it', () => {
  const record: HistoryRecord = {
    kind: 'ddl',
    time: base.time,
    actor: { type: 'login', id: 'postgres' },
    attribution: { tier: 'connection' },
    connection: { user: 'postgres', application: 'psql' },
    statement: 'ALTER TABLE orders DISABLE TRIGGER USER',
  };
  expect(historyRows([record])).toEqual([
    ['20:18:33.123456', 'login postgres, psql', 'connection', 'ALTER TABLE orders DISABLE TRIGGER USER'],
  ]);
});
