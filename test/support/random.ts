/** Seeded random numbers for the workloads of the truth and crash tests: a failing run prints its seed. */

export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, below). */
  below(below: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A new generator whose numbers don't depend on how often this one is used later. */
  fork(name: string): Random;
}

/** mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: <T>(from: readonly T[]) => from[below(from.length)] as T,
    fork: (name) => {
      let hash = seed ^ 0x9e3779b9;
      for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193);
      return createRandom(hash);
    },
  };
}

/** ROWSEAL_SEED, or a fresh one; print it with every failure. */
export function seedOfRun(): number {
  const given = process.env['ROWSEAL_SEED'];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
