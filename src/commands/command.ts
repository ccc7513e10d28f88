/** What a command is: a file per verb, each the root that builds what it needs from argv and environment. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RowsealError } from '../base/errors.ts';
import type { Output, Printable } from '../base/text.ts';

export interface CommandIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT or SIGTERM: finish what is open and leave. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** One line for `rowseal --help`. */
  readonly summary: string;
  /** The whole text of `rowseal <name> --help`: usage, options with units and defaults, an example or two, exit codes. */
  readonly help: Printable;
  /** Resolves with the exit status: 0 good, 1 the answer is bad, 2 could not do it. Throws RowsealError. */
  run(argv: readonly string[], io: CommandIo): Promise<number>;
}

/** Parses argv strictly; what does not fit becomes a `usage` error that names the command's help. */
export function parseCommandLine<T extends ParseArgsConfig>(
  command: string,
  argv: readonly string[],
  config: T,
) {
  try {
    return parseArgs({ ...config, args: [...argv], strict: true });
  } catch (cause) {
    throw new RowsealError('usage', (cause as Error).message, {
      cause,
      hint: `See rowseal ${command} --help.`,
    });
  }
}
