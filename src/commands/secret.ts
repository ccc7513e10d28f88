/** Secrets that lie in files of their own. */
import { readFileSync } from 'node:fs';
import { RowsealError } from '../base/errors.ts';

/** A file's text without its last line break. Throws `config_invalid`. */
export function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new RowsealError(
      'config_invalid',
      `${path} can't be read: ${(cause as NodeJS.ErrnoException).code}`,
      { cause },
    );
  }
}
