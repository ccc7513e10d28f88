/**
 * The listing of a folder whose objects stand under the numbers of seals: a cursor that moves along with the seals, so that
 * no listing is held in memory. It must be asked for the seals in their order.
 */
import { type Listed, listKeys } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';

export interface Folder {
  /** What stands before this seal's number and was not asked for. */
  before(number: number): AsyncGenerator<Listed>;
  /** What stands under this seal's number. */
  at(number: number): AsyncGenerator<Listed>;
  /** What is left. */
  rest(): AsyncGenerator<Listed>;
}

/** `name` without a slash; `from`: the first number that is looked at. */
export function createFolder(reader: TrailReader, name: string, from: number): Folder {
  const start = (number: number) => `${name}/${String(number).padStart(12, '0')}/`;
  // A seal's number with `0` behind it comes after all that lies in its folder, for `0` comes after `/`.
  const after = from === 0 ? undefined : start(from - 1).replace(/\/$/, '0');
  let keys: AsyncGenerator<Listed> | null = null;
  let current: Listed | null = null;

  const advance = async (): Promise<void> => {
    const { value, done } = await keys!.next();
    current = done === true ? null : value;
  };
  const take = async function* (isWanted: (key: string) => boolean): AsyncGenerator<Listed> {
    if (keys === null) {
      keys = listKeys(reader, `${name}/`, after);
      await advance();
    }
    for (; current !== null && isWanted(current.key); await advance()) yield current;
  };

  return {
    before: (number) => take((key) => key < start(number)),
    at: (number) => take((key) => key.startsWith(start(number))),
    rest: () => take(() => true),
  };
}
