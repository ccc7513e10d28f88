/**
 * Runs rowseal's own commands inside the demo, the way a shell would: arguments in, output and exit status back.
 * What the demo shows is what they print; there is no second way to do anything.
 */
import { createWriteStream } from 'node:fs';
import { finished, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RowsealError } from '../../base/errors.ts';
import type { Command, CommandIo } from '../command.ts';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
}

/** Throws what the command throws. */
export async function runCommand(command: Command, argv: readonly string[], io: CommandIo): Promise<Ran> {
  const stdout = sink();
  const exit = await command.run(argv, { ...io, stdout: stdout.stream, stderr: sink().stream });
  return { exit, stdout: stdout.text() };
}

function sink(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer | string, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

export interface Daemon extends AsyncDisposable {
  /** Resolves when `ready` does with true; rejects when the daemon ended, or nothing came for long. */
  until(what: string, ready: () => Promise<boolean>): Promise<void>;
  /** As SIGTERM: it seals what is open and leaves. Resolves with its exit status. */
  stop(): Promise<number>;
}

/** Generous, for machines that are busy with other things: a daemon that ended is noticed at once. */
const PATIENCE_MS = 300_000;

/** Starts `rowseal run`, its log going to a file. Give it another signal than the demo's: it must seal before it goes. */
export function startDaemon(
  command: Command,
  argv: readonly string[],
  io: CommandIo,
  logFile: string,
): Daemon {
  const stop = new AbortController();
  const log = createWriteStream(logFile, { mode: 0o600 });
  let ended: { readonly exit: number } | { readonly error: unknown } | null = null;
  const running = command
    .run(argv, { ...io, stdout: log, stderr: log, signal: stop.signal })
    .then((exit) => ({ exit }))
    .catch((error: unknown) => ({ error }))
    .then(async (end) => {
      ended = end;
      log.end();
      await promisify(finished)(log).catch(() => undefined);
      return end;
    });
  const end = async (): Promise<number> => {
    stop.abort();
    const how = await running;
    if ('error' in how) throw how.error;
    return how.exit;
  };
  return {
    async until(what, ready) {
      const deadline = Date.now() + PATIENCE_MS;
      while (!(await ready())) {
        io.signal.throwIfAborted();
        if (ended !== null) await end();
        if (ended !== null || Date.now() > deadline) {
          throw new RowsealError('internal', `The daemon did not come to: ${what}.`, {
            hint: `See its log, ${logFile}.`,
          });
        }
        await sleep(30);
      }
    },
    stop: end,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}
