/** Segments large enough for threads: each report belongs to its segment, and nothing is lost on the way. */
import { hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { hashRecords } from '../../trail/merkle.ts';
import type { SegmentEntry } from '../../trail/seal.ts';
import { compressOptions } from '../../trail/segment.ts';
import { createPool } from './pool.ts';
import { checkSegment } from './segment-check.ts';

const trail = 'audit.example.com/t';

/** A segment of `count` changes, of transactions of 100 rows, whose first leaf is `first`. */
function segmentOf(first: number, count: number, spoil = (text: string, _i: number) => text) {
  const lines = Array.from({ length: count }, (_, i) => {
    const [number, index] = [1 + Math.floor((first + i) / 100), 1 + ((first + i) % 100)];
    const record = {
      kind: 'change',
      id: `t:${number}:${index}`,
      time: '2026-11-21T20:00:01.000000Z',
      actor: { type: 'user', id: 'u' },
      attribution: { tier: 'asserted', via: 'message' },
      action: 'insert',
      target: { schema: 'public', table: 'orders', key: { id: String(i) } },
      outcome: 'success',
      transaction: { id: String(700 + number), position: `0/${number}`, number, index },
      image: 'full',
      patch: [{ op: 'add', path: '', value: { id: String(i), n: i, note: i % 7 === 0 ? 'a "b"' : 'x' } }],
    };
    return `${spoil(JSON.stringify(record), i)}\n`;
  });
  const plain = Buffer.from(lines.join(''));
  const object = zstdCompressSync(plain, compressOptions());
  const { range } = hashRecords(plain, first);
  const entry: SegmentEntry = {
    class: 'default',
    object: `segment-${first}`,
    sha256: hash('sha256', object, 'hex'),
    bytes: object.length,
    plain_bytes: plain.length,
    first,
    count,
    range: range.map((node) => node.toString('base64')),
    retain_until: '2027-01-01T00:00:00Z',
  };
  return { object, job: { trail, entry, level: 1, leavesOnly: false } };
}

it('gives each segment its own report, however many are asked for at once', async () => {
  const segments = Array.from({ length: 12 }, (_, i) =>
    segmentOf(4000 * i, 4000, (text, row) => (row === 100 * i + 5 ? text.replace('"full"', '"half"') : text)),
  );
  const pool = createPool(2);
  try {
    const reports = await Promise.all(
      segments.map(({ object, job }) => pool.check(job, () => Promise.resolve(Buffer.from(object)))),
    );
    segments.forEach(({ object, job }, i) => {
      expect(job.entry.plain_bytes).toBeGreaterThan(1024 * 1024);
      expect(reports[i]!.faults.map(({ code, leaf }) => [code, leaf])).toEqual([
        ['record_member', 4000 * i + 100 * i + 5],
      ]);
      expect(reports[i]!.runs).toEqual(checkSegment(Buffer.from(object), job).runs);
    });
  } finally {
    await pool.close();
  }
});

it('passes on what reading throws, and goes on', async () => {
  const { object, job } = segmentOf(0, 2000);
  const pool = createPool(1);
  try {
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        pool.check(job, () => (i % 2 === 0 ? Promise.reject(new Error(`no ${i}`)) : Promise.resolve(object))),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(
      Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? 'rejected' : 'fulfilled')),
    );
  } finally {
    await pool.close();
  }
});

it('rejects what a thread has when it ends, and what is asked of it later', async () => {
  const { object, job } = segmentOf(0, 2000);
  const pool = createPool(1);
  const asked = pool.check(job, async () => {
    await pool.close();
    return object;
  });
  await expect(asked).rejects.toMatchObject({ code: 'internal' });
  await expect(pool.check(job, () => Promise.resolve(object))).rejects.toMatchObject({ code: 'internal' });
});
