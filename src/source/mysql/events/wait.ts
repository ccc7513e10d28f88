/** Doing things one after another, without a promise as long as none is needed: most events are read within their call. */

/** Undefined where it is done already. */
export type Wait = Promise<void> | undefined;

export function after(wait: Wait, next: () => Wait): Wait {
  return wait === undefined ? next() : wait.then(next);
}

/** Calls `step` one after another, without a promise as long as none is needed. */
export function stepThrough<Item>(items: Iterable<Item>, step: (item: Item) => Wait): Wait {
  const iterator = items[Symbol.iterator]();
  const go = (): Wait => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      const wait = step(next.value);
      if (wait !== undefined) return wait.then(go);
    }
    return undefined;
  };
  return go();
}
