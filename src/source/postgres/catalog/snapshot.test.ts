import { expect, test } from 'vitest';
import { isFinished } from './snapshot.ts';

// A table was created, filled and streamed before its commit showed in the catalogs: its records had no key, and its
// array columns were strings.
test('a transaction has ended for a snapshot when it is neither running nor to come', () => {
  expect(isFinished(10, '12:15:12,14')).toBe(true);
  expect(isFinished(13, '12:15:12,14')).toBe(true);
  expect(isFinished(14, '12:15:12,14')).toBe(false);
  expect(isFinished(15, '12:15:12,14')).toBe(false);
  expect(isFinished(12, '12:12:')).toBe(false);
  expect(isFinished(11, '12:12:')).toBe(true);
});

test('ids go round after 2^32, snapshots do not', () => {
  expect(isFinished(5, '4294967301:4294967302:4294967301')).toBe(false);
  expect(isFinished(4294967290, '4294967301:4294967302:4294967301')).toBe(true);
  expect(isFinished(6, '4294967301:4294967302:')).toBe(false);
});
