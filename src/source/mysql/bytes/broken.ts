/** The error for bytes of a binlog that say something impossible or unknown. It must never carry any of their content. */
import { RowsealError } from '../../../base/errors.ts';

export function broken(what: string, details: Record<string, unknown> = {}): RowsealError {
  return new RowsealError('stream_not_understood', `binlog: ${what}`, { details });
}
