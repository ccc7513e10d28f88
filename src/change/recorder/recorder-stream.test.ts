import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  context,
  ddl,
  type Event,
  fresh,
  left,
  money,
  orders,
  play,
  recorderWith,
  row,
  session,
  watched,
} from '../../../test/support/recorder-play.ts';
import { runs } from '../../../test/support/runs.ts';
import type { Progress } from '../sink.ts';
import type { Spool } from '../spool.ts';
import type { Recorder } from './recorder.ts';

function memorySpool(): Spool {
  let held = Buffer.alloc(0);
  return {
    get bytes() {
      return held.length;
    },
    append: (bytes) => {
      held = Buffer.concat([held, bytes]);
    },
    take(maxBytes) {
      const taken = held.subarray(0, Math.min(maxBytes, 97));
      held = held.subarray(taken.length);
      return taken;
    },
    discard() {
      held = Buffer.alloc(0);
    },
  };
}

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      row: fc.constantFrom(orders, watched, money, left),
      v: fc.string({ unit: 'binary' }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ truncate: fc.subarray([orders, watched, left], { minLength: 1 }) }) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b').map(context) },
  { weight: 2, arbitrary: fc.constantFrom('c', 'd', null).map((id) => session(id)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Event>(ddl, session('e', { replication_role: 'replica' }), {
      prefix: 'other',
      content: 'x',
    }),
  },
);
const workload = fc.array(fc.array(anyEvent, { maxLength: 9 }), { minLength: 1, maxLength: 6 });

describe('whatever the stream', () => {
  test('numbers without holes; (number, index) ascends within each class', () => {
    fc.assert(
      fc.property(workload, (transactions) => {
        const { recorder, records } = recorderWith();
        transactions.forEach((events, i) => void play(recorder, i + 1, events));
        const numbers = new Set<number>();
        const last = new Map<string, number>();
        for (const { className, text: line } of records) {
          const parsed = JSON.parse(line);
          if (parsed.kind === 'relation') continue;
          const { number, index } = parsed.transaction;
          numbers.add(number);
          expect(number * 1000 + index).toBeGreaterThan(last.get(className) ?? 0);
          last.set(className, number * 1000 + index);
        }
        expect([...numbers].toSorted((a, b) => a - b)).toEqual(Array.from(numbers, (_, i) => i + 1));
        expect(recorder.progress().transactions).toBe(numbers.size);
        expect(recorder.waitingBytes()).toBe(0);
      }),
    );
  });

  test('cut anywhere and resumed from the progress of that moment, the records are the same', () => {
    fc.assert(
      fc.property(workload, fc.nat(), fc.boolean(), fc.boolean(), (transactions, at, spooled, paced) => {
        const options = {
          ...(spooled ? { waiting: { memoryBytes: 300, spool: memorySpool() } } : {}),
          ...(paced ? { drainBytes: 100 } : {}),
        };
        const whole = recorderWith();
        transactions.forEach((events, i) => void play(whole.recorder, i + 1, events));
        // A seal is cut by a record that fills it, or by the clock between two events.
        const moments = whole.records.length + transactions.flat().length + 1;
        const cut = at % moments;
        const cutEvent = cut - whole.records.length;

        let kept = 0;
        let progress: Progress = fresh;
        const seal = (recorder: Recorder) => {
          progress = recorder.progress();
          kept = first.records.length;
        };
        const first = recorderWith(options, (recorder) => {
          if (first.records.length === cut) seal(recorder);
        });
        let event = 0;
        transactions.forEach((events, i) => {
          play(first.recorder, i + 1, events, '2026-11-21', () => {
            if (event++ === cutEvent) seal(first.recorder);
          });
          if (i % 2 === 0) while (first.recorder.drain());
        });
        while (first.recorder.drain());
        expect(first.recorder.progress()).toEqual(whole.recorder.progress());

        const second = recorderWith({ ...options, resume: progress });
        expect(second.recorder.progress()).toEqual(progress);
        transactions.forEach((events, i) => {
          if (i + 1 > Number(progress.through.slice(2, -1))) play(second.recorder, i + 1, events);
        });
        while (second.recorder.drain());
        const lines = (from: { text: string; className: string }[]) =>
          from
            .filter((each) => !each.text.startsWith('{"kind":"relation"'))
            .map((each) => `${each.className} ${each.text}`);
        expect([...lines(first.records.slice(0, kept)), ...lines(second.records)]).toEqual(
          lines(whole.records),
        );
        expect(second.recorder.progress()).toEqual(whole.recorder.progress());
      }),
      { numRuns: runs(1000) },
    );
  });

  test('progress never moves back, and never reaches beyond the sink', () => {
    fc.assert(
      fc.property(workload, (transactions) => {
        let through = 0;
        let partial: Progress['partial'] = null;
        const { recorder } = recorderWith({}, (it) => {
          const now = it.progress();
          const reached = Number(now.through.slice(2, -1));
          expect(reached).toBeGreaterThanOrEqual(through);
          if (partial !== null && reached === through) {
            expect(now.partial?.position).toBe(partial.position);
            expect(now.partial!.next).toBeGreaterThanOrEqual(partial.next);
          }
          through = reached;
          partial = now.partial;
        });
        transactions.forEach((events, i) => void play(recorder, i + 1, events));
      }),
    );
  });

  test('another transaction where the resumed one should come stops the source', () => {
    const { recorder } = recorderWith({
      resume: { through: '0/8', transactions: 4, partial: { position: '0/30', next: 3 } },
    });
    play(recorder, 1, [row(left)]);
    expect(recorder.progress().partial).toEqual({ position: '0/30', next: 3 });
    expect(() => play(recorder, 2, [row(orders)])).toThrow(
      expect.objectContaining({ code: 'source_changed' }),
    );
  });
});
