/**
 * A SCRAM-SHA-256 verifier (RFC 5802 section 3, RFC 7677; manual: pg_authid.rolpassword) computed here, so that a
 * new password never crosses to the server, nor stands in its log, in clear.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { RowsealError } from '../../../base/errors.ts';

const ITERATIONS = 4096; // the server's own default

/** `SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>`. Throws `config_invalid` for a password that SASLprep would change. */
export function scramVerifier(
  password: string,
  salt: Buffer = randomBytes(16),
  iterations = ITERATIONS,
): string {
  // Clients differ in whether they apply SASLprep (RFC 4013); where it changes nothing they agree.
  if (password === '' || password !== password.normalize('NFKC') || /[\p{Cc}\u00a0\u00ad]/u.test(password)) {
    throw new RowsealError(
      'config_invalid',
      'the password is empty or has characters that SASLprep (RFC 4013) changes',
      {
        hint: 'Choose one of printable ASCII characters.',
      },
    );
  }
  const salted = pbkdf2Sync(Buffer.from(password, 'utf8'), salt, iterations, 32, 'sha256');
  const keyed = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`;
}

/** Whether a verifier, as pg_authid shows it, is one of this password. */
export function fitsVerifier(password: string, verifier: string): boolean {
  const parts = /^SCRAM-SHA-256\$(\d{1,8}):([A-Za-z0-9+/=]+)\$/.exec(verifier);
  if (parts === null) return false;
  const expected = scramVerifier(password, Buffer.from(parts[2]!, 'base64'), Number(parts[1]));
  return expected.length === verifier.length && timingSafeEqual(Buffer.from(expected), Buffer.from(verifier));
}
