import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import type { TextRow } from '../wire/sessions.ts';
import { createThreads } from './threads.ts';

const APP = { id: '7', user: 'app', host: '10.0.0.4', application: 'billing' };

/** A server whose clock is 5 s ahead of ours and that has been up for an hour. */
function server(options: { denied?: boolean } = {}) {
  const asked: string[] = [];
  const live = { now: 1_000_000, ahead: 5000, rows: [APP] as TextRow[], uptime: '3600', lookMs: 0 };
  const query = async (text: string): Promise<TextRow[]> => {
    asked.push(text);
    if (text.includes('now_ms')) return [{ now_ms: String(live.now + live.ahead) }];
    if (text.includes('Uptime')) return [{ Value: live.uptime }];
    if (text.includes('granted')) return [{ self: 'app', granted: '0' }];
    if (options.denied) throw new RowsealError('source_refused', 'denied', { details: { errno: 1142 } });
    live.now += live.lookMs;
    if (text === 'SHOW PROCESSLIST')
      return live.rows.map(({ id, user, host }) => ({
        Id: id!,
        User: user!,
        Host: `${host}:4711`,
        Command: 'Sleep',
      }));
    return live.rows;
  };
  const make = (performanceSchema = true) =>
    createThreads({
      side: { query, close: async () => {} },
      facts: { performanceSchema },
      clock: () => live.now,
    });
  const looks = () => asked.filter((text) => text.includes('AS application')).length;
  return { live, looks, make };
}

describe('who is behind a thread', () => {
  test('is asked once, for all threads, and then known', async () => {
    const { live, looks, make } = server();
    const threads = make();
    const commit = live.now + 5000;
    const first = threads.find(7, commit);
    const second = threads.find(7, commit);
    expect(await first).toEqual({ login: 'app@10.0.0.4', address: '10.0.0.4', application: 'billing' });
    expect(await second).toEqual(await first);
    expect(threads.find(7, commit)).toEqual(await first);
    expect(looks()).toBe(1);
  });

  test('a thread that is gone is nobody, without another question', async () => {
    const { live, looks, make } = server();
    const threads = make();
    expect(await threads.find(8, live.now + 4990)).toBeNull();
    expect(threads.find(8, live.now + 4990)).toBeNull();
    expect(looks()).toBe(1);
  });

  // How far the clocks are apart only a look tells, and none was made for commits that seemed old: with our clock 15 s ahead
  // of the server's, no login was ever found, and nothing said so.
  test('a clock of ours that is ahead of the server’s, or is set forward, hides nobody', async () => {
    const { live, make } = server();
    const threads = make();
    live.ahead = -15_000;
    expect(await threads.find(7, live.now - 15_000)).toMatchObject({ application: 'billing' });
    live.now += 60_000;
    live.ahead -= 55_000;
    expect(await threads.find(7, live.now - 70_000)).toMatchObject({ application: 'billing' });
  });

  test('where the log tells whole seconds, who came later in the same second is looked up too', async () => {
    const { live, looks, make } = server();
    const threads = make();
    const second = live.now + 5000;
    live.now += 300;
    expect(await threads.find(7, second, second + 999)).toMatchObject({ application: 'billing' });
    live.now += 200;
    live.rows = [APP, { ...APP, id: '8', application: 'cron' }];
    expect(await threads.find(8, second, second + 999)).toMatchObject({ application: 'cron' });
    expect(looks()).toBe(2);
    live.now += 600;
    await threads.find(9, second + 1000, second + 1999);
    expect(threads.find(9, second, second + 999)).toBeNull(); // gone before the look
    expect(looks()).toBe(3);
  });

  test('a backlog is not looked up, nor a transaction of an earlier start of the server', async () => {
    const { live, looks, make } = server();
    const threads = make();
    await threads.find(7, live.now + 5000);
    expect(threads.find(7, live.now + 5000 - 10_001)).toBeNull();
    expect(looks()).toBe(1);
    const restarted = server();
    restarted.live.uptime = '1';
    expect(await restarted.make().find(7, restarted.live.now + 4000)).toBeNull();
  });

  test('twenty looks a second at most; an answer from long before the commit is none', async () => {
    const { live, looks, make } = server();
    const threads = make();
    await threads.find(7, live.now + 5000);
    live.now += 20;
    expect(threads.find(9, live.now + 5000)).toBeNull(); // too soon for another look
    expect(threads.find(7, live.now + 5000)).toMatchObject({ login: 'app@10.0.0.4' });
    live.now += 5000;
    live.rows = [{ ...APP, user: 'other' }];
    expect(await threads.find(7, live.now + 5000)).toMatchObject({ login: 'other@10.0.0.4' });
    expect(looks()).toBe(2);
  });

  test('looks that take long are seldom; a single one is none', async () => {
    const { live, looks, make } = server();
    const threads = make();
    const find = async () => {
      live.now += 100;
      return threads.find(9, live.now + 5000);
    };
    live.lookMs = 300;
    await find();
    await find();
    expect(looks()).toBe(2);
    await find();
    expect(looks()).toBe(2); // 300 ms of each 6 s
    live.now += 6000;
    live.lookMs = 1;
    await find();
    await find();
    expect(looks()).toBe(4);
  });

  test('nobody waits long for a server that does not answer', async () => {
    const threads = createThreads({
      side: { query: () => new Promise(() => {}), close: async () => {} },
      facts: { performanceSchema: true },
      clock: () => 1_000_000,
    });
    expect(await threads.find(7, 1_000_000)).toBeNull();
    expect(threads.find(7, 1_000_000)).toBeNull(); // at once
  });

  test('without the privilege nobody is found, and that is said', async () => {
    const denied = server({ denied: true });
    const threads = denied.make();
    expect(await threads.find(7, denied.live.now + 5000)).toBeNull();
    expect(threads.problem()).toBe('denied');
    expect(threads.find(7, denied.live.now + 5000)).toBeNull();
    const blind = server().make(false);
    expect(await blind.find(7, 1_005_000)).toBeNull();
    expect(blind.problem()).toContain('PROCESS');
    const sighted = server();
    sighted.live.rows = [APP, { ...APP, id: '8', user: 'other' }];
    expect(await sighted.make(false).find(7, 1_005_000)).toEqual({
      login: 'app@10.0.0.4',
      address: '10.0.0.4',
      application: null,
    });
  });
});
