/** What waits is given up for by the machine's idle time, not by the clock. */
import { describe, expect, test } from 'vitest';
import { createPatience, eventually, until, withPatience } from './patience.ts';

describe('patience', () => {
  test('is used up by idle time alone', () => {
    let idle = 5000;
    const patience = createPatience(1000, () => idle);
    for (let look = 0; look < 1000; look++) expect(patience.isOver()).toBe(false);
    for (let look = 0; look < 3; look++) {
      idle += 300;
      expect(patience.isOver()).toBe(false);
    }
    idle += 100;
    expect(patience.isOver()).toBe(true);
  });

  test('is not used up by one look that came late', () => {
    let idle = 0;
    const patience = createPatience(1000, () => idle);
    idle += 1e9;
    expect(patience.isOver()).toBe(false);
  });

  test('ends with what was waited for', async () => {
    const never = new Promise<never>(() => {});
    await expect(withPatience(never, 'a word', 0)).rejects.toThrow('in vain for a word');
    await expect(until(() => false, 0)).rejects.toThrow('in vain for () => false');
    await expect(until(() => never, 0, 1, 'an answer')).rejects.toThrow('in vain for an answer');
    await expect(
      eventually(
        () => 1,
        (one) => expect(one).toBe(2),
        0,
      ),
    ).rejects.toThrow('expected 1 to be 2');
  });

  test('passes on what comes, and what is thrown', async () => {
    let looks = 0;
    await until(() => ++looks > 3, 1000, 1);
    expect(looks).toBe(4);
    expect(await withPatience(Promise.resolve(7), 'seven')).toBe(7);
    const broken = async () => {
      throw new Error('it broke');
    };
    await expect(until(broken)).rejects.toThrow('it broke');
  });
});
