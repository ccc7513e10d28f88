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

/** What is wrong with the admin's URL is told of where it came from, not of the configuration. */
export function ofAdmin<T>(file: string | undefined, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RowsealError) || error.code !== 'config_invalid') throw error;
    const where = file ?? 'ROWSEAL_ADMIN_URL';
    throw new RowsealError('usage', `${where}: ${error.message}`, {
      cause: error,
      hint: 'Write postgres://user@host:port/database or mysql://user@host:port/, with parameters as the clients name them.',
    });
  }
}
