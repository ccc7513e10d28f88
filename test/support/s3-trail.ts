/** Copies a trail from a bucket into a folder as a reader must take it: of a seal's key the oldest version that is one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openReader } from '../../src/store/open.ts';

export async function copyTrail(
  location: string,
  env: Record<string, string>,
  folder: string,
): Promise<void> {
  const reader = await openReader(location, env);
  const taken = new Set<string>();
  for await (const { key, version, deleteMarker } of reader.list('')) {
    if (deleteMarker || taken.has(key)) continue;
    const bytes = await reader.read(key, version, 64 * 1024 * 1024);
    if (key.startsWith('seals/') && !bytes.subarray(0, 16).equals(Buffer.from('rowseal/seal@v1\n'))) continue;
    taken.add(key);
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeFile(join(folder, key), bytes);
  }
  await reader.close();
}
