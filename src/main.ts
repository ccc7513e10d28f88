#!/usr/bin/env node
/** argv → command → exit status. The only place that ends the process. */
import './old-node.cjs';
import { RowsealError } from './base/errors.ts';
import { clean, guarded, join, type Printable, pad, text } from './base/text.ts';
import type { Command, CommandIo } from './commands/command.ts';
import { nearestName } from './config/nearest.ts';

/** Loaded when called: an auditor's verify waits for no database driver. */
const COMMANDS: Readonly<Record<string, { readonly summary: Printable; load(): Promise<Command> }>> = {
  demo: {
    summary: text`the whole story in a minute: a real server, a rogue change, seals, tampering, and verify catching it`,
    load: async () => (await import('./commands/demo/index.ts')).demoCommand,
  },
  keygen: {
    summary: text`make a signing key; prints the verifying key to hand to the auditor`,
    load: async () => (await import('./commands/keygen/index.ts')).keygenCommand,
  },
  doctor: {
    summary: text`check every precondition, with the SQL or command that mends it`,
    load: async () => (await import('./commands/doctor/index.ts')).doctorCommand,
  },
  setup: {
    summary: text`install what a DBA reviewed: login, publication, functions, triggers; or take it all back`,
    load: async () => (await import('./commands/setup/index.ts')).setupCommand,
  },
  run: {
    summary: text`the daemon: capture, seal, acknowledge`,
    load: async () => (await import('./commands/run/index.ts')).runCommand,
  },
  status: {
    summary: text`head, lag, attribution coverage, gaps`,
    load: async () => (await import('./commands/status/index.ts')).statusCommand,
  },
  verify: {
    summary: text`check a trail, offline, trusting nothing but the key`,
    load: async () => (await import('./commands/verify/index.ts')).verifyCommand,
  },
  show: {
    summary: text`read records: by table, key, actor, time`,
    load: async () => (await import('./commands/show/index.ts')).showCommand,
  },
  version: {
    summary: text`which rowseal this is: version and commit, to cite a verdict with`,
    load: async () => (await import('./commands/version/index.ts')).versionCommand,
  },
};

const HELP = text`rowseal: who changed which row, sealed so that an outsider can check it.

Usage: rowseal <command> [options]      rowseal <command> --help teaches each one

${join(
  Object.entries(COMMANDS).map(([name, { summary }]) => text`  ${pad(clean(name), 8)} ${summary}`),
  text`\n`,
)}

A first trail: keygen, write rowseal.yaml (see config.example.yaml), doctor, setup, run; then status and verify.
Exit status: 0 good, 1 the answer is bad, 2 could not do it or was used wrongly, 3 a redaction has no column to redact, 70 a defect.
`;

const stderr = guarded(process.stderr);

async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The first asks to seal what is open and leave; the second leaves at once.
      if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
      stop.abort();
    });
  }
  const io: CommandIo = {
    stdout: guarded(process.stdout),
    stderr,
    env: process.env,
    signal: stop.signal,
  };
  const [first, ...rest] = argv;
  const name = first === '--version' || first === '-V' ? 'version' : first;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? io.stderr : io.stdout).write(HELP);
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    const near = nearestName(name, Object.keys(COMMANDS));
    throw new RowsealError('usage', `There is no command ${name}.`, {
      hint: near === undefined ? 'See rowseal --help.' : `Did you mean rowseal ${near}?`,
    });
  }
  const command = await entry.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(command.help.endsWith('\n') ? command.help : text`${command.help}\n`);
    return 0;
  }
  return command.run(rest, io);
}

/** What happened, why, what to do. A defect shows its stack; an operator's error does not. */
function report(error: unknown): number {
  if (!(error instanceof RowsealError)) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const lines = said.split('\n').map((line) => clean(line));
    stderr.write(text`rowseal: a defect: ${join(lines, text`\n`)}\n`);
    return 70;
  }
  stderr.write(text`rowseal: ${clean(error.message)} [${clean(error.code)}]\n  ${clean(error.hint)}\n`);
  return error.exit;
}

// A reader that closes the pipe (head, less) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 70));

process.exit(await main(process.argv.slice(2)).catch(report));
