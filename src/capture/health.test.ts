import { expect, it } from 'vitest';
import { complaints, failing, newHealth, sealed } from './health.ts';

const STALE = 120_000;

// Connected, sealed `started`, was cut off, sealed `disconnected`, and again every half minute: always a fresh seal,
// and not one change captured.
it('is not healthy while every attempt fails, however many seals the attempts leave', () => {
  const health = newHealth(0);
  for (let now = 0; now <= 600_000; now += 30_000) {
    Object.assign(health, { state: 'streaming', lastError: null });
    sealed(health, 'start', '0/1', now);
    sealed(health, 'age', '0/1', now + 1);
    sealed(health, 'stop', '0/1', now + 1);
    failing(health, 'the server ended the stream', now + 2);
    const found = complaints(health, now + 3, STALE);
    if (now > STALE + 10_000)
      expect(found.join()).toMatch(/^retrying for \d+ s \(the server ended the stream\)$/);
  }
  Object.assign(health, { state: 'streaming', lastError: null });
  sealed(health, 'age', '0/2', 601_000);
  expect(complaints(health, 602_000, STALE)).toEqual([]);
});

it('is healthy through a short interruption, and stale without a seal', () => {
  const health = newHealth(0);
  sealed(health, 'idle', '0/1', 1000);
  failing(health, 'gone', 2000);
  expect(complaints(health, 3000, STALE)).toEqual([]);
  expect(complaints(health, 200_000, STALE).join()).toContain('stale: nothing was sealed for 199 s (gone)');
});

it('is not healthy while it waits for a source that another daemon has', () => {
  const health = newHealth(0);
  for (let now = 0; now <= STALE + 3000; now += 3000) {
    failing(health, 'session 7 reads the binary log as server_id 4242 already', now);
  }
  expect(health.state).toBe('retrying');
  expect(complaints(health, STALE + 3000, STALE).join()).toContain('as server_id 4242 already');
});
