/** Secrets that lie in files of their own. */
import { readFileSync } from 'node:fs';
import { RowsealError } from '../../base/errors.ts';
import { shellWord } from '../../source/preflight.ts';

/** A file's text without its last line break. Throws `config_invalid`. */
export function readSecret(path: string): string {
  return read(path, () => null);
}

/** The capture login's password, from source.password_file. Throws `config_invalid`. */
export function readPassword(path: string): string {
  const word = shellWord(path);
  return read(path, (code) => {
    if (code === 'ENOENT')
      return `Make it before rowseal setup, which gives it to the login: (umask 077; openssl rand -hex 24 > ${word})`;
    return code === 'EACCES' ? `Give it to the user that rowseal runs as: chown … ${word}` : null;
  });
}

function read(path: string, hintOf: (code: string | undefined) => string | null): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const hint = hintOf(code);
    const options = hint === null ? { cause } : { cause, hint };
    throw new RowsealError('config_invalid', `${path} can't be read: ${code}`, options);
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
