import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLinkHearing } from './link-hearing.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

function hearing(found: 'there' | 'gone' | 'unknown') {
  const asked: number[][] = [];
  const gone: number[] = [];
  const made = createLinkHearing({
    clock: () => Date.now(),
    everyMs: 100,
    judge: (...times) => {
      asked.push(times);
      return found;
    },
    onGone: (silentMs) => void gone.push(silentMs),
  });
  return { asked, gone, made };
}

test('the timer asks with what was heard and when it asked last, until the end', () => {
  const { asked, gone, made } = hearing('there');
  vi.advanceTimersByTime(150);
  made.heard();
  vi.advanceTimersByTime(100);
  expect(asked).toEqual([
    [100, 0, 0],
    [200, 150, 100],
  ]);
  made.restart();
  expect(made.heardAt()).toBe(250);
  vi.advanceTimersByTime(50);
  expect(asked[2]).toEqual([300, 250, 250]);
  made.end();
  vi.advanceTimersByTime(1000);
  expect(asked).toHaveLength(3);
  expect(gone).toEqual([]);
});

test('a time in which nobody could hear is no silence; a silence is told with its length', () => {
  const deaf = hearing('unknown');
  vi.advanceTimersByTime(200);
  expect(deaf.made.heardAt()).toBe(200);
  deaf.made.end();
  const silent = hearing('gone');
  vi.advanceTimersByTime(100);
  expect(silent.gone).toEqual([100]);
  silent.made.end();
});
