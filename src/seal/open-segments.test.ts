import { expect, it } from 'vitest';
import { createOpenSegments } from './open-segments.ts';

// Memory came back from the sealing thread to its class and stayed there: a thousand classes that had each been busy
// once held a thousand buffers of a seal's size.
it('keeps a bounded amount of memory for segments to come, however many classes there are', () => {
  const segments = createOpenSegments(Date.now, () => {});
  const megabyte = Buffer.alloc(1 << 20, 'x');
  let kept = 0;
  const registry = new Set<ArrayBufferLike>();
  for (let i = 0; i < 200; i++) {
    const name = `c${i}`;
    const buffer = segments.buffer(name);
    buffer.put(megabyte);
    segments.recorded(name, 0);
    for (const { plain } of segments.take()) segments.recycle(name, plain.buffer as ArrayBuffer);
  }
  for (let i = 0; i < 200; i++) {
    const memory = segments.buffer(`c${i}`).bytes;
    if (memory.length >= megabyte.length && !registry.has(memory.buffer)) kept += memory.length;
    registry.add(memory.buffer);
  }
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThanOrEqual(64 << 20);
});
