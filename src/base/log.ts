/**
 * The daemon's log: pino, one JSON object a line. Must never be handed a URL with a password, a row's value or a
 * key; `redact` is the net below, not the rule.
 */
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug' | 'child'>;

/** `level` is one of pino's (`debug`, `info`, `warn`, `error`, `silent`). */
export function createLog(level: string, destination: NodeJS.WritableStream): Log {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: ['url', 'password', '*.url', '*.password', '*.secretAccessKey'],
        censor: '[redacted]',
      },
    },
    destination as NodeJS.WritableStream & { write(text: string): boolean },
  );
}

/** For tests and commands that print by themselves. */
export const silentLog: Log = pino({ level: 'silent' });
