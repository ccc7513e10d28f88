import { describe, expect, test } from 'vitest';
import { keepalive } from './link.ts';

const LINK = { heardAt: 0, sentAt: 0, stopped: false, statusMs: 5000, peerTimeoutMs: 60_000 };

describe('keepalive', () => {
  test.each([
    ['none', 4999, {}],
    ['reply', 5000, {}],
    ['none', 29_000, { sentAt: 25_000 }],
    ['ask', 30_000, {}],
    ['none', 30_000, { sentAt: 29_000 }],
    ['reconnect', 60_000, {}],
    ['reconnect', 60_000, { sentAt: 59_999 }],
    // We don't read: hearing nothing says nothing, but the server must hear of us.
    ['reply', 600_000, { stopped: true }],
    ['none', 600_000, { stopped: true, sentAt: 599_000 }],
  ])('%s at %i ms', (expected, now, change) => {
    expect(keepalive(now, { ...LINK, ...change })).toBe(expected);
  });
});
