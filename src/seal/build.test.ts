import { describe, expect, it } from 'vitest';
import { signerOf } from '../trail/note.ts';
import { parseRetention, type Retention } from '../trail/retention.ts';
import { type BuiltSeal, buildSeal, buildSegments, type Cut } from './build.ts';
import { emptyHead, type Head } from './head/head.ts';

const TRAIL = 'audit.example.com/built';
const { signer } = signerOf(TRAIL, Buffer.alloc(32, 7));

async function build(head: Head, sealedAt: string, longest: string): Promise<BuiltSeal> {
  const cut: Cut = {
    number: head.number + 1,
    reason: 'idle',
    sealedAt,
    segments: [],
    from: 'p',
    gaps: [],
    progress: { through: 'p', transactions: 0, partial: null },
    facts: null,
    state: {},
  };
  const retention = parseRetention(longest) as Retention;
  const segments = await buildSegments(cut, head, { of: () => retention, all: [retention] });
  return buildSeal(cut, head, segments, [], { trail: TRAIL, signer });
}

describe('the retention of seals', () => {
  it('never goes back, and each seal says when the one before it ends', async () => {
    const first = await build(emptyHead('p'), '2026-01-01T12:00:00.000Z', '400d');
    expect(first.seal.previous_retain_until).toBeUndefined();
    const shorter = await build(first.head, '2026-01-02T12:00:00.000Z', '30d');
    expect(shorter.seal.retain_until).toBe(first.seal.retain_until);
    expect(shorter.seal.previous_retain_until).toBe(first.seal.retain_until);
    expect(shorter.retainUntil).toEqual(new Date(first.seal.retain_until));
    const longer = await build(shorter.head, '2026-01-03T12:00:00.000Z', '7y');
    expect(longer.seal.retain_until).toBe('2033-01-04T00:00:00Z');
    expect(longer.seal.previous_retain_until).toBe(shorter.seal.retain_until);
  });
});
