/**
 * The daemon's log: pino, one JSON object a line. Must never be handed a URL with a password, a row's value or a
 * key; `redact` is the net below, not the rule.
 */
import { type Logger, pino } from 'pino';
import { RowsealError } from './errors.ts';

export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug' | 'child'>;

/** `level` is one of pino's (`debug`, `info`, `warn`, `error`, `silent`). */
export function createLog(level: string, destination: NodeJS.WritableStream): Log {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorForLog },
      redact: {
        paths: ['url', 'password', '*.url', '*.password', '*.secretAccessKey'],
        censor: '[redacted]',
      },
    },
    destination as NodeJS.WritableStream & { write(text: string): boolean },
  );
}

/** An operator's error says what happened and what to do; only a defect needs its stack. */
function errorForLog(error: Error): object {
  if (!(error instanceof RowsealError)) return pino.stdSerializers.err(error);
  const { code, message, hint, details } = error;
  return { code, message, hint, details };
}

/** For tests and commands that print by themselves. */
export const silentLog: Log = pino({ level: 'silent' });
