/**
 * Reads the signing key from its file. One key file may serve several trails: the name of a trail is the name of
 * its key, so the same seed gives each trail a verifying key of its own. The key must never be logged or copied.
 */
import { readFileSync, statSync } from 'node:fs';
import { RowsealError } from '../base/errors.ts';
import { parseSigner, type Signer, signerOf } from '../trail/note.ts';

/** The signer of `trail`. Throws `key_invalid`, also where others may read the file. */
export function readSigner(path: string, trail: string): Signer {
  const text = readPrivate(path);
  const named = parseSigner(text);
  return named.key.name === trail ? named : signerOf(trail, seedOf(text)).signer;
}

function readPrivate(path: string): string {
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new RowsealError('key_invalid', `${path} can be read by others (mode ${mode.toString(8)}).`, {
        hint: `chmod 600 ${path}`,
      });
    }
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof RowsealError) throw cause;
    throw new RowsealError(
      'key_invalid',
      `Cannot read the signing key ${path}: ${(cause as NodeJS.ErrnoException).code}.`,
      {
        cause,
        hint: 'Make one with rowseal keygen --out FILE --name TRAIL.',
      },
    );
  }
}

/** The 32 bytes behind the type byte; parseSigner has checked the form. */
function seedOf(text: string): Buffer {
  const base64 = text.trim().split('+').slice(4).join('+');
  return Buffer.from(base64, 'base64').subarray(1);
}
