/** Spoils copies of a trail, as somebody with root on the store would. Must never touch the trail itself. */
import { chmod, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ChangedByte {
  readonly at: number;
  readonly was: number;
  readonly is: number;
}

/** Copies the trail in `from` to `to`, and flips one bit in the middle of `object`. */
export async function changeOneByte(from: string, to: string, object: string): Promise<ChangedByte> {
  await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  const path = join(to, object);
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length / 2);
  const was = bytes[at] ?? 0;
  const is = was ^ 1;
  bytes[at] = is;
  await chmod(path, 0o644); // a trail's files are read-only
  await writeFile(path, bytes);
  return { at, was, is };
}

/** Copies the trail in `from` to `to`, and removes `object`. */
export async function removeObject(from: string, to: string, object: string): Promise<void> {
  await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  await rm(join(to, object));
}
