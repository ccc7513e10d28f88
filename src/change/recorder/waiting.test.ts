import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Spool } from '../spool.ts';
import { createWaitingQueue, RECORD } from './waiting.ts';

/** Gives back as few bytes at a time as it likes. */
function memorySpool(piece: number): Spool {
  let held = Buffer.alloc(0);
  return {
    get bytes() {
      return held.length;
    },
    append(bytes) {
      held = Buffer.concat([held, bytes]);
    },
    take(maxBytes) {
      const taken = held.subarray(0, Math.min(maxBytes, piece));
      held = held.subarray(taken.length);
      return taken;
    },
    discard() {
      held = Buffer.alloc(0);
    },
  };
}

test('first in, first out, whatever is spooled, drained and refused between', () => {
  const step = fc.oneof(
    fc.record({ put: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ drain: fc.integer({ min: 1, max: 500 }), refuseAfter: fc.nat(5) }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 0, max: 500 }),
      (steps, piece, memoryBytes) => {
        const queue = createWaitingQueue({ memoryBytes, spool: memorySpool(piece), spoolBytes: 1e6 });
        let put = 0;
        let got = 0;
        const drain = (maxBytes: number, refuseAfter: number) => {
          let left = refuseAfter;
          queue.drain(maxBytes, (frame) => {
            if (left-- <= 0) return false;
            expect(frame.serial).toBe(got);
            expect(frame.index).toBe(got * 2 ** 33);
            expect(frame.className).toBe(`c${got % 3}`);
            expect(frame.payload.toString()).toBe(
              `${got}:${'x'.repeat(frame.payload.length - `${got}:`.length)}`,
            );
            got++;
            return true;
          });
        };
        for (const each of steps) {
          if ('put' in each) {
            queue.start(RECORD, `c${put % 3}`, put, put * 2 ** 33).json(`${put}:${'x'.repeat(each.put)}`);
            queue.finish(0, 0);
            put++;
          } else drain(each.drain, each.refuseAfter);
          expect(queue.empty).toBe(put === got);
        }
        drain(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
        expect(got).toBe(put);
        expect(queue.bytes).toBe(0);
      },
    ),
  );
});

test('a full spool stops the source', () => {
  const fill = (queue: ReturnType<typeof createWaitingQueue>) => {
    for (let i = 0; i < 100; i++) {
      queue.start(RECORD, 'c', 1, i).json('x'.repeat(100));
      queue.finish(0, 0);
    }
  };
  expect(() => fill(createWaitingQueue({ memoryBytes: 1000 }))).toThrow(
    expect.objectContaining({ code: 'spool_full' }),
  );
  const spool = memorySpool(10);
  expect(() => fill(createWaitingQueue({ memoryBytes: 1000, spool, spoolBytes: 5000 }))).toThrow(
    expect.objectContaining({ code: 'spool_full' }),
  );
  expect(spool.bytes).toBeLessThanOrEqual(5000);
});
