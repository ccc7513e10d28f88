/**
 * The daemon's log: pino, one JSON object a line, in which nothing steers the terminal that it runs on. Must never be
 * handed a URL with a password, a row's value or a key; `redact` is the net below, not the rule.
 */
import { type Logger, pino } from 'pino';
import { RowsealError } from './errors.ts';
import { jsonLine, type Output } from './text.ts';

export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug' | 'child'>;

/** `level` is one of pino's (`debug`, `info`, `warn`, `error`, `silent`). */
export function createLog(level: string, destination: Pick<Output, 'write'>): Log {
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
    { write: (line) => void destination.write(jsonLine(line)) },
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
