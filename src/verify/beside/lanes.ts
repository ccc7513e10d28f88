/**
 * Some tasks at once, for whoever gives them out one by one: giving out waits while all lanes are taken. The first error
 * ends all that follows, and is thrown where the next one is given out.
 */
export interface Lanes {
  run(task: () => Promise<void>): Promise<void>;
  /** Until none is under way. */
  drain(): Promise<void>;
}

export function createLanes(most: number): Lanes {
  const underWay = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | null = null;
  const check = () => {
    if (failed !== null) throw failed.error;
  };
  return {
    async run(task) {
      while (underWay.size >= most) await Promise.race(underWay);
      check();
      const done: Promise<void> = task()
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => underWay.delete(done));
      underWay.add(done);
    },
    async drain() {
      await Promise.all(underWay);
      check();
    },
  };
}
