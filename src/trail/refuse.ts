/**
 * How this folder refuses bytes: one kind of error, with the name of what is wrong, so that the verifier can
 * report it as a finding and the daemon can stop on it. It must never repair or guess.
 */
import { RowsealError } from '../base/errors.ts';

/** Returns (to be thrown) a `trail_invalid` whose details name the finding, such as `seal_member`. */
export function refusal(
  finding: string,
  message: string,
  details: Record<string, unknown> = {},
): RowsealError {
  return new RowsealError('trail_invalid', message, { details: { ...details, finding } });
}

/** The finding that a refusal names, or null for any other error. */
export function findingOf(error: unknown): string | null {
  if (!(error instanceof RowsealError) || error.code !== 'trail_invalid') return null;
  const finding = error.details['finding'];
  return typeof finding === 'string' ? finding : null;
}
