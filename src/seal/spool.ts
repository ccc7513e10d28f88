/**
 * The file behind rows that wait for their context when memory is full. What it holds is redacted already, and
 * worthless after a crash, since the server sends the rows again: so the file loses its name as soon as it is open,
 * and nobody finds anything in it later. Synchronous: it stands in the middle of a transaction's rows.
 */
import { hash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { RowsealError } from '../base/errors.ts';
import type { Spool } from '../change/spool.ts';

const SUFFIX = '.rowseal-spool';

export interface FileSpool extends Spool {
  close(): void;
}

/** A spool of at most `maxBytes` in `folder`; the file is made at the first append. `name` keeps trails apart. */
export function createFileSpool(folder: string, name: string, maxBytes: number): FileSpool {
  const path = join(folder, `${fileName(name)}${SUFFIX}`);
  let file: number | null = null;
  let start = 0;
  let end = 0;
  let piece = Buffer.alloc(0);
  removeLeftover(folder, path);

  const open = (): number => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const opened = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return opened;
  };
  const discard = () => {
    if (file !== null && end > 0) ftruncateSync(file, 0);
    start = 0;
    end = 0;
  };
  return {
    get bytes() {
      return end - start;
    },
    append(bytes) {
      if (end - start + bytes.length > maxBytes) {
        throw new RowsealError(
          'spool_full',
          `Rows that wait for their context need more than ${maxBytes} bytes of spool.`,
        );
      }
      file ??= open();
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(file, bytes, written, bytes.length - written, end + written);
      }
      end += bytes.length;
    },
    take(most) {
      const size = Math.min(most, end - start);
      if (size === 0 || file === null) return piece.subarray(0, 0);
      if (piece.length < size) piece = Buffer.allocUnsafe(size);
      const read = readSync(file, piece, 0, size, start);
      if (read === 0)
        throw new RowsealError('internal', 'The spool file is shorter than what was written to it.');
      start += read;
      const taken = piece.subarray(0, read);
      if (start === end) discard();
      return taken;
    },
    discard,
    close() {
      if (file !== null) closeSync(file);
      file = null;
      start = 0;
      end = 0;
    },
  };
}

/** No trail's name has a `_`. A long one is cut, and told apart by its hash. */
function fileName(name: string): string {
  const flat = name.replaceAll('/', '_');
  return flat.length <= MOST_NAME ? flat : `${flat.slice(0, MOST_NAME)}_${hash('sha256', name).slice(0, 16)}`;
}

/** With what stands behind it, within the 255 bytes that a file's name may have. */
const MOST_NAME = 180;

/** A daemon killed between making the file and taking its name away leaves it; nothing in it is of use. */
function removeLeftover(folder: string, path: string): void {
  try {
    if (readdirSync(folder).length > 0) unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
