import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createFlow } from './flow.ts';

function sourceSpy() {
  const calls: string[] = [];
  return { calls, pause: () => calls.push('pause'), resume: () => calls.push('resume') };
}

it('pauses the source while the sealer is full', () => {
  const source = sourceSpy();
  const flow = createFlow(source, () => false);
  flow.pressure(true);
  flow.pressure(false);
  expect(source.calls).toEqual(['pause', 'resume']);
});

// The last seal became durable, there was room again, and the source read on behind the word that it had stopped.
it('stopped, it neither lets the source go on nor hands anything over', async () => {
  const source = sourceSpy();
  let pieces = 0;
  const flow = createFlow(source, () => {
    pieces += 1;
    return pieces < 4;
  });
  flow.pressure(true);
  flow.backlog();
  flow.stop();
  flow.pressure(false);
  await turn();
  expect(source.calls).not.toContain('resume');
  expect(pieces).toBe(0);
});

it('drains a backlog piece by piece, stops where the sealer fills up, and only then lets the source go on', async () => {
  const source = sourceSpy();
  let pieces = 0;
  const flow = createFlow(source, () => {
    pieces += 1;
    if (pieces === 2) flow.pressure(true);
    return pieces < 4;
  });
  flow.backlog();
  await turn();
  expect(pieces).toBe(2);
  expect(source.calls).not.toContain('resume');
  flow.pressure(false);
  expect(pieces).toBe(4);
  expect(source.calls.at(-1)).toBe('resume');
});
