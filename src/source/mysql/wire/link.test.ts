import { describe, expect, test } from 'vitest';
import { replicaUuid, silence } from './link.ts';

const LINK = { heardAt: 0, lookedAt: 0, stopped: false, heartbeatMs: 3000 };

describe('silence', () => {
  test.each([
    ['there', 750, {}],
    ['there', 9000, { lookedAt: 8250 }],
    ['gone', 9001, { lookedAt: 8250 }],
    // We were busy: what came meanwhile lies in the socket.
    ['unknown', 9001, { lookedAt: 6000 }],
    // We don't read: hearing nothing says nothing.
    ['unknown', 600_000, { lookedAt: 599_250, stopped: true }],
  ])('%s at %i ms', (expected, now, change) => {
    expect(silence(now, { ...LINK, ...change })).toBe(expected);
  });
});

test('the same server_id has the same UUID, another another', () => {
  expect(replicaUuid(1)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  expect(replicaUuid(0xffff_ffff)).toHaveLength(36);
  expect(replicaUuid(1)).not.toBe(replicaUuid(2));
});
