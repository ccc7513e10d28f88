import { expect, test } from 'vitest';
import type { Spool } from '../../../change/spool.ts';
import { createOverflow } from './overflow.ts';

/** Keeps what was appended in `all`, and gives it back in pieces of three bytes at most. */
function spools() {
  const all: Buffer[] = [];
  const open = (): Spool & { close(): void } => {
    let waiting = Buffer.alloc(0);
    return {
      get bytes() {
        return waiting.length;
      },
      append(bytes) {
        all.push(Buffer.from(bytes));
        waiting = Buffer.concat([waiting, bytes]);
      },
      take(most) {
        const piece = waiting.subarray(0, Math.min(most, 3));
        waiting = waiting.subarray(piece.length);
        return piece;
      },
      discard: () => undefined,
      close: () => undefined,
    };
  };
  return { all, open };
}
const texts = (events: Iterable<Buffer>) => Array.from(events, (event) => event.toString());

test('gives back the events of each in their order, and writes none of them in plain', () => {
  const { all, open } = spools();
  const overflow = createOverflow({ open, maxBytes: 1000 });
  const [one, other] = [overflow.open()!, overflow.open()!];
  for (const text of ['first event', '', 'second event']) one.push(Buffer.from(text));
  other.push(Buffer.from('first event'));
  expect(Buffer.concat(all).includes('event')).toBe(false);
  expect(
    all.filter((bytes) => all.some((each) => each !== bytes && each.length > 4 && each.equals(bytes))),
  ).toEqual([]);
  expect(texts(one.events())).toEqual(['first event', '', 'second event']);
  expect(texts(other.events())).toEqual(['first event']);
});

test('all together have one bound, and what is closed makes room', () => {
  const overflow = createOverflow({ open: spools().open, maxBytes: 20 });
  const [one, other] = [overflow.open()!, overflow.open()!];
  expect(one.push(Buffer.alloc(10))).toBe(true);
  expect(other.push(Buffer.alloc(3))).toBe(false);
  expect(other.push(Buffer.alloc(2))).toBe(true);
  one.close();
  one.close();
  expect(other.push(Buffer.alloc(10))).toBe(true);
  expect(other.push(Buffer.alloc(1))).toBe(false);
});

test('no more than 1024 are open at once', () => {
  const overflow = createOverflow({ open: spools().open, maxBytes: 20 });
  const opened = Array.from({ length: 1024 }, () => overflow.open());
  expect(opened).not.toContain(null);
  expect(overflow.open()).toBeNull();
  overflow.close();
  expect(overflow.open()).not.toBeNull();
});
