/** What is kept is complete, whoever was killed while making it, and however many make it at once. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kept } from './cache-folder.ts';

let folder: string;
let place: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rowseal-kept-'));
  place = path.join(folder, 'deep/root');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

/** A process of its own that makes `place` of two files, the second when told so, and notes in `made` that it did. */
function maker() {
  const script = path.join(folder, 'maker.mjs');
  fs.writeFileSync(
    script,
    `import fs from 'node:fs';
    import { kept } from ${JSON.stringify(new URL('./cache-folder.ts', import.meta.url).href)};
    await kept(${JSON.stringify(place)}, () => process.send('waiting'), async (work) => {
      fs.writeFileSync(work + '/one', '1');
      process.send('half');
      await new Promise((resolve) => process.once('message', resolve));
      fs.writeFileSync(work + '/two', '2');
      fs.appendFileSync(${JSON.stringify(path.join(folder, 'made'))}, process.pid + '\\n');
    });`,
  );
  return fork(script, { execArgv: [] });
}

const names = () => fs.readdirSync(path.dirname(place));

test('made once, and not again', async () => {
  let times = 0;
  const make = async (work: string) => {
    times += 1;
    fs.writeFileSync(path.join(work, 'file'), 'x');
  };
  await kept(place, () => {}, make);
  await kept(place, () => {}, make);
  expect(times).toBe(1);
  expect(fs.readFileSync(path.join(place, 'file'), 'utf8')).toBe('x');
  expect(names()).toEqual(['root']);
});

test('a failure leaves nothing, and the next one may succeed', async () => {
  const fails = kept(
    place,
    () => {},
    async () => {
      throw new Error('no network');
    },
  );
  await expect(fails).rejects.toThrow('no network');
  expect(names()).toEqual([]);
  await kept(
    place,
    () => {},
    async () => {},
  );
  expect(names()).toEqual(['root']);
});

test('of two processes one makes it and the other waits', async () => {
  const makers = [maker(), maker()];
  const said: unknown[] = [];
  const hear = (message: unknown) => {
    said.push(message);
    if (said.length === 2) for (const one of makers) one.send('go on');
  };
  for (const one of makers) one.on('message', hear);
  for (const [code] of await Promise.all(makers.map((one) => once(one, 'exit')))) expect(code).toBe(0);
  expect(said.sort()).toEqual(['half', 'waiting']);
  expect(fs.readFileSync(path.join(folder, 'made'), 'utf8').trim().split('\n')).toHaveLength(1);
  expect(fs.readdirSync(place).sort()).toEqual(['one', 'two']);
  expect(names()).toEqual(['root']);
});

test('what a killed process had half made is not taken, and removed by the next', async () => {
  const killed = maker();
  await once(killed, 'message');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(fs.existsSync(place)).toBe(false);
  expect(names()).toHaveLength(2); // its lock, and its folder
  await kept(
    place,
    () => {},
    async (work) => fs.writeFileSync(path.join(work, 'one'), 'mine'),
  );
  expect(names()).toEqual(['root']);
  expect(fs.readdirSync(place)).toEqual(['one']);
});
