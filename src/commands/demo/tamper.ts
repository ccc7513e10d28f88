/** Spoils copies of a trail, as somebody with root on the store would. Must never touch the trail itself. */
import { chmod, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Copies the trail in `from` to `to`, and changes one bit in the middle of `object`; resolves with the byte's offset. */
export async function changeOneByte(from: string, to: string, object: string): Promise<number> {
  await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  const path = join(to, object);
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await chmod(path, 0o644); // a trail's files are read-only
  await writeFile(path, bytes);
  return at;
}

/** Copies the trail in `from` to `to`, and removes `object`. */
export async function removeObject(from: string, to: string, object: string): Promise<void> {
  await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  await rm(join(to, object));
}
