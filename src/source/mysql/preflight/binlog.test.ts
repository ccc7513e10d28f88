import { describe, expect, test } from 'vitest';
import { good, setting, wish } from '../../../../test/support/mysql-preflight.ts';
import { binlogChecks, proposedSeconds } from './binlog.ts';
import type { PreflightFacts } from './facts.ts';

const DAY = 86_400;
const retention = (facts: PreflightFacts, longestOutageMs: number) =>
  binlogChecks(facts, { ...wish, longestOutageMs }).find(({ id }) => id === 'binlog.retention');

describe('how long binlogs are kept', () => {
  test('seven days at least, or four times the longest outage', () => {
    expect(proposedSeconds(DAY * 1000)).toBe(7 * DAY);
    expect(proposedSeconds(2 * DAY * 1000)).toBe(8 * DAY);
  });

  test.each([
    [30 * DAY, 2, 'ok'],
    [8 * DAY, 2, 'ok'],
    [8 * DAY - 1, 2, 'warn'],
    [2 * DAY, 2, 'warn'],
    [2 * DAY - 1, 2, 'fail'],
    [30 * DAY, 10, 'warn'],
  ])('%i s with a longest outage of %i d: %s', (kept, days, status) => {
    const facts = setting('binlog_expire_logs_seconds', String(kept));
    const found = retention(facts, days * DAY * 1000);
    expect(found?.status).toBe(status);
    if (status === 'ok') return;
    const proposed = Number(/= (\d+);/.exec(found?.fix ?? '')?.[1]);
    expect(proposed).toBe(Math.max(7, 4 * days) * DAY);
    expect(proposed).toBeGreaterThan(kept); // never less than what is set
    expect(found?.why).toContain('at least 7 days, or four times longest_outage where that is more');
  });

  test('days, where the server counts them', () => {
    const { binlog_expire_logs_seconds: _, ...settings } = good.server.settings;
    const facts = { ...good, server: { ...good.server, settings: { ...settings, expire_logs_days: '1' } } };
    expect(retention(facts, 2 * DAY * 1000)?.fix).toContain('expire_logs_days = 8');
  });
});
