import { expect, it } from 'vitest';
import { createOpenSegments } from './open-segments.ts';

const record = (segments: ReturnType<typeof createOpenSegments>, className: string, bytes: Buffer) => {
  const buffer = segments.buffer(className);
  const start = buffer.length;
  buffer.put(bytes);
  segments.recorded(className, start);
};

// Memory stayed with its class: a thousand classes that had each been busy once held a thousand buffers of a seal's size.
it('keeps a bounded amount of memory for segments to come, however many classes there are', () => {
  const segments = createOpenSegments(Date.now, () => {});
  const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
  for (const name of names) record(segments, name, Buffer.alloc(1 << 20, 'x'));
  expect(segments.take()).toHaveLength(200);
  const kept = names.reduce((sum, name) => {
    const { length } = segments.buffer(name).bytes;
    return length >= 1 << 20 ? sum + length : sum;
  }, 0);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThanOrEqual(32 << 20);
});

it('counts the classes of open records only, and writes into the same memory again', () => {
  const segments = createOpenSegments(Date.now, () => {});
  for (const name of ['b', 'trail', 'a']) record(segments, name, Buffer.from(name));
  expect(segments.classes).toBe(3);
  const taken = segments.take();
  expect(taken.map(({ className, plain, count }) => [className, String(plain), count])).toEqual([
    ['trail', 'trail\n', 1],
    ['a', 'a\n', 1],
    ['b', 'b\n', 1],
  ]);
  expect(segments.classes).toBe(0);
  record(segments, 'a', Buffer.from('next'));
  expect(segments.classes).toBe(1);
  expect(String(segments.take()[0]?.plain)).toBe('next\n');
  expect(segments.buffer('a').bytes.buffer).toBe(taken[1]?.plain.buffer);
});
