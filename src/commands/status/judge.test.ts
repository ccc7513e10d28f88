import { expect, it } from 'vitest';
import { type SlotState, slotWord } from '../../engines/postgres/status.ts';
import { judge } from './judge.ts';
import { statusTable } from './table.ts';

const now = Date.parse('2026-11-21T20:00:00.000Z');
const head = { number: 7, sealed_at: '2026-11-21T19:59:30.000Z', through: '0/2000', signed_by: 'k' };
const slot = { active: true, walStatus: 'reserved', confirmed: '0/2000', retainedBytes: 56 };
const serverAt = (position: string, slot: SlotState | null) => slotWord(position, slot, 'rowseal');
const good = {
  head,
  tail: { broken: null },
  server: serverAt('0/2000', slot),
  daemon: { state: 'streaming', healthy: true, complaints: [] },
  listen: '127.0.0.1:9464',
  now,
  staleAfterMs: 120_000,
  broken: null,
};

it('finds nothing wrong with a fresh head and a slot behind it', () => {
  expect(judge(good)).toEqual([]);
  expect(judge({ ...good, daemon: null })).toEqual([]); // somebody streams: it may run elsewhere
});

it('misses a daemon that answers nowhere and streams nowhere, however fresh the head is', () => {
  const idle = serverAt('0/2000', { ...slot, active: false });
  expect(judge({ ...good, server: idle, daemon: null })).toEqual([
    'daemon: nothing answers for this trail at 127.0.0.1:9464, and nobody streams from the slot: rowseal run is not running',
  ]);
  expect(judge({ ...good, server: idle })).toEqual([]); // it answers: it is about to stream
  expect(judge({ ...good, server: undefined, daemon: null })).toEqual([]); // not known
});

it('notes a daemon that does not answer here while somebody streams', () => {
  const found = { trail: 't', lag: null, recent: null, head, daemon: null, listen: '127.0.0.1:9464' };
  const status = { ...found, problems: [], unknown: [] };
  const shown = (active: boolean) =>
    statusTable([{ status, server: serverAt('0/2000', { ...slot, active }), serverSide: 'slot' }], now, {
      terminal: false,
      env: {},
    });
  expect(shown(true)).toContain('it may run on another host');
  expect(shown(false)).not.toContain('another host');
});

it('is stale beyond the limit, not at it', () => {
  const at = (sealed_at: string) => judge({ ...good, head: { ...head, sealed_at } });
  expect(at('2026-11-21T19:58:00.000Z')).toEqual([]);
  expect(at('2026-11-21T19:57:59.000Z')).toEqual([
    expect.stringContaining('stale: the newest seal is 121 s old'),
  ]);
});

it('names what is wrong with the slot', () => {
  const withSlot = (change: Partial<typeof slot> | null) =>
    judge({ ...good, server: serverAt('0/3000', change === null ? null : { ...slot, ...change }) });
  expect(withSlot(null)).toEqual(['the slot rowseal is gone: changes since 0/2000 are missing']);
  expect(withSlot({ walStatus: 'lost' })).toEqual([expect.stringContaining('is lost')]);
  expect(withSlot({ walStatus: 'unreserved' })).toEqual([expect.stringContaining('will be lost')]);
  expect(withSlot({ confirmed: '0/2001' })).toEqual([expect.stringContaining('1 B ahead of the trail')]);
  expect(withSlot({ confirmed: '0/1000' })).toEqual([]);
});

it('says that there is no trail, that it is broken, and what the daemon complains of', () => {
  expect(judge({ ...good, head: null, tail: null })).toEqual([expect.stringContaining('no trail yet')]);
  expect(judge({ ...good, head: null, tail: null, broken: 'It does not hold.' })).toEqual([
    'It does not hold. Run rowseal verify.',
  ]);
  expect(judge({ ...good, tail: { broken: 'seal 6: gone' } })).toEqual(['seal 6: gone. Run rowseal verify.']);
  expect(judge({ ...good, daemon: { state: 'retrying', healthy: false, complaints: ['stale'] } })).toEqual([
    'daemon: stale',
  ]);
});

it('judges nothing that could not be asked', () => {
  expect(judge({ ...good, head: undefined, tail: null, server: undefined, daemon: null })).toEqual([]);
});
