/**
 * Maps what comes, some of it at once, and gives the results in their order. It begins with one at a time and takes
 * one more at each step: where the first answers the question, nothing else was asked for.
 */
export async function* readAhead<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  most: number,
  read: (each: T) => Promise<R>,
): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  let limit = 1;
  for await (const each of source) {
    const result = read(each);
    // It is awaited later: until then a rejection is nobody's.
    result.catch(() => {});
    ahead.push(result);
    if (ahead.length < limit) continue;
    yield await ahead.shift()!;
    limit = Math.min(most, limit + 1);
  }
  for (const each of ahead) yield await each;
}
