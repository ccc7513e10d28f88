import { describe, expect, it } from 'vitest';
import { decideCut, type OpenState, type SealLimits } from './cut.ts';

const limits: SealLimits = { maxAgeMs: 1000, maxBytes: 1000, maxRecords: 10, idleMs: 60_000 };
const open = (state: Partial<OpenState>): OpenState => ({
  records: 0,
  bytes: 0,
  oldestAt: null,
  lastCutAt: 0,
  inFlight: 0,
  recentSealMs: 20,
  streaming: true,
  ...state,
});

describe('decideCut', () => {
  it('cuts by size and by count at once, whatever is in flight', () => {
    expect(decideCut(0, open({ records: 1, bytes: 1000, oldestAt: 0, inFlight: 5 }), limits)).toBe('size');
    expect(decideCut(0, open({ records: 10, bytes: 10, oldestAt: 0, inFlight: 5 }), limits)).toBe('count');
  });
  it('cuts by age early enough to be durable in time', () => {
    expect(decideCut(100, open({ records: 1, bytes: 1, oldestAt: 0 }), limits)).toBe(980);
    expect(decideCut(980, open({ records: 1, bytes: 1, oldestAt: 0 }), limits)).toBe('age');
  });
  it('never gives more than half of max_age away to a slow store', () => {
    expect(decideCut(100, open({ records: 1, bytes: 1, oldestAt: 0, recentSealMs: 9999 }), limits)).toBe(500);
  });
  it('lets age wait while a seal is on its way', () => {
    expect(decideCut(2000, open({ records: 1, bytes: 1, oldestAt: 0, inFlight: 1 }), limits)).toBe(2005);
  });
  it('says that nothing happened only while it can know', () => {
    expect(decideCut(60_000, open({}), limits)).toBe('idle');
    expect(decideCut(59_000, open({}), limits)).toBe(60_000);
    expect(decideCut(60_000, open({ streaming: false }), limits)).toBe(61_000);
    expect(decideCut(60_000, open({ inFlight: 1 }), limits)).toBe(61_000);
  });
});
