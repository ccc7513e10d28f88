import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createLinkEnding } from './link-ending.ts';

function ending(kill: () => Promise<void> | undefined = () => undefined) {
  const socket = new PassThrough();
  let overs = 0;
  const made = createLinkEnding({ socket, kill, onOver: () => void overs++ });
  return { made, socket, overs: () => overs };
}

test('the first error settles it, and closes the socket', async () => {
  const { made, socket, overs } = ending();
  expect([made.settled, made.over]).toEqual([false, false]);
  made.fail(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  made.fail(new Error('later'));
  await expect(made.done).rejects.toMatchObject({
    code: 'source_unreachable',
    message: expect.stringContaining('reset'),
  });
  expect([made.settled, made.over, socket.destroyed, overs()]).toEqual([true, true, true, 1]);
  await made.leave();
});

test('whoever takes leave decides what it ends with, whatever happens meanwhile', async () => {
  const { made, socket } = ending(() => Promise.reject(new Error('no privilege')));
  const left = made.leave();
  expect([made.settled, made.over]).toEqual([false, true]);
  made.fail(new Error('the connection was closed'));
  await left;
  await made.done;
  expect(socket.destroyed).toBe(true);
});

test('a leave with a reason rejects with it', async () => {
  const { made } = ending(() => Promise.resolve());
  await made.leave(new Error('enough'));
  await expect(made.done).rejects.toThrow(/enough/);
});
