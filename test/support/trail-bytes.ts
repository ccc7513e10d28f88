/** Every file of a trail and its spool as bytes, segments decompressed: for what must not be anywhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

/** Which of these texts stand in any file of the trails or the spool in this folder. */
export function foundIn(dir: string, texts: readonly string[]): string[] {
  const files = [...filesOf(join(dir, 'trails')), ...filesOf(join(dir, 'spool'))];
  return texts.filter((text) => files.some((file) => contentOf(file).includes(Buffer.from(text))));
}

export function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

export function contentOf(file: string): Buffer {
  const bytes = readFileSync(file);
  const isZstd = bytes.length > 4 && bytes.readUInt32LE(0) === 0xfd2fb528;
  return isZstd ? zstdDecompressSync(bytes) : bytes;
}
